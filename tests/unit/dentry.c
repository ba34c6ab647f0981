/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: tables that grow, readdir order, moves, and the bounded cache of file
 * systems that can look names up again.
 */
#include "vfs_fixture.h"

#include "sentry/vfs/shrink.h"

static struct dentry *child(struct dentry *dir, const char *name)
{
	struct dentry *d;
	lock(&dir->inode->lock);
	assert_int_equal(dentry_lookup_locked(dir, name, strlen(name), &d), 0);
	unlock(&dir->inode->lock);
	return d;
}

static void thousands_of_names(void **state)
{
	struct world *x = *state;
	struct dentry *root = x->ns->root->root, *d;
	char name[16];
	unsigned seen = 0;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "/f%d", i);
		assert_int_equal(touch(&x->w, name, 0644), 0);
	}
	for (int i = 0; i < 3000; i += 2) {
		snprintf(name, sizeof name, "/f%d", i);
		assert_int_equal(vfs_unlink(&x->w, name), 0);
	}
	uint64_t cookie = 0;
	lock(&root->inode->lock);
	while ((d = dentry_next_child_locked(root, cookie))) {
		assert_true(d->cookie >= 2 && d->cookie >= cookie);
		cookie = d->cookie + 1;
		snprintf(name, sizeof name, "f%u", 2 * seen + 1);
		assert_string_equal(d->name, name);
		seen++;
	}
	unlock(&root->inode->lock);
	assert_int_equal(seen, 1500);
}

static void readdir_survives_the_removal_of_where_it_was(void **state)
{
	struct world *x = *state;
	struct dentry *root = x->ns->root->root, *d;
	touch(&x->w, "/a", 0644);
	touch(&x->w, "/b", 0644);
	touch(&x->w, "/c", 0644);
	lock(&root->inode->lock);
	d = dentry_next_child_locked(root, 0);
	uint64_t next = d->cookie + 1;
	unlock(&root->inode->lock);
	assert_int_equal(vfs_unlink(&x->w, "/a"), 0);
	assert_int_equal(vfs_unlink(&x->w, "/b"), 0);
	lock(&root->inode->lock);
	d = dentry_next_child_locked(root, next);
	assert_string_equal(d->name, "c");
	assert_null(dentry_next_child_locked(root, d->cookie + 1));
	unlock(&root->inode->lock);
}

static void a_negative_name_is_droppable_until_it_is_made(void **state)
{
	struct world *x = *state;
	unsigned before = shrink_count();
	struct dentry *d = child(x->ns->root->root, "new");
	assert_null(d->inode);
	assert_int_equal(shrink_count(), before + 1);
	assert_int_equal(touch(&x->w, "/new", 0644), 0);
	assert_non_null(d->inode);
	assert_int_equal(shrink_count(), before);
	dentry_put(d);
}

static void moved_names_keep_their_dentry(void **state)
{
	struct world *x = *state;
	struct dentry *root = x->ns->root->root;
	char name[16];
	vfs_mkdir(&x->w, "/d", 0755);
	touch(&x->w, "/f", 0644);
	struct dentry *f = child(root, "f"), *d = child(root, "d");
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/d/g", 0), 0);
	assert_ptr_equal(f->parent, d);
	assert_int_equal(dentry_name(f, name, sizeof name), 1);
	assert_string_equal(name, "g");
	assert_false(f->deleted);
	assert_int_equal(vfs_unlink(&x->w, "/d/g"), 0);
	assert_true(f->deleted);
	dentry_put(f);
	dentry_put(d);
}

/* A file system that finds every name, as a fresh empty directory, and pins none. */
static unsigned lookups, stale, made;

static int big_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out);
static void big_evict(struct inode *i)
{
	(void)i;
	made--;
}

static const struct inode_ops big_ops = {
	.lookup = big_lookup,
	.create = inode_nocreate,
	.link = inode_nolink,
	.unlink = inode_nounlink,
	.rename = inode_norename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_nosetattr,
	.getattr = inode_getattr,
	.open = inode_noopen,
	.getxattr = inode_nogetxattr,
	.setxattr = inode_nosetxattr,
	.removexattr = inode_noremovexattr,
	.listxattr = inode_nolistxattr,
	.evict = big_evict,
};

static int big_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	(void)name;
	(void)size;
	lookups++;
	made++;
	return inode_new(dir->fs, &big_ops, S_IFDIR | 0755, NULL, out);
}

static bool big_revalidate(struct dentry *d)
{
	(void)d;
	return !stale;
}

static void big_destroy(struct fs *fs)
{
	(void)fs;
}

static const struct fs_ops big_fs_ops = {
	.name = "big", .revalidate = big_revalidate, .destroy = big_destroy};

static int big_world(void **state)
{
	struct fs *fs;
	struct inode *root;
	struct path p;
	world_new(state);
	struct world *x = *state;
	lookups = stale = made = 0;
	assert_int_equal(fs_new(&big_fs_ops, NULL, &fs), 0);
	assert_int_equal(inode_new(fs, &big_ops, S_IFDIR | 0755, NULL, &root), 0);
	made++;
	assert_int_equal(dentry_new_root(fs, root), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/big", 0755), 0);
	assert_int_equal(path_walk(&x->w, "/big", &p), 0);
	assert_int_equal(mount_add(x->ns, fs, NULL, &p, "big", 0), 0);
	path_put(&p);
	return 0;
}

static int big_world_free(void **state)
{
	world_free(state);
	assert_int_equal(made, 0);
	return 0;
}

static void the_cache_is_bounded(void **state)
{
	struct world *x = *state;
	char name[64];
	shrink_set_limit(100);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "/big/%d/%d/x", i % 50, i);
		assert_int_equal(walks(&x->w, name, 0), 0);
		assert_true(shrink_count() < 400);
	}
	assert_true(made < 400);
	shrink_set_limit(32768);
}

static void what_is_in_use_stays(void **state)
{
	struct world *x = *state;
	char name[64];
	struct path p;
	assert_int_equal(path_walk(&x->w, "/big/kept/deep", &p), 0);
	shrink_set_limit(0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "/big/%d", i);
		assert_int_equal(walks(&x->w, name, 0), 0);
	}
	struct inode *i = p.dentry->inode;
	assert_true(p.dentry->hashed);
	path_put(&p);
	assert_int_equal(path_walk(&x->w, "/big/kept/deep", &p), 0);
	assert_ptr_equal(p.dentry->inode, i);
	path_put(&p);
	shrink_set_limit(32768);
}

static void stale_names_are_looked_up_again(void **state)
{
	struct world *x = *state;
	struct path p, q;
	assert_int_equal(path_walk(&x->w, "/big/a", &p), 0);
	assert_int_equal(path_walk(&x->w, "/big/a", &q), 0);
	assert_ptr_equal(p.dentry, q.dentry);
	assert_int_equal(lookups, 1);
	path_put(&q);
	stale = 1;
	assert_int_equal(path_walk(&x->w, "/big/a", &q), 0);
	assert_ptr_not_equal(p.dentry, q.dentry);
	assert_int_equal(lookups, 2);
	path_put(&p);
	path_put(&q);
}

#define BIG_TEST(f) cmocka_unit_test_setup_teardown(f, big_world, big_world_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(thousands_of_names),
		VFS_TEST(readdir_survives_the_removal_of_where_it_was),
		VFS_TEST(a_negative_name_is_droppable_until_it_is_made),
		VFS_TEST(moved_names_keep_their_dentry),
		BIG_TEST(the_cache_is_bounded),
		BIG_TEST(what_is_in_use_stays),
		BIG_TEST(stale_names_are_looked_up_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
