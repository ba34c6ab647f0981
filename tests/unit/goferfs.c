/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared file system over a real gofer: what is done here is seen on the
 * host, and what is done there is seen here, at once.
 */
#include "goferfs_at.h"

static void sees_what_the_host_does(void **state)
{
	struct at a;
	struct kstat st;
	at_begin(&a, state, RW);
	assert_int_equal(look(&a, "new", &st), -ENOENT);
	put_file(a.f->dir, "rw/new", "1");
	assert_int_equal(look(&a, "new", &st), 0);
	assert_int_equal(st.size, 1);
	put_file(a.f->dir, "rw/new", "12345");
	assert_int_equal(look(&a, "new", &st), 0);
	assert_int_equal(st.size, 5);
	assert_int_equal(chmod(host(&a, "new"), 0600), 0);
	assert_int_equal(look(&a, "new", &st), 0);
	assert_int_equal(st.mode, S_IFREG | 0600);
	/* Another file under the same name. */
	put_file(a.f->dir, "rw/other", "other");
	struct file *f = open_at_mode(&a, "new", O_RDONLY, 0);
	assert_int_equal(rename(host(&a, "other"), host(&a, "new")), 0);
	reads(f, "12345");
	file_put(f);
	f = open_at_mode(&a, "new", O_RDONLY, 0);
	reads(f, "other");
	file_put(f);
	assert_int_equal(unlink(host(&a, "new")), 0);
	assert_int_equal(look(&a, "new", &st), -ENOENT);
	assert_int_equal(rename(host(&a, "dir"), host(&a, "moved")), 0);
	assert_int_equal(look(&a, "dir/inner", &st), -ENOENT);
	assert_int_equal(look(&a, "moved/inner", &st), 0);
	at_end(&a);
}

static void writes_reach_the_host(void **state)
{
	struct at a;
	struct stat st;
	char buf[20] = "";
	int64_t pos = 2;
	at_begin(&a, state, RW);
	struct file *f = open_at_mode(&a, "made", O_CREAT | O_EXCL | O_RDWR, 0440);
	assert_int_equal(put(f, "hello", NULL), 5);
	assert_int_equal(stat(host(&a, "made"), &st), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(st.st_mode, S_IFREG | (0440 & ~a.fs->umask));
	assert_int_equal(put(f, "LL", &pos), 2);
	reads(f, "heLLo");
	int fd = open(host(&a, "made"), O_RDONLY);
	assert_int_equal(read(fd, buf, 20), 5);
	assert_string_equal(buf, "heLLo");
	close(fd);
	const struct iattr cut = {.mask = ATTR_SIZE, .size = 3};
	assert_int_equal(vfs_setattr(&f->path, a.cred, &cut), 0);
	assert_int_equal(stat(host(&a, "made"), &st), 0);
	assert_int_equal(st.st_size, 3);
	file_put(f);
	f = open_at_mode(&a, "made", O_TRUNC | O_WRONLY, 0);
	assert_int_equal(stat(host(&a, "made"), &st), 0);
	assert_int_equal(st.st_size, 0);
	file_put(f);
	at_end(&a);
}

static void appends_behind_the_host(void **state)
{
	struct at a;
	at_begin(&a, state, RW);
	struct file *f = open_at_mode(&a, "file", O_APPEND | O_RDWR, 0);
	assert_int_equal(put(f, "-a", NULL), 2);
	int fd = open(host(&a, "file"), O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "-h", 2), 2);
	close(fd);
	assert_int_equal(put(f, "-b", NULL), 2);
	reads(f, "hello-a-h-b");
	assert_int_equal(f->pos, 11);
	/* The flag goes, and comes to a file that did not have it. */
	f->flags &= ~(uint32_t)O_APPEND;
	int64_t pos = 0;
	assert_int_equal(put(f, "J", &pos), 1);
	reads(f, "Jello-a-h-b");
	file_put(f);
	f = open_at_mode(&a, "file", O_RDWR, 0);
	f->flags |= O_APPEND;
	assert_int_equal(put(f, "!", NULL), 1);
	reads(f, "Jello-a-h-b!");
	file_put(f);
	at_end(&a);
}

