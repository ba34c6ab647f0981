/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation of the gofer, through the client, on a real tree. */
#include "gofer_fixture.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/xattr.h>

static struct gofer_attr attr_of(struct fixture *f, unsigned root, const char *path)
{
	struct gofer_attr a;
	assert_int_equal(gofer_stat(f->g, root, path, &a), 0);
	return a;
}

static void reads_attributes(void **state)
{
	struct fixture *f = *state;
	char path[64];
	struct stat st;
	struct gofer_attr a = attr_of(f, RW, "file");
	snprintf(path, sizeof path, "%s/rw/file", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(a.ino, st.st_ino);
	assert_int_equal(a.dev, st.st_dev);
	assert_int_equal(a.mode, st.st_mode);
	assert_int_equal(a.nlink, 1);
	assert_int_equal(a.size, 5);
	assert_int_equal(a.blocks, st.st_blocks);
	assert_int_equal(a.mtime_sec, st.st_mtim.tv_sec);
	assert_int_equal(a.mtime_nsec, st.st_mtim.tv_nsec);
	assert_int_equal(a.ctime_nsec, st.st_ctim.tv_nsec);
	assert_int_equal(attr_of(f, RW, "").mode & S_IFMT, S_IFDIR);
	assert_int_equal(attr_of(f, RW, "link").mode & S_IFMT, S_IFLNK);
	assert_int_equal(attr_of(f, RW, "fifo").mode & S_IFMT, S_IFIFO);
	assert_int_equal(attr_of(f, RO, "dir/inner").size, 6);
	assert_int_equal(attr_of(f, ONE, "").size, 7);
	assert_int_equal(gofer_stat(f->g, RW, "nothing", &a), -ENOENT);
	assert_int_equal(gofer_stat(f->g, RW, "file/x", &a), -ENOTDIR);
	assert_int_equal(gofer_stat(f->g, ONE, "x", &a), -ENOTDIR);
	assert_int_equal(gofer_stat(f->g, ROOTS, "", &a), -EINVAL);
	assert_int_equal(gofer_stat(f->g, RW + 65536, "", &a), -EINVAL);
}

static void refuses_paths(void **state)
{
	static const char *const bad[] = {"..",	    ".",	   "/",	       "/file",
					  "dir/",   "dir//inner",  "dir/..",   "dir/../file",
					  "./file", "dir/./inner", "../secret"};
	struct fixture *f = *state;
	struct gofer_attr a;
	char name[300], path[5000];
	int fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(gofer_stat(f->g, RW, bad[i], &a), -EINVAL);
		assert_int_equal(gofer_open(f->g, RW, bad[i], O_RDONLY, &a, &fd), -EINVAL);
		assert_int_equal(gofer_unlink(f->g, RW, bad[i]), -EINVAL);
		assert_int_equal(gofer_rename(f->g, RW, "file", bad[i], 0), -EINVAL);
		assert_int_equal(gofer_link(f->g, RW, "file", bad[i], &a), -EINVAL);
	}
	memset(name, 'n', sizeof name);
	name[256] = '\0';
	assert_int_equal(gofer_stat(f->g, RW, name, &a), -ENAMETOOLONG);
	name[255] = '\0';
	assert_int_equal(gofer_stat(f->g, RW, name, &a), -ENOENT);
	for (size_t i = 0; i < sizeof path; i++)
		path[i] = i % 2 ? '/' : 'd';
	path[4999] = '\0';
	assert_int_equal(gofer_stat(f->g, RW, path, &a), -ENAMETOOLONG);
	path[4095] = '\0';
	assert_int_equal(gofer_stat(f->g, RW, path, &a), -ENOENT);
}

