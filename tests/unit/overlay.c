/* SPDX-License-Identifier: Apache-2.0 */
/* A memfs over a gofer's tree: filled lazily, copied up on change, never written below. */
#include <fcntl.h>

#include "overlay_fixture.h"

#include "sentry/vfs/shrink.h"

static char big[5 << 20]; /* more than the heap takes */

static void lower_file(const char *name, const void *data, size_t size)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", top, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void make_lower(void)
{
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("d", 0755) | mkdir("d/e", 0750) | mkdir("other", 0755), 0);
	lower_file("file", "hello", 5);
	lower_file("d/inner", "inside", 6);
	lower_file("big", big, sizeof big);
	lower_file("one", "linked", 6);
	assert_int_equal(link("one", "d/two") | link("one", "other/three"), 0);
	assert_int_equal(symlink("d/inner", "link"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("fold", 0755) | mkdir("fold/sub", 0755), 0);
	assert_int_equal(mkdir("fold/other", 0755) | mkdir("fold/third", 0755), 0);
	lower_file("fold/sub/plain", "plain", 5);
	assert_int_equal(link("fold/sub/plain", "fold/other/again"), 0);
	lower_file("fold/sub/two", "two", 3);
	lower_file("fold/other/gone", "", 0);
	lower_file("fold/third/old", "old", 3);
	assert_int_equal(chdir("/"), 0);
}

static int start(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 13 + i / 4096);
	lower_begin(make_lower);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return lower_end();
}

static struct file *opened(const char *name, uint32_t flags)
{
	struct file *f;
	assert_int_equal(vfs_open(&x->w, name, flags, 0644, &f), 0);
	return f;
}

static ssize_t fget(struct file *f, void *p, size_t n, int64_t pos)
{
	struct uio u;
	uio_kernel(&u, p, n);
	return file_read(f, &u, &pos, false);
}

static ssize_t fput(struct file *f, const void *p, size_t n, int64_t pos)
{
	struct uio u;
	uio_kernel(&u, (void *)(uintptr_t)p, n);
	return file_write(f, &u, &pos, false);
}

static void holds(const char *name, const char *want)
{
	char buf[64];
	struct file *f = opened(name, O_RDONLY);
	ssize_t n = fget(f, buf, sizeof buf, 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, (size_t)n);
	file_put(f);
}

