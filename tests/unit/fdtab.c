/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables: lowest free number, reservations, close-on-exec, limits. */
#include "vfs_fixture.h"

#include "sentry/vfs/fdtab.h"

static struct fdtab *table(void)
{
	struct fdtab *t;
	assert_int_equal(fdtab_new(&t), 0);
	return t;
}

static struct file *file(struct world *x)
{
	struct file *f;
	assert_int_equal(vfs_open(&x->w, "/", O_RDONLY, 0, &f), 0);
	return f;
}

static void lowest_free(void **state)
{
	struct world *x = *state;
	struct fdtab *t = table();
	struct file *f = file(x);
	for (int i = 0; i < 200; i++)
		assert_int_equal(fd_install(t, file_get(f), false, 0, 1024), i);
	assert_int_equal(fd_close(t, 130), 0);
	assert_int_equal(fd_close(t, 7), 0);
	assert_int_equal(fd_close(t, 7), -EBADF);
	assert_int_equal(fd_install(t, file_get(f), false, 100, 1024), 130);
	assert_int_equal(fd_install(t, file_get(f), false, 0, 1024), 7);
	assert_int_equal(fd_install(t, file_get(f), false, 0, 1024), 200);
	assert_int_equal(fd_install(t, file_get(f), false, 0, 100), -EMFILE);
	assert_int_equal(fd_install(t, file_get(f), false, 100, 100), -EINVAL);
	assert_int_equal(ref_count(&f->ref), 202);
	fdtab_put(t);
	assert_int_equal(ref_count(&f->ref), 1);
	file_put(f);
}

static void a_reserved_descriptor_is_invisible(void **state)
{
	struct world *x = *state;
	struct fdtab *t = table();
	int fds[3];
	assert_int_equal(fd_reserve(t, 3, 0, 16, fds), 0);
	assert_null(fdtab_get(t, fds[1]));
	assert_int_equal(fd_close(t, fds[1]), -EBADF);
	assert_int_equal(fd_replace(t, fds[1], file(x), false, 16), -EBUSY);
	fd_publish(t, fds[1], file(x), true);
	assert_int_equal(fd_get_cloexec(t, fds[1]), 1);
	fd_unreserve(t, fds[0]);
	assert_int_equal(fd_install(t, file(x), false, 0, 16), fds[0]);
	assert_int_equal(fd_reserve(t, 20, 0, 16, (int[20]){0}), -EMFILE);
	assert_int_equal(fd_install(t, file(x), false, 0, 16), 3);
	fd_unreserve(t, fds[2]);
	fdtab_put(t);
}

static void replacing(void **state)
{
	struct world *x = *state;
	struct fdtab *t = table();
	struct file *a = file(x), *b = file(x);
	assert_int_equal(fd_install(t, a, true, 0, 4096), 0);
	assert_int_equal(fd_replace(t, 0, b, false, 4096), 0);
	assert_int_equal(fd_get_cloexec(t, 0), 0);
	assert_int_equal(fd_replace(t, 3000, file_get(b), false, 4096), 3000);
	assert_int_equal(fd_replace(t, 4096, file_get(b), false, 4096), -EBADF);
	assert_int_equal(fd_replace(t, -1, file_get(b), false, 4096), -EBADF);
	assert_int_equal(fd_next(t, 1), 3000);
	assert_int_equal(fd_next(t, 3001), -1);
	fdtab_put(t);
}

static void exec_and_fork(void **state)
{
	struct world *x = *state;
	struct fdtab *t = table(), *copy;
	for (int i = 0; i < 6; i++)
		assert_int_equal(fd_install(t, file(x), i % 2, 0, 64), i);
	assert_int_equal(fdtab_copy(t, &copy), 0);
	fdtab_exec(copy);
	for (int i = 0; i < 6; i++)
		assert_int_equal(fd_get_cloexec(copy, i), i % 2 ? -EBADF : 0);
	assert_int_equal(fd_install(copy, file(x), false, 0, 64), 1);
	assert_int_equal(fd_close_range(t, 1, 3, /*cloexec_only=*/false), 0);
	assert_int_equal(fd_close_range(t, 4, UINT32_MAX, /*cloexec_only=*/true), 0);
	assert_int_equal(fd_get_cloexec(t, 0), 0);
	assert_int_equal(fd_get_cloexec(t, 2), -EBADF);
	assert_int_equal(fd_get_cloexec(t, 4), 1);
	fdtab_put(copy);
	fdtab_put(t);
}

static void o_path_files_do_no_io(void **state)
{
	struct world *x = *state;
	struct fdtab *t = table();
	struct file *f;
	assert_int_equal(vfs_open(&x->w, "/", O_PATH, 0, &f), 0);
	assert_int_equal(fd_install(t, f, false, 0, 64), 0);
	assert_null(fdtab_get_io(t, 0));
	f = fdtab_get(t, 0);
	assert_non_null(f);
	file_put(f);
	fdtab_put(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(lowest_free),
		VFS_TEST(a_reserved_descriptor_is_invisible),
		VFS_TEST(replacing),
		VFS_TEST(exec_and_fork),
		VFS_TEST(o_path_files_do_no_io),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