static void refuses_links_on_the_way(void **state)
{
	struct fixture *f = *state;
	struct gofer_attr a;
	int fd = -1;
	assert_int_equal(gofer_stat(f->g, RW, "dirlink/inner", &a), -ELOOP);
	assert_int_equal(gofer_stat(f->g, RW, "link/x", &a), -ELOOP);
	assert_int_equal(gofer_open(f->g, RW, "dirlink/inner", O_RDONLY, &a, &fd), -ELOOP);
	assert_int_equal(gofer_open(f->g, RW, "link", O_RDONLY, &a, &fd), -ELOOP);
	assert_int_equal(gofer_create(f->g, RW, "dirlink/new", O_RDWR, 0600, -1, -1, &a, &fd),
			 -ELOOP);
	assert_int_equal(gofer_create(f->g, RW, "link", O_RDWR, 0600, -1, -1, &a, &fd), -EEXIST);
	assert_int_equal(gofer_mkdir(f->g, RW, "dirlink/new", 0700, -1, -1, &a), -ELOOP);
	assert_int_equal(gofer_unlink(f->g, RW, "dirlink/inner"), -ELOOP);
	assert_int_equal(gofer_rename(f->g, RW, "file", "dirlink/x", 0), -ELOOP);
	struct gofer_change c = {.mask = GOFER_SET_SIZE};
	assert_int_equal(gofer_setattr(f->g, RW, "link", &c, NULL), -EINVAL);
	c = (struct gofer_change){.mask = GOFER_SET_MODE, .mode = 0777};
	assert_int_equal(gofer_setattr(f->g, RW, "link", &c, NULL), -EOPNOTSUPP);
}

