/* SPDX-License-Identifier: Apache-2.0 */
/* Path walk, and the errno of every call that changes a name. */
#include "vfs_fixture.h"

static void resolves_dots_slashes_and_links(void **state)
{
	struct world *x = *state;
	assert_int_equal(vfs_mkdir(&x->w, "/a", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/a/b/", 0755), 0);
	assert_int_equal(touch(&x->w, "/a/b/f", 0644), 0);
	assert_int_equal(vfs_symlink(&x->w, "b/", "/a/rel"), 0);
	assert_int_equal(vfs_symlink(&x->w, "/a/rel/f", "/abs"), 0);
	assert_string_equal(shown(x, "/"), "/");
	assert_string_equal(shown(x, "////"), "/");
	assert_string_equal(shown(x, "/.."), "/");
	assert_string_equal(shown(x, "a//b/.././b/f"), "/a/b/f");
	assert_string_equal(shown(x, "/a/rel/f"), "/a/b/f");
	assert_string_equal(shown(x, "/abs"), "/a/b/f");
	assert_string_equal(shown(x, "/a/rel/.."), "/a");
	assert_int_equal(walks(&x->w, "", 0), -ENOENT);
	assert_int_equal(walks(&x->w, "", WALK_EMPTY), 0);
	assert_int_equal(walks(&x->w, "/abs/", 0), -ENOTDIR);
	assert_int_equal(walks(&x->w, "/abs/x", 0), -ENOTDIR);
	assert_int_equal(walks(&x->w, "/a/b/f/..", 0), -ENOTDIR);
	assert_int_equal(walks(&x->w, "/nope/..", 0), -ENOENT);
	assert_int_equal(walks(&x->w, "/a/rel", WALK_NOFOLLOW | WALK_DIRECTORY), -ENOTDIR);
	assert_int_equal(walks(&x->w, "/a/rel/", WALK_NOFOLLOW | WALK_DIRECTORY), 0);
}

static void limits(void **state)
{
	struct world *x = *state;
	char name[300], link[16], to[16];
	memset(name, 'n', sizeof name);
	name[256] = 0;
	assert_int_equal(walks(&x->w, name, 0), -ENAMETOOLONG);
	name[255] = 0;
	assert_int_equal(walks(&x->w, name, 0), -ENOENT);
	assert_int_equal(touch(&x->w, "/l0", 0644), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(link, sizeof link, "/l%d", i);
		snprintf(to, sizeof to, "l%d", i - 1);
		assert_int_equal(vfs_symlink(&x->w, to, link), 0);
	}
	assert_int_equal(walks(&x->w, "/l40", 0), 0);
	assert_int_equal(walks(&x->w, "/l41", 0), -ELOOP);
	assert_int_equal(vfs_symlink(&x->w, "loop", "/loop"), 0);
	assert_int_equal(walks(&x->w, "/loop", 0), -ELOOP);
	assert_int_equal(walks(&x->w, "/loop", WALK_NOFOLLOW), 0);
}

static void scopes(void **state)
{
	struct world *x = *state;
	struct file *d;
	assert_int_equal(vfs_mkdir(&x->w, "/jail", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/jail/in", 0755), 0);
	assert_int_equal(touch(&x->w, "/out", 0644), 0);
	assert_int_equal(vfs_symlink(&x->w, "/in", "/jail/abs"), 0);
	assert_int_equal(vfs_symlink(&x->w, "../out", "/jail/esc"), 0);
	assert_int_equal(vfs_open(&x->w, "/jail", O_PATH, 0, &d), 0);
	struct walk w = x->w;
	w.dir = d;
	assert_int_equal(walks(&w, "in/../in", WALK_BENEATH), 0);
	assert_int_equal(walks(&w, "..", WALK_BENEATH), -EXDEV);
	assert_int_equal(walks(&w, "esc", WALK_BENEATH), -EXDEV);
	assert_int_equal(walks(&w, "abs", WALK_BENEATH), -EXDEV);
	assert_int_equal(walks(&w, "/in", WALK_BENEATH), -EXDEV);
	assert_int_equal(walks(&w, "/in", WALK_IN_ROOT), 0);
	assert_int_equal(walks(&w, "abs", WALK_IN_ROOT), 0);
	assert_int_equal(walks(&w, "../../in", WALK_IN_ROOT), 0);
	assert_int_equal(walks(&w, "esc", WALK_IN_ROOT), -ENOENT);
	assert_int_equal(walks(&w, "abs", WALK_NO_SYMLINKS), -ELOOP);
	file_put(d);
}

static void search_permission(void **state)
{
	struct world *x = *state;
	assert_int_equal(vfs_mkdir(&x->w, "/p", 0700), 0);
	assert_int_equal(touch(&x->w, "/p/f", 0666), 0);
	assert_int_equal(walks(&x->u, "/p", 0), 0);
	assert_int_equal(walks(&x->u, "/p/f", 0), -EACCES);
	assert_int_equal(walks(&x->u, "/p/.", 0), -EACCES);
	assert_int_equal(touch(&x->u, "/new", 0644), -EACCES);
	assert_int_equal(vfs_unlink(&x->u, "/p"), -EACCES);
}

/* WALK_NO_XDEV makes no difference where nothing is mounted, but takes the walk step by step. */
static void agree(const struct walk *w, const char *name, uint32_t flags)
{
	struct path quick = {0}, steps = {0};
	struct walk q = *w, s = *w;
	q.flags = flags;
	s.flags = flags | WALK_NO_XDEV;
	int err = path_walk(&s, name, &steps);
	assert_int_equal(path_walk(&q, name, &quick), err);
	assert_true(err < 0 || (quick.mnt == steps.mnt && quick.dentry == steps.dentry));
	path_put(&quick);
	path_put(&steps);
}

static void short_cuts_lead_where_the_steps_do(void **state)
{
	struct world *x = *state;
	static const char *const ends[] = {"",	    "/f",   "/f/",    "/d",  "/d/",    "//d//f",
					   "/.",    "/..",  "/d/..",  "/l",  "/l/",    "/l/f",
					   "/nope", "/f/f", "/d/x/f", "/.d", "/..d/f", "/dead"};
	static const char *const starts[] = {"", "d", "d/x", "/d", "/d/d", "/d/x", "/l"};
	static const uint32_t flags[] = {0, WALK_NOFOLLOW, WALK_DIRECTORY,
					 WALK_NOFOLLOW | WALK_DIRECTORY, WALK_EMPTY};
	static const char *const dirs[] = {"/d", "/d/d", "/d/.d", "/d/..d", "/d/d/d"};
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(vfs_mkdir(&x->w, dirs[i], 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/d/x", 0700), 0);
	static const char *const files[] = {"/f", "/d/f", "/d/x/f", "/d/..d/f"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(touch(&x->w, files[i], 0644), 0);
	assert_int_equal(vfs_symlink(&x->w, "d", "/l"), 0);
	assert_int_equal(vfs_symlink(&x->w, "f", "/d/l"), 0);
	assert_int_equal(vfs_symlink(&x->w, "nowhere", "/d/dead"), 0);
	struct file *d;
	assert_int_equal(vfs_open(&x->w, "/d", O_RDONLY | O_DIRECTORY, 0, &d), 0);
	struct walk below = x->w;
	below.dir = d;
	const struct walk *const who[] = {&x->w, &x->u, &below};
	for (size_t i = 0; i < ARRAY_SIZE(starts) * ARRAY_SIZE(ends) * ARRAY_SIZE(flags); i++) {
		char name[64];
		snprintf(name, sizeof name, "%s%s", starts[i % ARRAY_SIZE(starts)],
			 ends[i / ARRAY_SIZE(starts) % ARRAY_SIZE(ends)]);
		for (size_t j = 0; j < ARRAY_SIZE(who); j++)
			agree(who[j], name, flags[i / ARRAY_SIZE(starts) / ARRAY_SIZE(ends)]);
	}
	file_put(d);
}

static void mounts_are_crossed_both_ways(void **state)
{
	struct world *x = *state;
	struct path p;
	assert_int_equal(vfs_mkdir(&x->w, "/m", 0755), 0);
	assert_int_equal(touch(&x->w, "/m/below", 0644), 0);
	assert_int_equal(path_walk(&x->w, "/m", &p), 0);
	assert_int_equal(mount_add(x->ns, tmpfs_new(), NULL, &p, "t", MNT_READONLY), 0);
	path_put(&p);
	assert_int_equal(walks(&x->w, "/m/below", 0), -ENOENT);
	assert_string_equal(shown(x, "/m/../m"), "/m");
	assert_int_equal(walks(&x->w, "/m", WALK_NO_XDEV), -EXDEV);
	assert_int_equal(vfs_mkdir(&x->w, "/m/d", 0755), -EROFS);
	assert_int_equal(vfs_rmdir(&x->w, "/m"), -EBUSY);
	assert_int_equal(vfs_rename(&x->w, "/m", &x->w, "/n", 0), -EBUSY);
	assert_int_equal(path_walk(&x->w, "/m", &p), 0);
	assert_int_equal(mount_remove(x->ns, &p, /*detach=*/false), 0);
	path_put(&p);
	assert_int_equal(walks(&x->w, "/m/below", 0), 0);
	assert_int_equal(vfs_unlink(&x->w, "/m/below"), 0);
	assert_int_equal(vfs_rmdir(&x->w, "/m"), 0);
}

static void binding_a_tree_into_itself_ends(void **state)
{
	struct world *x = *state;
	struct path root, p;
	assert_int_equal(vfs_mkdir(&x->w, "/m", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/t", 0755), 0);
	assert_int_equal(path_walk(&x->w, "/t", &p), 0);
	assert_int_equal(mount_add(x->ns, tmpfs_new(), NULL, &p, "t", 0), 0);
	path_put(&p);
	assert_int_equal(touch(&x->w, "/t/f", 0644), 0);
	assert_int_equal(path_walk(&x->w, "/", &root), 0);
	assert_int_equal(path_walk(&x->w, "/m", &p), 0);
	assert_int_equal(mount_bind(x->ns, &root, &p, /*recursive=*/true), 0);
	path_put(&p);
	path_put(&root);
	assert_int_equal(walks(&x->w, "/m/t/f", 0), 0);
	assert_string_equal(shown(x, "/m/t/f"), "/m/t/f");
	assert_int_equal(path_walk(&x->w, "/m", &p), 0);
	assert_int_equal(mount_remove(x->ns, &p, /*detach=*/false), -EBUSY);
	assert_int_equal(mount_remove(x->ns, &p, /*detach=*/true), 0);
	path_put(&p);
	assert_int_equal(walks(&x->w, "/m/t", 0), -ENOENT);
}

static void remove_errors(void **state)
{
	struct world *x = *state;
	assert_int_equal(vfs_mkdir(&x->w, "/d", 01777), 0);
	assert_int_equal(touch(&x->w, "/d/f", 0644), 0);
	assert_int_equal(vfs_unlink(&x->w, "/d"), -EISDIR);
	assert_int_equal(vfs_unlink(&x->w, "/d/f/"), -ENOTDIR);
	assert_int_equal(vfs_unlink(&x->w, "/d/none"), -ENOENT);
	assert_int_equal(vfs_unlink(&x->w, "/d/."), -EISDIR);
	assert_int_equal(vfs_unlink(&x->u, "/d/f"), -EPERM);
	assert_int_equal(vfs_rmdir(&x->w, "/d"), -ENOTEMPTY);
	assert_int_equal(vfs_rmdir(&x->w, "/d/f"), -ENOTDIR);
	assert_int_equal(vfs_rmdir(&x->w, "/d/."), -EINVAL);
	assert_int_equal(vfs_rmdir(&x->w, "/d/.."), -ENOTEMPTY);
	assert_int_equal(vfs_rmdir(&x->w, "/"), -EBUSY);
	assert_int_equal(vfs_mkdir(&x->w, "/d/f", 0755), -EEXIST);
	assert_int_equal(vfs_mkdir(&x->w, "/d/.", 0755), -EEXIST);
	assert_int_equal(vfs_mknod(&x->w, "/none/", S_IFREG | 0644, 0), -ENOENT);
}

static void rename_rules(void **state)
{
	struct world *x = *state;
	assert_int_equal(vfs_mkdir(&x->w, "/a", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/a/b", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/e", 0755), 0);
	assert_int_equal(touch(&x->w, "/f", 0644), 0);
	assert_int_equal(vfs_rename(&x->w, "/a", &x->w, "/a/b/c", 0), -EINVAL);
	assert_int_equal(vfs_rename(&x->w, "/a", &x->w, "/a/b", 0), -EINVAL);
	assert_int_equal(vfs_rename(&x->w, "/a/b", &x->w, "/a", 0), -ENOTEMPTY);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/a", 0), -EISDIR);
	assert_int_equal(vfs_rename(&x->w, "/a", &x->w, "/f", 0), -ENOTDIR);
	assert_int_equal(vfs_rename(&x->w, "/e", &x->w, "/a", 0), -ENOTEMPTY);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/g/", 0), -ENOTDIR);
	assert_int_equal(vfs_rename(&x->w, "/none", &x->w, "/g", 0), -ENOENT);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/e", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/g", RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/g", RENAME_WHITEOUT), -EINVAL);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/a/b/f", RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(vfs_rename(&x->w, "/f", &x->w, "/a/b", RENAME_EXCHANGE), 0);
	assert_int_equal(vfs_rmdir(&x->w, "/f"), 0);
	assert_string_equal(shown(x, "/a/b"), "/a/b");
	assert_int_equal(vfs_rename(&x->w, "/a", &x->w, "/e", 0), 0);
	assert_string_equal(shown(x, "/e/b"), "/e/b");
	assert_int_equal(walks(&x->w, "/a", 0), -ENOENT);
}

static void names_of_what_is_gone(void **state)
{
	struct world *x = *state;
	char buf[64];
	struct file *f, *d;
	assert_int_equal(vfs_mkdir(&x->w, "/d", 0755), 0);
	assert_int_equal(vfs_open(&x->w, "/f", O_CREAT | O_RDWR, 0644, &f), 0);
	assert_int_equal(vfs_open(&x->w, "/d", O_RDONLY, 0, &d), 0);
	assert_int_equal(vfs_unlink(&x->w, "/f"), 0);
	assert_int_equal(vfs_rmdir(&x->w, "/d"), 0);
	assert_int_equal(path_format(&f->path, &x->fs->root, buf, sizeof buf), 12);
	assert_string_equal(buf, "/f (deleted)");
	assert_int_equal(path_format(&f->path, &x->fs->root, buf, 12), -ENAMETOOLONG);
	struct walk w = x->w;
	w.dir = d;
	assert_int_equal(vfs_mkdir(&w, "new", 0755), -ENOENT);
	assert_int_equal(touch(&w, "new", 0644), -ENOENT);
	assert_int_equal(walks(&w, "..", 0), 0);
	file_put(f);
	file_put(d);
}

static void open_rules(void **state)
{
	struct world *x = *state;
	struct file *f;
	assert_int_equal(vfs_symlink(&x->w, "target", "/l"), 0);
	assert_int_equal(vfs_open(&x->w, "/l", O_CREAT | O_EXCL | O_RDWR, 0644, &f), -EEXIST);
	assert_int_equal(vfs_open(&x->w, "/l", O_CREAT | O_NOFOLLOW | O_RDWR, 0644, &f), -ELOOP);
	assert_int_equal(touch(&x->w, "/l", 0), 0);
	assert_int_equal(walks(&x->w, "/target", WALK_NOFOLLOW), 0);
	assert_int_equal(vfs_open(&x->u, "/target", O_RDONLY, 0, &f), -EACCES);
	assert_int_equal(vfs_open(&x->w, "/target/", O_CREAT | O_RDWR, 0644, &f), -EISDIR);
	assert_int_equal(vfs_open(&x->w, "/", O_RDWR, 0, &f), -EISDIR);
	assert_int_equal(vfs_open(&x->w, "/target", O_RDONLY | O_DIRECTORY, 0, &f), -ENOTDIR);
	assert_int_equal(vfs_open(&x->w, "/target", O_RDWR, 0, &f), 0);
	assert_int_equal(inode_deny_write(f->inode), -ETXTBSY);
	struct inode *i = inode_get(f->inode);
	file_put(f);
	assert_int_equal(inode_deny_write(i), 0);
	assert_int_equal(vfs_open(&x->w, "/target", O_WRONLY, 0, &f), -ETXTBSY);
	inode_allow_write(i);
	inode_put(i);
}

static void a_tmpfile_gets_a_name_once_linked(void **state)
{
	struct world *x = *state;
	struct file *f;
	assert_int_equal(vfs_open(&x->w, "/", O_TMPFILE | O_RDWR, 0600, &f), 0);
	assert_int_equal(f->inode->nlink, 0);
	assert_int_equal(vfs_link(&f->path, &x->w, "/named"), 0);
	assert_int_equal(f->inode->nlink, 1);
	assert_int_equal(vfs_link(&f->path, &x->w, "/named"), -EEXIST);
	file_put(f);
	assert_int_equal(walks(&x->w, "/named", 0), 0);
	assert_int_equal(vfs_open(&x->w, "/", O_TMPFILE | O_RDWR | O_EXCL, 0600, &f), 0);
	assert_int_equal(vfs_link(&f->path, &x->w, "/other"), -ENOENT);
	file_put(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(resolves_dots_slashes_and_links),
		VFS_TEST(limits),
		VFS_TEST(scopes),
		VFS_TEST(search_permission),
		VFS_TEST(short_cuts_lead_where_the_steps_do),
		VFS_TEST(mounts_are_crossed_both_ways),
		VFS_TEST(binding_a_tree_into_itself_ends),
		VFS_TEST(remove_errors),
		VFS_TEST(rename_rules),
		VFS_TEST(names_of_what_is_gone),
		VFS_TEST(open_rules),
		VFS_TEST(a_tmpfile_gets_a_name_once_linked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
