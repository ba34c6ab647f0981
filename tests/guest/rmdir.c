/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmdir(2).
 */
#include "fs.h"

TEST(rmdir_removes_an_empty_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(rmdir("d"));
	ASSERT_ERR(access("d", F_OK), ENOENT);
}

TEST(rmdir_nonempty_is_enotempty)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	ASSERT_ERR(rmdir("d"), ENOTEMPTY);
	ASSERT_OK(unlink("d/f"));
	ASSERT_OK(rmdir("d"));
}

TEST(rmdir_dot_is_einval_and_dot_dot_enotempty)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(rmdir("."), EINVAL);
	ASSERT_ERR(rmdir("d/."), EINVAL);
	ASSERT_ERR(rmdir("d/.."), ENOTEMPTY);
	ASSERT_ERR(rmdir("/"), EBUSY);
}

TEST(rmdir_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("d", "l"));
	ASSERT_ERR(rmdir("f"), ENOTDIR);
	ASSERT_ERR(rmdir("l"), ENOTDIR);
	ASSERT_ERR(rmdir("l/"), ENOTDIR);
	ASSERT_ERR(rmdir("missing"), ENOENT);
	ASSERT_ERR(rmdir(""), ENOENT);
	ASSERT_ERR(rmdir(bad_ptr), EFAULT);
	ASSERT_OK(rmdir("d/"));
}

TEST(rmdir_needs_write_permission_on_the_parent)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0777));
	AS_USER({ ASSERT_ERR(rmdir("d"), EACCES); });
}

TEST(rmdir_mount_point_is_ebusy)
{
	ASSERT_ERR(rmdir("/proc"), EBUSY);
}

TEST(rmdir_open_directory_reads_as_empty)
{
	test_tmpdir();
	char buf[1024];
	ASSERT_OK(mkdir("d", 0700));
	int fd = open("d", O_RDONLY);
	ASSERT_OK(rmdir("d"));
	ASSERT_ERR(syscall(SYS_getdents64, fd, buf, sizeof buf), ENOENT);
	struct stat st;
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_nlink, 0);
}

TEST(rmdir_of_the_cwd_by_name_works)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(chdir("d"));
	ASSERT_OK(rmdir("../d"));
	ASSERT_ERR(open("f", O_CREAT | O_RDWR, 0600), ENOENT);
	ASSERT_OK(open(".", O_RDONLY));
	ASSERT_OK(chdir(".."));
}

TEST(unlinkat_removedir)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("f", "");
	ASSERT_ERR(unlinkat(AT_FDCWD, "d", 0), EISDIR);
	ASSERT_ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	ASSERT_OK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	ASSERT_ERR(unlinkat(AT_FDCWD, "f", 0x40000000), EINVAL);
}

TEST_MAIN()