static void opens_files(void **state)
{
	struct fixture *f = *state;
	struct gofer_attr a;
	char buf[16] = "";
	int fd = -1;
	assert_int_equal(gofer_open(f->g, RW, "dir/inner", O_RDONLY, &a, &fd), 0);
	assert_int_equal(a.size, 6);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pread(fd, buf, sizeof buf, 0), 6);
	assert_string_equal(buf, "inside");
	assert_int_equal(write(fd, "x", 1), -1);
	close(fd);
	assert_int_equal(gofer_open(f->g, RW, "file", O_RDWR | O_APPEND, &a, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	assert_int_equal(write(fd, "!", 1), 1);
	close(fd);
	assert_int_equal(gofer_open(f->g, RW, "file", O_WRONLY | O_TRUNC, &a, &fd), 0);
	assert_int_equal(a.size, 0);
	close(fd);
	assert_int_equal(gofer_open(f->g, ONE, "", O_RDWR, &a, &fd), 0);
	assert_int_equal(pread(fd, buf, sizeof buf, 0), 7);
	close(fd);
	assert_int_equal(gofer_open(f->g, RW, "dir", O_RDONLY, &a, &fd), -EISDIR);
	assert_int_equal(gofer_open(f->g, RW, "", O_RDONLY, &a, &fd), -EISDIR);
	assert_int_equal(gofer_open(f->g, RW, "fifo", O_RDONLY, &a, &fd), -ENXIO);
	assert_int_equal(gofer_open(f->g, RW, "file", 3, &a, &fd), -EINVAL);
	assert_int_equal(gofer_open(f->g, RW, "file", O_RDWR | O_CREAT, &a, &fd), -EINVAL);
	assert_int_equal(gofer_open(f->g, RW, "file", O_PATH, &a, &fd), -EINVAL);
}

static void readonly_root_stays(void **state)
{
	struct fixture *f = *state;
	struct gofer_change c = {.mask = GOFER_SET_MODE, .mode = 0777};
	struct gofer_attr a;
	int fd = -1;
	assert_int_equal(gofer_open(f->g, RO, "file", O_WRONLY, &a, &fd), -EROFS);
	assert_int_equal(gofer_open(f->g, RO, "file", O_RDWR, &a, &fd), -EROFS);
	assert_int_equal(gofer_open(f->g, RO, "file", O_RDONLY | O_TRUNC, &a, &fd), -EROFS);
	assert_int_equal(gofer_create(f->g, RO, "n", O_RDONLY, 0600, -1, -1, &a, &fd), -EROFS);
	assert_int_equal(gofer_mkdir(f->g, RO, "n", 0700, -1, -1, &a), -EROFS);
	assert_int_equal(gofer_mknod(f->g, RO, "n", S_IFIFO | 0600, 0, -1, -1, &a), -EROFS);
	assert_int_equal(gofer_symlink(f->g, RO, "n", "x", -1, -1, &a), -EROFS);
	assert_int_equal(gofer_link(f->g, RO, "file", "n", &a), -EROFS);
	assert_int_equal(gofer_unlink(f->g, RO, "file"), -EROFS);
	assert_int_equal(gofer_rmdir(f->g, RO, "dir"), -EROFS);
	assert_int_equal(gofer_rename(f->g, RO, "file", "n", 0), -EROFS);
	assert_int_equal(gofer_setattr(f->g, RO, "file", &c, &a), -EROFS);
	assert_int_equal(gofer_setxattr(f->g, RO, "file", "user.a", "b", 1, 0), -EROFS);
	assert_int_equal(gofer_removexattr(f->g, RO, "file", "user.a"), -EROFS);
	assert_int_equal(gofer_open(f->g, RO, "file", O_RDONLY, &a, &fd), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

struct seen {
	unsigned count, links, dirs;
	int stop_after;
	uint64_t sum;
};

static int see(void *arg, const struct gofer_entry *e)
{
	struct seen *s = arg;
	s->count++;
	s->dirs += S_ISDIR(e->attr->mode);
	if (e->link) {
		s->links++;
		assert_true(strcmp(e->link, "dir") == 0 || strcmp(e->link, "../secret") == 0);
	}
	if (strcmp(e->name, "file") == 0)
		assert_int_equal(e->attr->size, 5);
	if (e->name[0] == 'e')
		s->sum += (uint64_t)atoi(e->name + 1);
	return s->stop_after && s->count >= (unsigned)s->stop_after ? -ECANCELED : 0;
}

static void lists(void **state)
{
	struct fixture *f = *state;
	struct gofer_attr self;
	struct seen s = {0};
	assert_int_equal(gofer_list(f->g, RW, "", &self, see, &s), 0);
	assert_int_equal(s.count, 5);
	assert_int_equal(s.links, 2);
	assert_int_equal(s.dirs, 1);
	assert_int_equal(self.mode & S_IFMT, S_IFDIR);
	assert_int_equal(self.ino, attr_of(f, RW, "").ino);
	s = (struct seen){0};
	assert_int_equal(gofer_list(f->g, RO, "dir", NULL, see, &s), 0);
	assert_int_equal(s.count, 1);
	assert_int_equal(gofer_list(f->g, RW, "file", NULL, see, &s), -ENOTDIR);
	assert_int_equal(gofer_list(f->g, RW, "dirlink", NULL, see, &s), -ENOTDIR);
	assert_int_equal(gofer_list(f->g, ONE, "", NULL, see, &s), -ENOTDIR);
	assert_int_equal(gofer_list(f->g, RW, "none", NULL, see, &s), -ENOENT);
}

static void lists_a_big_directory(void **state)
{
	enum { N = 10000 };
	struct fixture *f = *state;
	struct gofer_attr self;
	struct seen s = {0};
	char path[64];
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof path, "%s/rw/dir/e%d", f->dir, i);
		int fd = open(path, O_CREAT | O_WRONLY, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(gofer_list(f->g, RW, "dir", &self, see, &s), 0);
	assert_int_equal(s.count, N + 1);
	assert_int_equal(s.sum, (uint64_t)N * (N - 1) / 2);
	/* The connection is still in step after a caller that had enough. */
	s = (struct seen){.stop_after = 7};
	assert_int_equal(gofer_list(f->g, RW, "dir", &self, see, &s), -ECANCELED);
	assert_int_equal(s.count, 7);
	assert_int_equal(attr_of(f, RW, "file").size, 5);
}

static void reads_links(void **state)
{
	struct fixture *f = *state;
	char buf[32];
	assert_int_equal(gofer_readlink(f->g, RW, "link", buf, sizeof buf), 9);
	assert_memory_equal(buf, "../secret", 9);
	assert_int_equal(gofer_readlink(f->g, RW, "link", buf, 4), 4);
	assert_int_equal(gofer_readlink(f->g, RW, "file", buf, sizeof buf), -EINVAL);
	assert_int_equal(gofer_readlink(f->g, RW, "", buf, sizeof buf), -EINVAL);
}

static void extended_attributes(void **state)
{
	struct fixture *f = *state;
	char buf[64];
	int err = gofer_setxattr(f->g, RW, "file", "user.a", "value", 5, 0);
	if (err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	assert_int_equal(gofer_getxattr(f->g, RW, "file", "user.a", NULL, 0), 5);
	assert_int_equal(gofer_getxattr(f->g, RW, "file", "user.a", buf, 3), -ERANGE);
	assert_int_equal(gofer_getxattr(f->g, RW, "file", "user.a", buf, sizeof buf), 5);
	assert_memory_equal(buf, "value", 5);
	assert_int_equal(gofer_getxattr(f->g, RW, "file", "user.b", buf, sizeof buf), -ENODATA);
	assert_int_equal(gofer_setxattr(f->g, RW, "file", "user.a", "x", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(gofer_setxattr(f->g, RW, "file", "user.b", "x", 1, XATTR_REPLACE),
			 -ENODATA);
	assert_int_equal(gofer_setxattr(f->g, RW, "file", "", "x", 1, 0), -ERANGE);
	assert_int_equal(gofer_setxattr(f->g, RW, "file", "user.a", "x", 70000, 0), -E2BIG);
	assert_int_equal(gofer_listxattr(f->g, RW, "file", NULL, 0), 7);
	assert_int_equal(gofer_listxattr(f->g, RW, "file", buf, sizeof buf), 7);
	assert_memory_equal(buf, "user.a", 7);
	assert_int_equal(gofer_listxattr(f->g, RW, "link", buf, sizeof buf), 0);
	assert_int_equal(gofer_listxattr(f->g, RW, "fifo", buf, sizeof buf), 0);
	/* On the link itself, which may not have any: never on its target. */
	assert_int_equal(gofer_setxattr(f->g, RW, "dirlink", "user.a", "x", 1, 0), -EPERM);
	assert_int_equal(gofer_removexattr(f->g, RW, "file", "user.a"), 0);
	assert_int_equal(gofer_listxattr(f->g, RW, "file", buf, sizeof buf), 0);
}

static void tells_of_the_file_system(void **state)
{
	struct fixture *f = *state;
	struct gofer_statfs fs;
	assert_int_equal(gofer_statfs(f->g, RW, "", &fs), 0);
	assert_true(fs.type != 0 && fs.bsize > 0 && fs.namelen == 255);
	assert_int_equal(gofer_statfs(f->g, RW, "fifo", &fs), 0);
	assert_int_equal(gofer_statfs(f->g, ONE, "", &fs), 0);
	assert_int_equal(gofer_sync(f->g, RW, "dir"), 0);
	assert_int_equal(gofer_sync(f->g, RO, "file"), 0);
	assert_int_equal(gofer_sync(f->g, RW, "fifo"), -EINVAL);
}

/* Giving files away needs a privilege, and in a user namespace an id that it maps. */
static bool may_chown(struct fixture *f)
{
	char path[64];
	snprintf(path, sizeof path, "%s/one", f->dir);
	return chown(path, 9, 8) == 0 && chown(path, 0, 0) == 0;
}

static void creates(void **state)
{
	struct fixture *f = *state;
	if (!may_chown(f))
		skip();
	struct gofer_attr a;
	int fd = -1;
	assert_int_equal(gofer_create(f->g, RW, "new", O_RDWR, 04751, 7, 8, &a, &fd), 0);
	assert_int_equal(a.mode, S_IFREG | 04751);
	assert_int_equal(a.uid, 7);
	assert_int_equal(a.gid, 8);
	assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
	close(fd);
	assert_int_equal(gofer_create(f->g, RW, "new", O_RDWR, 0600, 0, 0, &a, &fd), -EEXIST);
	assert_int_equal(gofer_create(f->g, RW, "none/new", O_RDWR, 0600, 0, 0, &a, &fd), -ENOENT);
	assert_int_equal(gofer_create(f->g, RW, "", O_RDWR, 0600, 0, 0, &a, &fd), -EBUSY);
	assert_int_equal(gofer_mkdir(f->g, RW, "d", 01777, 7, -1, &a), 0);
	assert_int_equal(a.mode, S_IFDIR | 01777);
	assert_int_equal(a.uid, 7);
	assert_int_equal(a.gid, 0);
	assert_int_equal(gofer_mkdir(f->g, RW, "d", 0700, -1, -1, &a), -EEXIST);
	assert_int_equal(gofer_mknod(f->g, RW, "p", S_IFIFO | 0622, 0, 1, 2, &a), 0);
	assert_int_equal(a.mode, S_IFIFO | 0622);
	assert_int_equal(gofer_mknod(f->g, RW, "w", S_IFCHR | 0600, 0, -1, -1, &a), 0);
	assert_int_equal(a.rdev, 0);
	assert_int_equal(gofer_mknod(f->g, RW, "c", S_IFCHR | 0600, 0x103, -1, -1, &a), -EPERM);
	assert_int_equal(gofer_mknod(f->g, RW, "b", S_IFBLK | 0600, 0, -1, -1, &a), -EPERM);
	assert_int_equal(gofer_mknod(f->g, RW, "s", S_IFSOCK | 0600, 0, -1, -1, &a), -EPERM);
	assert_int_equal(gofer_mknod(f->g, RW, "r", S_IFREG | 0600, 0, -1, -1, &a), -EPERM);
	assert_int_equal(gofer_symlink(f->g, RW, "l", "/etc/passwd", 3, 4, &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFLNK);
	assert_int_equal(a.uid, 3);
	assert_int_equal(a.size, 11);
	assert_int_equal(gofer_symlink(f->g, RW, "m", "", -1, -1, &a), -ENOENT);
	assert_int_equal(gofer_link(f->g, RW, "l", "dir/l2", &a), 0);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(gofer_link(f->g, RW, "dir", "d2", &a), -EPERM);
}

/* Without the right to give files away nothing half made stays behind. */
static void undoes_what_it_cannot_finish(void **state)
{
	struct fixture *f = *state;
	struct gofer_attr a;
	int fd = -1;
	if (may_chown(f))
		skip();
	assert_true(gofer_create(f->g, RW, "n", O_RDWR, 0600, 9, 9, &a, &fd) < 0);
	assert_int_equal(gofer_stat(f->g, RW, "n", &a), -ENOENT);
	assert_true(gofer_mkdir(f->g, RW, "n", 0700, 9, 9, &a) < 0);
	assert_int_equal(gofer_stat(f->g, RW, "n", &a), -ENOENT);
	assert_true(gofer_symlink(f->g, RW, "n", "x", 9, 9, &a) < 0);
	assert_int_equal(gofer_stat(f->g, RW, "n", &a), -ENOENT);
	assert_int_equal(gofer_create(f->g, RW, "n", O_RDWR, 0640, -1, -1, &a, &fd), 0);
	assert_int_equal(a.mode, S_IFREG | 0640);
	close(fd);
}

static void removes_and_renames(void **state)
{
	struct fixture *f = *state;
	struct gofer_attr a;
	assert_int_equal(gofer_unlink(f->g, RW, "dir"), -EISDIR);
	assert_int_equal(gofer_rmdir(f->g, RW, "dir"), -ENOTEMPTY);
	assert_int_equal(gofer_rmdir(f->g, RW, "file"), -ENOTDIR);
	assert_int_equal(gofer_rmdir(f->g, RW, ""), -EBUSY);
	uint64_t file = attr_of(f, RW, "file").ino, inner = attr_of(f, RW, "dir/inner").ino;
	assert_int_equal(gofer_rename(f->g, RW, "file", "dir/inner", GOFER_RENAME_NOREPLACE),
			 -EEXIST);
	/* The machine may really be older than 3.15. */
	int err = gofer_rename(f->g, RW, "file", "dir/inner", GOFER_RENAME_EXCHANGE);
	assert_true(err == -EINVAL || (err == 0 && !f->old_host));
	assert_int_equal(attr_of(f, RW, "file").ino, err < 0 ? file : inner);
	assert_int_equal(gofer_rename(f->g, RW, "file", "dir/x", GOFER_RENAME_NOREPLACE), 0);
	assert_int_equal(gofer_rename(f->g, RW, "dir/x", "dir/inner", 0), 0);
	assert_int_equal(gofer_stat(f->g, RW, "file", &a), -ENOENT);
	assert_int_equal(gofer_rename(f->g, RW, "dir", "fifo", 3), -EINVAL);
	assert_int_equal(gofer_unlink(f->g, RW, "dir/inner"), 0);
	assert_int_equal(gofer_rmdir(f->g, RW, "dir"), 0);
	assert_int_equal(gofer_unlink(f->g, RW, "link"), 0);
	assert_int_equal(gofer_unlink(f->g, RW, "link"), -ENOENT);
	assert_int_equal(access("/proc/self", F_OK), 0);
}

static void sets_attributes(void **state)
{
	struct fixture *f = *state;
	if (!may_chown(f))
		skip();
	struct gofer_attr a, was = attr_of(f, RW, "file");
	struct gofer_change c = {.mask = GOFER_SET_ALL,
				 .mode = 06711,
				 .uid = 5,
				 .gid = 6,
				 .size = 1 << 20,
				 .atime_sec = 1000,
				 .atime_nsec = 1,
				 .mtime_sec = -5,
				 .mtime_nsec = 2};
	assert_int_equal(gofer_setattr(f->g, RW, "file", &c, &a), 0);
	assert_int_equal(a.mode, S_IFREG | 06711);
	assert_int_equal(a.uid, 5);
	assert_int_equal(a.gid, 6);
	assert_int_equal(a.size, 1 << 20);
	assert_int_equal(a.atime_sec, 1000);
	assert_int_equal(a.atime_nsec, 1);
	assert_int_equal(a.mtime_sec, -5);
	assert_int_equal(a.mtime_nsec, 2);
	c = (struct gofer_change){.mask = GOFER_SET_MTIME, .mtime_nsec = GOFER_TIME_NOW};
	assert_int_equal(gofer_setattr(f->g, RW, "file", &c, &a), 0);
	assert_true(a.mtime_sec >= was.mtime_sec);
	assert_int_equal(a.atime_sec, 1000);
	c = (struct gofer_change){
		.mask = GOFER_SET_UID | GOFER_SET_ATIME, .uid = 9, .atime_sec = 77};
	assert_int_equal(gofer_setattr(f->g, RW, "link", &c, &a), 0);
	assert_int_equal(a.uid, 9);
	assert_int_equal(a.atime_sec, 77);
	assert_int_equal(a.mode & S_IFMT, S_IFLNK);
	c = (struct gofer_change){.mask = GOFER_SET_MODE, .mode = 0640};
	assert_int_equal(gofer_setattr(f->g, RW, "fifo", &c, &a), 0);
	assert_int_equal(a.mode, S_IFIFO | 0640);
	assert_int_equal(gofer_setattr(f->g, RW, "", &c, NULL), 0);
	c = (struct gofer_change){.mask = GOFER_SET_SIZE, .size = 1};
	assert_int_equal(gofer_setattr(f->g, RW, "dir", &c, NULL), -EISDIR);
	assert_int_equal(gofer_setattr(f->g, RW, "fifo", &c, NULL), -EINVAL);
	assert_int_equal(gofer_setattr(f->g, ONE, "", &c, &a), 0);
	assert_int_equal(a.size, 1);
	c.size = UINT64_MAX;
	assert_int_equal(gofer_setattr(f->g, ONE, "", &c, &a), -EINVAL);
	c = (struct gofer_change){.mask = GOFER_SET_ATIME, .atime_nsec = 1000000000};
	assert_int_equal(gofer_setattr(f->g, ONE, "", &c, &a), -EINVAL);
	char secret[64];
	struct stat st;
	snprintf(secret, sizeof secret, "%s/secret", f->dir);
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void makes_memory(void **state)
{
	struct fixture *f = *state;
	int a = gofer_memfile(f->g, "guest"), b = gofer_memfile(f->g, "guest");
	struct stat st;
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(fstat(a, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(ftruncate(a, 8192), 0);
	void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, a, 0);
	assert_true(p != MAP_FAILED);
	munmap(p, 8192);
	close(a);
	close(b);
}

struct hammer {
	struct fixture *f;
	int id, errors;
};

static void *hammer(void *arg)
{
	struct hammer *h = arg;
	char name[32], to[32];
	for (int i = 0; i < 300; i++) {
		struct gofer_attr a;
		struct seen s = {0};
		int fd = -1;
		snprintf(name, sizeof name, "dir/t%d.%d", h->id, i);
		snprintf(to, sizeof to, "t%d.%d", h->id, i);
		int err = gofer_create(h->f->g, RW, name, O_RDWR, 0600, -1, -1, &a, &fd);
		if (err == 0) {
			h->errors += pwrite(fd, name, strlen(name), 0) != (ssize_t)strlen(name);
			close(fd);
		}
		h->errors += err < 0;
		h->errors += gofer_rename(h->f->g, RW, name, to, 0) < 0;
		h->errors += gofer_stat(h->f->g, RW, to, &a) < 0 || a.size != strlen(name);
		h->errors += gofer_list(h->f->g, RO, "", &a, see, &s) < 0 || s.count != 5;
		h->errors += gofer_unlink(h->f->g, RW, to) < 0;
	}
	return NULL;
}

static void serves_many_threads(void **state)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	struct hammer h[THREADS];
	for (int i = 0; i < THREADS; i++) {
		h[i] = (struct hammer){.f = *state, .id = i};
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &h[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(h[i].errors, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(reads_attributes),
		FACT(refuses_paths),
		FACT(refuses_links_on_the_way),
		FACT(opens_files),
		FACT(readonly_root_stays),
		FACT(lists),
		FACT(lists_a_big_directory),
		FACT(reads_links),
		FACT(extended_attributes),
		FACT(tells_of_the_file_system),
		FACT(creates),
		FACT(undoes_what_it_cannot_finish),
		FACT(removes_and_renames),
		FACT(sets_attributes),
		FACT(makes_memory),
		FACT(serves_many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
