/* SPDX-License-Identifier: Apache-2.0 */
/* What all memory file systems may hold together. */
#include "tests/unit/vfs_fixture.h"

#include "sentry/mm/copy.h"

enum { LIMIT_PAGES = 64, LIMIT_INODES = LIMIT_PAGES / 2 };

static struct file *file_in(const struct walk *w, const char *name)
{
	struct file *f;
	assert_int_equal(vfs_open(w, name, O_RDWR | O_CREAT, 0600, &f), 0);
	return f;
}

static ssize_t write_pages(struct file *f, unsigned pages)
{
	static char buf[LIMIT_PAGES * PAGE_SIZE];
	struct uio u;
	uio_kernel(&u, buf, pages * PAGE_SIZE);
	return file_write(f, &u, NULL, false) / (ssize_t)PAGE_SIZE;
}

static void test_files_and_memfds_share_the_limit(void **state)
{
	struct world *x = *state;
	struct file *a = file_in(&x->w, "/a"), *m;
	assert_int_equal(memfs_file_new("m", x->root, O_RDWR, 0777, 0, &m), 0);
	assert_int_equal(write_pages(a, 40), 40);
	assert_int_equal(write_pages(m, 40), 24);
	struct uio u;
	uio_kernel(&u, (char[1]){1}, 1);
	assert_int_equal(file_write(m, &u, NULL, false), -ENOSPC);
	/* What one gives back the other may have. */
	assert_int_equal(vfs_truncate(&a->path, x->root, 0), 0);
	assert_int_equal(write_pages(m, 40), 40);
	file_put(m);
	file_put(a);
	a = file_in(&x->w, "/b");
	assert_int_equal(write_pages(a, LIMIT_PAGES), LIMIT_PAGES);
	file_put(a);
	assert_int_equal(vfs_unlink(&x->w, "/b"), 0);
}

static void test_attributes_count(void **state)
{
	struct world *x = *state;
	static char value[60000];
	char name[32];
	struct file *a = file_in(&x->w, "/a");
	int err = 0, n = 0;
	for (; err == 0 && n < 100; n++) {
		snprintf(name, sizeof name, "trusted.%d", n);
		err = a->inode->ops->setxattr(a->inode, name, value, sizeof value, 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_in_range(n, 3, 6);
	file_put(a);
	assert_int_equal(vfs_unlink(&x->w, "/a"), 0);
	a = file_in(&x->w, "/b");
	assert_int_equal(write_pages(a, LIMIT_PAGES), LIMIT_PAGES);
	file_put(a);
	assert_int_equal(vfs_unlink(&x->w, "/b"), 0);
}

static void test_inodes_count(void **state)
{
	struct world *x = *state;
	char name[32];
	int err = 0, n = 0;
	for (; err == 0 && n < 100; n++) {
		snprintf(name, sizeof name, "/d%d", n);
		err = vfs_mkdir(&x->w, name, 0755);
	}
	assert_int_equal(err, -ENOSPC);
	assert_in_range(n, LIMIT_INODES - 3, LIMIT_INODES);
}

static int limits_set(void **state)
{
	(void)state;
	memfs_set_limit(LIMIT_PAGES * PAGE_SIZE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_and_memfds_share_the_limit, world_new,
						world_free),
		cmocka_unit_test_setup_teardown(test_attributes_count, world_new, world_free),
		cmocka_unit_test_setup_teardown(test_inodes_count, world_new, world_free),
	};
	return cmocka_run_group_tests(tests, limits_set, NULL);
}
