/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat(2): where a relative path starts.
 */
#include "fs.h"

TEST(openat_relative_to_a_directory_fd)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "x");
	int d = open("d", O_RDONLY | O_DIRECTORY);
	ASSERT_OK(openat(d, "f", O_RDONLY));
	ASSERT_OK(openat(d, "../d/f", O_RDONLY));
	ASSERT_ERR(openat(d, "g", O_RDONLY), ENOENT);
}

TEST(openat_at_fdcwd_is_the_cwd)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(openat(AT_FDCWD, "f", O_RDONLY));
}

TEST(openat_absolute_path_ignores_the_fd)
{
	ASSERT_OK(openat(-1, "/", O_RDONLY));
	ASSERT_OK(openat(12345, "/tmp", O_RDONLY));
}

TEST(openat_bad_fd_is_ebadf)
{
	ASSERT_ERR(openat(-1, "f", O_RDONLY), EBADF);
	ASSERT_ERR(openat(12345, "f", O_RDONLY), EBADF);
}

TEST(openat_fd_of_a_file_is_enotdir)
{
	test_tmpdir();
	put("f", "x");
	int f = open("f", O_RDONLY);
	ASSERT_ERR(openat(f, "x", O_RDONLY), ENOTDIR);
	ASSERT_ERR(openat(f, ".", O_RDONLY), ENOTDIR);
}

TEST(openat_empty_path_is_enoent_before_the_fd_is_looked_at)
{
	ASSERT_ERR(openat(-1, "", O_RDONLY), ENOENT);
}

TEST(openat_o_path_directory_fd_works)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "x");
	ASSERT_OK(openat(open("d", O_PATH), "f", O_RDONLY));
}

TEST(openat_follows_a_renamed_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "x");
	int d = open("d", O_RDONLY);
	ASSERT_OK(rename("d", "e"));
	ASSERT_OK(openat(d, "f", O_RDONLY));
}

TEST(openat_in_a_removed_directory_is_enoent)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	int d = open("d", O_RDONLY);
	ASSERT_OK(rmdir("d"));
	ASSERT_ERR(openat(d, "f", O_RDWR | O_CREAT, 0600), ENOENT);
	ASSERT_OK(openat(d, ".", O_RDONLY));
}

TEST(openat_checks_search_permission_now_not_at_open)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0755));
	put("d/f", "x");
	int d = open("d", O_RDONLY);
	ASSERT_OK(chmod("d", 0644));
	AS_USER({ ASSERT_ERR(openat(d, "f", O_RDONLY), EACCES); });
}

TEST(openat_dot_dot_at_the_root_stays)
{
	struct stat a, b;
	int root = open("/", O_RDONLY);
	int up = openat(root, "../../..", O_RDONLY);
	ASSERT_OK(fstat(root, &a));
	ASSERT_OK(fstat(up, &b));
	ASSERT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

TEST(openat_proc_fd_link_names_the_path)
{
	test_tmpdir();
	char link[64], got[4096] = "", cwd[4000];
	ASSERT_OK(mkdir("d", 0700));
	int d = open("d", O_RDONLY);
	put("d/f", "");
	int f = openat(d, ".././d//f", O_RDONLY);
	snprintf(link, sizeof link, "/proc/self/fd/%d", f);
	ASSERT(readlink(link, got, sizeof got - 1) > 0);
	ASSERT(getcwd(cwd, sizeof cwd));
	strcat(cwd, "/d/f");
	ASSERT_STR(got, cwd);
}

TEST_MAIN()