static void makes_and_removes_all_kinds(void **state)
{
	struct at a;
	struct stat st;
	struct kstat k;
	char buf[20] = "";
	at_begin(&a, state, RW);
	assert_int_equal(vfs_mkdir(&a.w, "d", 0750), 0);
	assert_int_equal(stat(host(&a, "d"), &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | (0750 & ~a.fs->umask));
	assert_int_equal(vfs_symlink(&a.w, "../file", "d/l"), 0);
	assert_int_equal(readlink(host(&a, "d/l"), buf, 20), 7);
	assert_string_equal(buf, "../file");
	assert_int_equal(vfs_mknod(&a.w, "d/p", S_IFIFO | 0600, 0), 0);
	assert_int_equal(lstat(host(&a, "d/p"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(vfs_mknod(&a.w, "d/c", S_IFCHR | 0600, 0x103), -EPERM);
	/* Through the link to the file. */
	struct file *f = open_at_mode(&a, "d/l", O_RDONLY, 0);
	reads(f, "hello");
	file_put(f);
	assert_int_equal(vfs_rmdir(&a.w, "d"), -ENOTEMPTY);
	assert_int_equal(vfs_mkdir(&a.w, "d", 0700), -EEXIST);
	assert_int_equal(vfs_unlink(&a.w, "d/l"), 0);
	assert_int_equal(vfs_unlink(&a.w, "d/p"), 0);
	assert_int_equal(vfs_rmdir(&a.w, "d"), 0);
	assert_int_equal(stat(host(&a, "d"), &st), -1);
	assert_int_equal(look(&a, "d", &k), -ENOENT);
	at_end(&a);
}

static void names_of_one_file_are_one(void **state)
{
	struct at a;
	struct kstat x, y;
	struct path p, q;
	at_begin(&a, state, RW);
	assert_int_equal(link(host(&a, "file"), host(&a, "second")), 0);
	assert_int_equal(path_walk(&a.w, "file", &p), 0);
	assert_int_equal(path_walk(&a.w, "second", &q), 0);
	assert_ptr_equal(p.dentry->inode, q.dentry->inode);
	assert_int_equal(vfs_link(&p, &a.w, "third"), 0);
	assert_int_equal(look(&a, "third", &x), 0);
	assert_int_equal(look(&a, "file", &y), 0);
	assert_int_equal(x.nlink, 3);
	assert_int_equal(x.ino, y.ino);
	path_put(&p);
	/* The name that was known goes outside; another one serves. */
	assert_int_equal(unlink(host(&a, "file")), 0);
	assert_int_equal(unlink(host(&a, "third")), 0);
	assert_int_equal(look(&a, "second", &x), 0);
	assert_int_equal(x.nlink, 1);
	const struct iattr mode = {.mask = ATTR_MODE, .mode = 0604};
	assert_int_equal(vfs_setattr(&q, a.cred, &mode), 0);
	path_put(&q);
	assert_int_equal(look(&a, "second", &x), 0);
	assert_int_equal(x.mode, S_IFREG | 0604);
	at_end(&a);
}

static void renames_move_what_is_below(void **state)
{
	struct at a;
	struct kstat st;
	at_begin(&a, state, RW);
	struct file *d = open_at_mode(&a, "dir", O_RDONLY | O_DIRECTORY, 0);
	struct file *f = open_at_mode(&a, "dir/inner", O_RDWR, 0);
	struct walk in = a.w;
	in.dir = d;
	assert_int_equal(vfs_mkdir(&a.w, "to", 0755), 0);
	assert_int_equal(vfs_rename(&a.w, "dir", &a.w, "to/there", 0), 0);
	assert_int_equal(access(host(&a, "to/there/inner"), F_OK), 0);
	/* By an open directory and an open file, wherever they are now. */
	assert_int_equal(vfs_mkdir(&in, "deeper", 0755), 0);
	assert_int_equal(access(host(&a, "to/there/deeper"), F_OK), 0);
	const struct iattr mode = {.mask = ATTR_MODE, .mode = 0600};
	assert_int_equal(vfs_setattr(&f->path, a.cred, &mode), 0);
	assert_int_equal(look(&a, "to/there/inner", &st), 0);
	assert_int_equal(st.mode, S_IFREG | 0600);
	/* To a name that was looked for. */
	assert_int_equal(look(&a, "later", &st), -ENOENT);
	assert_int_equal(vfs_rename(&a.w, "to", &a.w, "later", 0), 0);
	assert_int_equal(vfs_rename(&a.w, "later", &a.w, "to", 0), 0);
	/* Into itself, over something, exchanged. */
	assert_int_equal(vfs_rename(&a.w, "to", &a.w, "to/there/x", 0), -EINVAL);
	assert_int_equal(vfs_rename(&a.w, "to/there", &a.w, "to", 0), -ENOTEMPTY);
	assert_int_equal(vfs_rename(&a.w, "file", &a.w, "to/there/inner", RENAME_NOREPLACE),
			 -EEXIST);
	if (!a.f->old_host) {
		assert_int_equal(vfs_rename(&a.w, "file", &a.w, "to/there/inner", RENAME_EXCHANGE),
				 0);
		struct file *x = open_at_mode(&a, "file", O_RDONLY, 0);
		reads(x, "inside");
		file_put(x);
		assert_int_equal(vfs_rename(&a.w, "file", &a.w, "to/there/inner", RENAME_EXCHANGE),
				 0);
	}
	assert_int_equal(vfs_rename(&a.w, "file", &a.w, "to/there/inner", 0), 0);
	assert_int_equal(look(&a, "file", &st), -ENOENT);
	/* What was replaced lives on without a name. */
	reads(f, "inside");
	assert_int_equal(vfs_getattr(&f->path, &st), 0);
	assert_int_equal(st.nlink, 0);
	file_put(f);
	file_put(d);
	at_end(&a);
}

static void unlinked_files_stay_open(void **state)
{
	struct at a;
	struct kstat st;
	at_begin(&a, state, RW);
	struct file *f = open_at_mode(&a, "file", O_RDWR, 0);
	assert_int_equal(vfs_unlink(&a.w, "file"), 0);
	put_file(a.f->dir, "rw/file", "another");
	assert_int_equal(put(f, "HE", NULL), 2);
	reads(f, "HEllo");
	const struct iattr cut = {.mask = ATTR_SIZE, .size = 2};
	const struct iattr mode = {.mask = ATTR_MODE, .mode = 0111};
	assert_int_equal(vfs_setattr(&f->path, a.cred, &cut), 0);
	assert_int_equal(vfs_setattr(&f->path, a.cred, &mode), 0);
	assert_int_equal(vfs_getattr(&f->path, &st), 0);
	assert_int_equal(st.size, 2);
	assert_int_equal(st.nlink, 0);
	file_put(f);
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(st.size, 7);
	assert_int_equal(st.mode, S_IFREG | 0644);
	/* A directory that is gone. */
	struct file *d = open_at_mode(&a, "dir", O_RDONLY | O_DIRECTORY, 0);
	struct walk in = a.w;
	in.dir = d;
	assert_int_equal(vfs_unlink(&in, "inner"), 0);
	assert_int_equal(vfs_rmdir(&a.w, "dir"), 0);
	assert_int_equal(vfs_mkdir(&a.w, "dir", 0755), 0);
	assert_int_equal(vfs_mkdir(&in, "sub", 0755), -ENOENT);
	file_put(d);
	at_end(&a);
}

struct names {
	char all[512];
	int room; /* entries that fit */
};

static bool collect(void *arg, const char *name, size_t size, uint64_t ino, uint8_t type,
		    int64_t next)
{
	struct names *n = arg;
	if (n->room-- == 0)
		return false;
	assert_true(ino != 0 && type != 0 && next > 0);
	strncat(n->all, name, size);
	strcat(n->all, " ");
	return true;
}

static void lists_directories(void **state)
{
	struct at a;
	struct names n = {.room = 3};
	int64_t pos = 0;
	at_begin(&a, state, RW);
	struct file *d = open_at_mode(&a, "/", O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(d->ops->readdir(d, &pos, collect, &n), 0);
	assert_int_equal(pos, 3);
	/* What comes meanwhile is seen after rewinding. */
	put_file(a.f->dir, "rw/later", "");
	n.room = 100;
	assert_int_equal(d->ops->readdir(d, &pos, collect, &n), 0);
	assert_non_null(strstr(n.all, ". .. "));
	assert_non_null(strstr(n.all, "file "));
	assert_non_null(strstr(n.all, "dirlink "));
	assert_null(strstr(n.all, "later "));
	pos = 0;
	assert_int_equal(d->ops->readdir(d, &pos, collect, &n), 0);
	assert_non_null(strstr(n.all, "later "));
	file_put(d);
	at_end(&a);
}

static void maps_and_attributes(void **state)
{
	struct at a;
	struct mmap_source src;
	struct kstat st;
	struct stat hst;
	char buf[20];
	at_begin(&a, state, RW);
	struct file *f = open_at_mode(&a, "file", O_RDWR, 0);
	assert_int_equal(f->ops->mmap(f, PROT_READ | PROT_WRITE, true, 0, 4096, &src), 0);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, src.fd, src.off);
	assert_true(p != MAP_FAILED);
	p[0] = 'Y';
	reads(f, "Yello");
	munmap(p, 4096);
	/* Neither privately nor by who only reads: others' descriptors stay here. */
	struct file *r = open_at_mode(&a, "file", O_RDONLY, 0);
	for (int i = 0; i < 4; i++) {
		struct file *by = i % 2 ? f : r;
		if (by == f && i > 1)
			continue;
		assert_int_equal(by->ops->mmap(by, PROT_READ, i > 1, 0, 4096, &src), 0);
		assert_int_equal(fcntl(src.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	}
	file_put(r);
	const struct iattr t = {.mask = ATTR_MTIME, .mtime = {1000, 7}};
	assert_int_equal(vfs_setattr(&f->path, a.cred, &t), 0);
	assert_int_equal(stat(host(&a, "file"), &hst), 0);
	assert_int_equal(hst.st_mtim.tv_sec, 1000);
	assert_int_equal(hst.st_mtim.tv_nsec, 7);
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(st.mtime.sec, 1000);
	assert_int_equal(st.ino, hst.st_ino);
	assert_int_equal(f->ops->seek(f, 0, SEEK_END), 5);
	assert_int_equal(f->ops->fsync(f, false), 0);
	if (setxattr(host(&a, "file"), "user.probe", "1", 1, 0) == 0) {
		assert_int_equal(vfs_getxattr(&f->path, a.cred, "user.probe", buf, 20), 1);
		assert_int_equal(vfs_setxattr(&f->path, a.cred, "user.x", "val", 3, 0), 0);
		assert_int_equal(getxattr(host(&a, "file"), "user.x", buf, 20), 3);
		assert_int_equal(vfs_removexattr(&f->path, a.cred, "user.x"), 0);
		assert_int_equal(vfs_getxattr(&f->path, a.cred, "user.x", buf, 20), -ENODATA);
	}
	file_put(f);
	at_end(&a);
}

static void other_roots(void **state)
{
	struct at a;
	struct file *f;
	at_begin(&a, state, RO);
	assert_int_equal(vfs_mkdir(&a.w, "d", 0755), -EROFS);
	assert_int_equal(vfs_open(&a.w, "file", O_RDWR, 0, &f), -EROFS);
	f = open_at_mode(&a, "file", O_RDONLY, 0);
	reads(f, "hello");
	file_put(f);
	at_end(&a);
	/* A root that is a file. */
	struct fs *fs;
	struct fixture *fix = *state;
	assert_int_equal(goferfs_new(fix->g, ONE, GOFERFS_SHARED, &fs), 0);
	assert_true(inode_is(fs->root->inode, S_IFREG));
	assert_int_equal(fs->root->inode->size, 7);
	fs_put(fs);
	assert_int_equal(goferfs_new(fix->g, ROOTS, GOFERFS_SHARED, &fs), -EINVAL);
}

static void sockets_are_names_of_ours(void **state)
{
	struct at a;
	struct kstat st;
	struct path p;
	struct names n = {.room = 100};
	int64_t pos = 0;
	int bound;
	at_begin(&a, state, RW);
	assert_int_equal(vfs_bind_socket(&a.w, "dir/s", 0777, &bound, &p), 0);
	assert_ptr_equal(p.dentry->inode->bound, &bound);
	assert_int_equal(access(host(&a, "dir/s"), F_OK), -1);
	assert_int_equal(look(&a, "dir/s", &st), 0);
	assert_int_equal(st.mode, S_IFSOCK | (0777 & ~a.fs->umask));
	assert_int_equal(vfs_bind_socket(&a.w, "dir/s", 0777, &bound, NULL), -EADDRINUSE);
	assert_int_equal(vfs_link(&p, &a.w, "t"), -EPERM);
	path_put(&p);
	assert_int_equal(vfs_unlink(&a.w, "dir/inner"), 0);
	assert_int_equal(vfs_rmdir(&a.w, "dir"), -ENOTEMPTY);
	struct file *d = open_at_mode(&a, "dir", O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(d->ops->readdir(d, &pos, collect, &n), 0);
	assert_string_equal(n.all, ". .. s ");
	file_put(d);
	/* Over a file of the host, and away from its directory. */
	assert_int_equal(vfs_rename(&a.w, "dir/s", &a.w, "file", 0), 0);
	assert_int_equal(access(host(&a, "file"), F_OK), -1);
	assert_int_equal(vfs_lookup_socket(&a.w, "file", &p), 0);
	assert_ptr_equal(p.dentry->inode->bound, &bound);
	p.dentry->inode->bound = NULL;
	path_put(&p);
	assert_int_equal(vfs_rmdir(&a.w, "dir"), 0);
	/* The host's file wins, and the socket is there again without it. */
	put_file(a.f->dir, "rw/file", "host");
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(st.size, 4);
	assert_int_equal(vfs_unlink(&a.w, "file"), 0);
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(st.mode & S_IFMT, S_IFSOCK);
	assert_int_equal(vfs_unlink(&a.w, "file"), 0);
	assert_int_equal(look(&a, "file", &st), -ENOENT);
	/* One that nobody unlinks goes with the file system. */
	assert_int_equal(vfs_mknod(&a.w, "left", S_IFSOCK | 0600, 0), 0);
	at_end(&a);
}

enum { THREADS = 3, ROUNDS = 150 };

static void *worker(void *arg)
{
	struct at *a = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;
	char one[16], two[16];

	for (int i = 0; i < ROUNDS; i++) {
		unsigned r = (unsigned)rand_r(&seed);
		struct kstat st;
		struct file *f;
		snprintf(one, sizeof one, r & 64 ? "n%u" : "sub/n%u", r % 3);
		snprintf(two, sizeof two, r & 128 ? "n%u" : "sub/n%u", r / 8 % 3);
		switch (r / 256 % 8) {
		case 0:
			vfs_mkdir(&a->w, one, 0755);
			break;
		case 1:
			vfs_rename(&a->w, one, &a->w, two, r & 1024 ? RENAME_EXCHANGE : 0);
			break;
		case 2:
			vfs_unlink(&a->w, one);
			vfs_rmdir(&a->w, two);
			break;
		case 3:
			look(a, one, &st);
			break;
		case 4:
			rename(host(a, one), host(a, two));
			break;
		default:
			if (vfs_open(&a->w, one, O_CREAT | O_RDWR, 0644, &f) == 0) {
				put(f, "x", NULL);
				vfs_getattr(&f->path, &st);
				file_put(f);
			}
			break;
		}
	}
	return NULL;
}

static void everything_at_once(void **state)
{
	struct at a;
	pthread_t t[THREADS];
	at_begin(&a, state, RW);
	assert_int_equal(vfs_mkdir(&a.w, "sub", 0755), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, &a), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	at_end(&a);
}

/* What is remembered until the host tells of a change is true at any moment too. */
static void told_of_every_change(void **state)
{
	struct at a;
	struct kstat st;
	at_begin(&a, state, RW);
	for (unsigned n = 0; n < 200; n++) {
		char text[3] = {'a', n % 2 ? 'b' : '\0', '\0'};
		assert_int_equal(look(&a, "dir/inner", &st), 0);
		assert_int_equal(look(&a, "dir/none", &st), -ENOENT);
		put_file(a.f->dir, "rw/dir/inner", text);
		assert_int_equal(look(&a, "dir/inner", &st), 0);
		assert_int_equal(st.size, strlen(text));
		assert_int_equal(chmod(host(&a, "dir/inner"), 0600 | (n & 077)), 0);
		assert_int_equal(look(&a, "dir/inner", &st), 0);
		assert_int_equal(st.mode, S_IFREG | 0600 | (n & 077));
		put_file(a.f->dir, "rw/dir/none", "there");
		assert_int_equal(look(&a, "dir/none", &st), 0);
		assert_int_equal(look(&a, "dir", &st), 0);
		uint32_t was = st.nlink;
		assert_int_equal(mkdir(host(&a, "dir/sub"), 0700), 0);
		assert_int_equal(look(&a, "dir", &st), 0);
		assert_int_equal(st.nlink, was + 1);
		assert_int_equal(look(&a, "dir/sub", &st), 0);
		assert_int_equal(rename(host(&a, "dir/sub"), host(&a, "dir/moved")), 0);
		assert_int_equal(look(&a, "dir/sub", &st), -ENOENT);
		assert_int_equal(look(&a, "dir/moved", &st), 0);
		assert_int_equal(rmdir(host(&a, "dir/moved")), 0);
		assert_int_equal(unlink(host(&a, "dir/none")), 0);
		assert_int_equal(look(&a, "dir/moved", &st), -ENOENT);
	}
	/* Another name in another directory. */
	assert_int_equal(link(host(&a, "file"), host(&a, "dir/second")), 0);
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(chmod(host(&a, "dir/second"), 0640), 0);
	assert_int_equal(look(&a, "file", &st), 0);
	assert_int_equal(st.mode, S_IFREG | 0640);
	/* Ours against theirs: a file that goes the other way round. */
	assert_int_equal(vfs_rename(&a.w, "file", &a.w, "dir/gone", 0), 0);
	assert_int_equal(rename(host(&a, "dir/gone"), host(&a, "file")), 0);
	assert_int_equal(look(&a, "dir/gone", &st), -ENOENT);
	assert_int_equal(look(&a, "file", &st), 0);
	at_end(&a);
}

#define WATCHED(fn)                                                                                \
	static void fn##_watched(void **state)                                                     \
	{                                                                                          \
		kind = GOFERFS_WATCHED;                                                            \
		fn(state);                                                                         \
		kind = GOFERFS_SHARED;                                                             \
	}
WATCHED(sees_what_the_host_does)
WATCHED(writes_reach_the_host)
WATCHED(appends_behind_the_host)
WATCHED(makes_and_removes_all_kinds)
WATCHED(names_of_one_file_are_one)
WATCHED(renames_move_what_is_below)
WATCHED(unlinked_files_stay_open)
WATCHED(lists_directories)
WATCHED(maps_and_attributes)
WATCHED(other_roots)
WATCHED(sockets_are_names_of_ours)
WATCHED(everything_at_once)
WATCHED(told_of_every_change)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(told_of_every_change),
		FACT(sees_what_the_host_does_watched),
		FACT(writes_reach_the_host_watched),
		FACT(appends_behind_the_host_watched),
		FACT(makes_and_removes_all_kinds_watched),
		FACT(names_of_one_file_are_one_watched),
		FACT(renames_move_what_is_below_watched),
		FACT(unlinked_files_stay_open_watched),
		FACT(lists_directories_watched),
		FACT(maps_and_attributes_watched),
		FACT(other_roots_watched),
		FACT(sockets_are_names_of_ours_watched),
		FACT(everything_at_once_watched),
		FACT(told_of_every_change_watched),
		FACT(sees_what_the_host_does),
		FACT(writes_reach_the_host),
		FACT(appends_behind_the_host),
		FACT(makes_and_removes_all_kinds),
		FACT(names_of_one_file_are_one),
		FACT(renames_move_what_is_below),
		FACT(unlinked_files_stay_open),
		FACT(lists_directories),
		FACT(maps_and_attributes),
		FACT(other_roots),
		FACT(sockets_are_names_of_ours),
		FACT(everything_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