static void lower_holds(const char *name, const char *want)
{
	char path[128], buf[64];
	snprintf(path, sizeof path, "%s/%s", top, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(buf, 1, sizeof buf, f);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
	fclose(f);
}

static struct kstat stat_of(const char *name)
{
	struct kstat st;
	struct path p;
	struct walk w = x->w;
	w.flags |= WALK_NOFOLLOW;
	assert_int_equal(path_walk(&w, name, &p), 0);
	assert_int_equal(vfs_getattr(&p, &st), 0);
	path_put(&p);
	return st;
}

static void shows_what_is_below(void **state)
{
	(void)state;
	holds("/o/file", "hello");
	holds("/o/link", "inside");
	assert_int_equal(stat_of("/o/file").size, 5);
	assert_int_equal(stat_of("/o/d/e").mode, S_IFDIR | 0750);
	assert_int_equal(stat_of("/o/d").nlink, 3);
	assert_int_equal(stat_of("/o/fifo").mode, S_IFIFO | 0600);
	assert_int_equal(stat_of("/o/link").size, 7);
	assert_int_equal(walks(&x->w, "/o/nope", 0), -ENOENT);
	assert_int_equal(walks(&x->w, "/o/d/nope", 0), -ENOENT);
}

static void writing_copies_up(void **state)
{
	char buf[8];
	(void)state;
	struct file *r = opened("/o/file", O_RDONLY), *w = opened("/o/file", O_RDWR);
	assert_false(memfs_inode_changed(r->inode));
	assert_int_equal(fput(w, "J", 1, 0), 1);
	assert_true(memfs_inode_changed(r->inode));
	/* Whoever had it open before sees the change. */
	assert_int_equal(fget(r, buf, 8, 0), 5);
	assert_memory_equal(buf, "Jello", 5);
	lower_holds("file", "hello");
	file_put(r);
	file_put(w);
	holds("/o/file", "Jello");
}

static void truncating_copies_only_what_stays(void **state)
{
	(void)state;
	const struct iattr cut = {.mask = ATTR_SIZE, .size = 4};
	struct path p;
	assert_int_equal(path_walk(&x->w, "/o/file", &p), 0);
	assert_int_equal(vfs_setattr(&p, x->root, &cut), 0);
	path_put(&p);
	holds("/o/file", "hell");
	file_put(opened("/o/file", O_WRONLY | O_TRUNC));
	holds("/o/file", "");
	lower_holds("file", "hello");
}

static void big_files_skip_the_heap(void **state)
{
	char *back = malloc(sizeof big);
	(void)state;
	struct file *f = opened("/o/big", O_RDWR);
	assert_int_equal(fput(f, "x", 1, 100), 1);
	assert_int_equal(fget(f, back, sizeof big, 0), sizeof big);
	assert_int_equal(back[100], 'x');
	back[100] = big[100];
	assert_memory_equal(back, big, sizeof big);
	file_put(f);
	free(back);
}

static void mapping_private_takes_the_host_file(void **state)
{
	struct mmap_source a, b;
	struct host_stat sa, sb;
	(void)state;
	struct file *f = opened("/o/file", O_RDWR), *r = opened("/o/file", O_RDONLY);
	assert_int_equal(r->ops->mmap(r, 1, false, 0, 4096, &a), 0);
	assert_int_equal(host_fstat(a.fd, &sa), 0);
	assert_false(memfs_inode_changed(f->inode));
	assert_int_equal(r->ops->mmap(r, 1, true, 0, 4096, &b), 0);
	assert_false(memfs_inode_changed(f->inode));
	/* Shared by somebody who may write: ours from now on. */
	assert_int_equal(f->ops->mmap(f, 1, true, 0, 4096, &b), 0);
	assert_true(memfs_inode_changed(f->inode));
	assert_int_equal(host_fstat(b.fd, &sb), 0);
	assert_true(sa.dev != sb.dev || sa.ino != sb.ino);
	assert_int_equal(sb.size, 5);
	file_put(f);
	file_put(r);
}

static void hard_links_are_one_file(void **state)
{
	(void)state;
	struct kstat one = stat_of("/o/one"), two = stat_of("/o/d/two");
	assert_int_equal(one.ino, two.ino);
	assert_int_equal(one.nlink, 3);
	struct file *f = opened("/o/one", O_WRONLY);
	assert_int_equal(fput(f, "L", 1, 0), 1);
	file_put(f);
	holds("/o/d/two", "Linked");
	/* All names in memory go; the last one is in a directory nobody has looked into. */
	assert_int_equal(vfs_unlink(&x->w, "/o/one"), 0);
	assert_int_equal(vfs_unlink(&x->w, "/o/d/two"), 0);
	holds("/o/other/three", "Linked");
	assert_int_equal(stat_of("/o/other/three").nlink, 1);
	assert_int_equal(stat_of("/o/other/three").ino, one.ino);
	assert_int_equal(vfs_unlink(&x->w, "/o/other/three"), 0);
	lower_holds("one", "linked");
}

static void unfilled_directories_move(void **state)
{
	(void)state;
	assert_int_equal(vfs_rename(&x->w, "/o/d", &x->w, "/o/other/moved", 0), 0);
	holds("/o/other/moved/inner", "inside");
	assert_int_equal(walks(&x->w, "/o/d", 0), -ENOENT);
	assert_int_equal(vfs_mkdir(&x->w, "/o/d", 0700), 0);
	assert_int_equal(walks(&x->w, "/o/d/inner", 0), -ENOENT);
	assert_int_equal(vfs_rmdir(&x->w, "/o/d"), 0);
}

static void removing_needs_emptiness_below_too(void **state)
{
	(void)state;
	assert_int_equal(vfs_rmdir(&x->w, "/o/d"), -ENOTEMPTY);
	assert_int_equal(vfs_mkdir(&x->w, "/o/new", 0755), 0);
	assert_int_equal(vfs_rename(&x->w, "/o/new", &x->w, "/o/d", 0), -ENOTEMPTY);
	assert_int_equal(vfs_unlink(&x->w, "/o/d/inner"), 0);
	assert_int_equal(vfs_unlink(&x->w, "/o/d/two"), 0);
	assert_int_equal(vfs_rmdir(&x->w, "/o/d/e"), 0);
	assert_int_equal(vfs_rmdir(&x->w, "/o/d"), 0);
	assert_int_equal(walks(&x->w, "/o/d", 0), -ENOENT);
	lower_holds("d/inner", "inside");
}

static void attributes_change_without_copying(void **state)
{
	(void)state;
	const struct iattr a = {.mask = ATTR_MODE | ATTR_UID, .mode = 0600, .uid = 5};
	struct path p;
	char buf[32];
	assert_int_equal(path_walk(&x->w, "/o/file", &p), 0);
	assert_int_equal(vfs_setattr(&p, x->root, &a), 0);
	assert_int_equal(vfs_setxattr(&p, x->root, "user.k", "v", 1, 0), 0);
	assert_int_equal(vfs_getxattr(&p, x->root, "user.k", buf, sizeof buf), 1);
	assert_int_equal(vfs_listxattr(&p, x->root, buf, sizeof buf), 7);
	assert_false(memfs_inode_changed(p.dentry->inode));
	path_put(&p);
	assert_int_equal(stat_of("/o/file").mode, S_IFREG | 0600);
	assert_int_equal(stat_of("/o/file").uid, 5);
	holds("/o/file", "hello");
}

static void statfs_is_that_of_the_lower(void **state)
{
	struct kstatfs st;
	struct path p;
	(void)state;
	assert_int_equal(path_walk(&x->w, "/o", &p), 0);
	assert_int_equal(p.mnt->fs->ops->statfs(p.mnt->fs, &st), 0);
	assert_int_equal(st.type, OVERLAYFS_SUPER_MAGIC);
	assert_true(st.blocks > 0);
	path_put(&p);
}

#define OVERLAY_TEST(f) cmocka_unit_test_setup_teardown(f, overlay_new, world_free)

static uint64_t ino_of(const char *name)
{
	struct path p;
	assert_int_equal(path_walk(&x->w, name, &p), 0);
	uint64_t ino = p.dentry->inode->ino;
	path_put(&p);
	return ino;
}

/* Any walk lets the shrinker look; names are `used' the first time. */
static void shrink_all(void)
{
	for (int i = 0; i < 20; i++) {
		shrink_set_fold_limit(0); /* a look in vain would make the next one rare */
		walks(&x->w, "/", 0);
	}
}

/* Names of the lower tree come back as they were; what was changed never goes. */
static void names_are_folded(void **state)
{
	struct path held;
	(void)state;
	uint64_t two = ino_of("/o/fold/sub/two"), plain = ino_of("/o/fold/sub/plain");
	uint64_t dir = ino_of("/o/fold/sub");
	assert_true(shrink_foldable() > 0);
	assert_int_equal(path_walk(&x->w, "/o/fold/sub", &held), 0);
	shrink_set_fold_limit(0);
	shrink_all();
	/* Somebody is in sub: it stays whole, and so does what it is in. */
	assert_int_equal(ref_count(&held.dentry->ref), 2 + held.dentry->children);
	assert_true(held.dentry->children > 0);
	path_put(&held);
	shrink_all();
	assert_int_equal(path_walk(&x->w, "/o/fold", &held), 0);
	assert_int_equal(held.dentry->children, 0);
	path_put(&held);
	assert_int_equal(ino_of("/o/fold/sub"), dir);
	assert_int_equal(ino_of("/o/fold/sub/two"), two);
	assert_int_equal(ino_of("/o/fold/sub/plain"), plain);
	shrink_set_fold_limit(1 << 20);
}

static void changes_are_not_folded(void **state)
{
	(void)state;
	const struct iattr mode = {.mask = ATTR_MODE, .mode = 0600};
	struct path p;
	shrink_set_fold_limit(0);
	assert_int_equal(path_walk(&x->w, "/o/fold/sub/plain", &p), 0);
	assert_int_equal(vfs_setattr(&p, x->root, &mode), 0);
	path_put(&p);
	assert_int_equal(vfs_unlink(&x->w, "/o/fold/other/gone"), 0);
	assert_int_equal(vfs_rename(&x->w, "/o/fold/third/old", &x->w, "/o/fold/third/new", 0), 0);
	shrink_all();
	assert_int_equal(path_walk(&x->w, "/o/fold/sub/plain", &p), 0);
	assert_int_equal(p.dentry->inode->mode & 07777, 0600);
	path_put(&p);
	assert_int_equal(walks(&x->w, "/o/fold/other/gone", 0), -ENOENT);
	assert_int_equal(walks(&x->w, "/o/fold/third/old", 0), -ENOENT);
	assert_int_equal(walks(&x->w, "/o/fold/third/new", 0), 0);
	shrink_set_fold_limit(1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OVERLAY_TEST(shows_what_is_below),
		OVERLAY_TEST(writing_copies_up),
		OVERLAY_TEST(truncating_copies_only_what_stays),
		OVERLAY_TEST(big_files_skip_the_heap),
		OVERLAY_TEST(mapping_private_takes_the_host_file),
		OVERLAY_TEST(hard_links_are_one_file),
		OVERLAY_TEST(unfilled_directories_move),
		OVERLAY_TEST(removing_needs_emptiness_below_too),
		OVERLAY_TEST(attributes_change_without_copying),
		OVERLAY_TEST(statfs_is_that_of_the_lower),
		OVERLAY_TEST(names_are_folded),
		OVERLAY_TEST(changes_are_not_folded),
	};
	return cmocka_run_group_tests_name("overlay", tests, start, end);
}
