/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: user.* and trusted.*, where the file system has them.
 */
#include "fs.h"

#include <sys/xattr.h>

/* A file "f" to put attributes on, or a skip. */
static void file(void)
{
	test_tmpdir();
	put("f", "");
	if (setxattr("f", "user.probe", "", 0, 0) < 0 && errno == EOPNOTSUPP)
		SKIP("no user xattrs on this file system");
	ASSERT_OK(removexattr("f", "user.probe"));
}

TEST(xattr_set_get_remove)
{
	file();
	char buf[16] = "";
	ASSERT_OK(setxattr("f", "user.a", "value", 5, 0));
	ASSERT_EQ(getxattr("f", "user.a", buf, sizeof buf), 5);
	ASSERT_STR(buf, "value");
	ASSERT_OK(setxattr("f", "user.a", "v2", 2, 0));
	ASSERT_EQ(getxattr("f", "user.a", buf, sizeof buf), 2);
	ASSERT_OK(removexattr("f", "user.a"));
	ASSERT_ERR(getxattr("f", "user.a", buf, sizeof buf), ENODATA);
	ASSERT_ERR(removexattr("f", "user.a"), ENODATA);
}

TEST(xattr_size_zero_asks_for_the_size)
{
	file();
	char buf[16];
	ASSERT_OK(setxattr("f", "user.a", "value", 5, 0));
	ASSERT_EQ(getxattr("f", "user.a", NULL, 0), 5);
	ASSERT_ERR(getxattr("f", "user.a", buf, 4), ERANGE);
	ASSERT_EQ(getxattr("f", "user.a", buf, 5), 5);
}

TEST(xattr_create_and_replace)
{
	file();
	ASSERT_ERR(setxattr("f", "user.a", "x", 1, XATTR_REPLACE), ENODATA);
	ASSERT_OK(setxattr("f", "user.a", "x", 1, XATTR_CREATE));
	ASSERT_ERR(setxattr("f", "user.a", "y", 1, XATTR_CREATE), EEXIST);
	ASSERT_OK(setxattr("f", "user.a", "y", 1, XATTR_REPLACE));
	ASSERT_ERR(setxattr("f", "user.a", "z", 1, 0x100), EINVAL);
}

TEST(xattr_empty_value_is_a_value)
{
	file();
	ASSERT_OK(setxattr("f", "user.a", "", 0, 0));
	ASSERT_EQ(getxattr("f", "user.a", NULL, 0), 0);
}

TEST(xattr_list)
{
	file();
	char buf[256];
	ASSERT_OK(setxattr("f", "user.a", "x", 1, 0));
	ASSERT_OK(setxattr("f", "user.bb", "x", 1, 0));
	ssize_t n = listxattr("f", NULL, 0);
	ASSERT_EQ(n, 15);
	ASSERT_EQ(listxattr("f", buf, sizeof buf), 15);
	ASSERT(memmem(buf, 15, "user.a", 7) && memmem(buf, 15, "user.bb", 8));
	ASSERT_ERR(listxattr("f", buf, 14), ERANGE);
}

TEST(xattr_names)
{
	file();
	char name[300] = "user.";
	memset(name + 5, 'n', 251);
	name[256] = 0;
	ASSERT_ERR(setxattr("f", name, "x", 1, 0), ERANGE);
	name[255] = 0;
	ASSERT_OK(setxattr("f", name, "x", 1, 0));
	ASSERT_ERR(setxattr("f", "", "x", 1, 0), ERANGE);
	ASSERT_ERR(setxattr("f", "user.", "x", 1, 0), EINVAL);
	ASSERT_ERR(setxattr("f", "nonsense.a", "x", 1, 0), EOPNOTSUPP);
	ASSERT_ERR(setxattr("f", "plain", "x", 1, 0), EOPNOTSUPP);
}

TEST(xattr_value_above_64k_is_e2big)
{
	file();
	static char big[65537];
	ASSERT_ERR(setxattr("f", "user.a", big, 65537, 0), E2BIG);
}

TEST(xattr_user_is_for_files_and_directories)
{
	file();
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(mkfifo("p", 0600));
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(setxattr("d", "user.a", "x", 1, 0));
	ASSERT_ERR(lsetxattr("l", "user.a", "x", 1, 0), EPERM);
	ASSERT_ERR(setxattr("p", "user.a", "x", 1, 0), EPERM);
	ASSERT_ERR(getxattr("p", "user.a", NULL, 0), ENODATA);
}

TEST(xattr_follows_links_unless_l)
{
	file();
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(setxattr("l", "user.a", "x", 1, 0));
	ASSERT_EQ(getxattr("f", "user.a", NULL, 0), 1);
	ASSERT_EQ(lgetxattr("f", "user.a", NULL, 0), 1);
	ASSERT_ERR(lgetxattr("l", "user.a", NULL, 0), ENODATA);
}

TEST(fsetxattr_works_on_a_read_only_fd)
{
	file();
	int fd = open("f", O_RDONLY);
	ASSERT_OK(fsetxattr(fd, "user.a", "x", 1, 0));
	ASSERT_EQ(fgetxattr(fd, "user.a", NULL, 0), 1);
	ASSERT_EQ(flistxattr(fd, NULL, 0), 7);
	ASSERT_OK(fremovexattr(fd, "user.a"));
	ASSERT_ERR(fsetxattr(-1, "user.a", "x", 1, 0), EBADF);
	ASSERT_ERR(fgetxattr(open("f", O_PATH), "user.a", NULL, 0), EBADF);
}

TEST(xattr_user_needs_file_permission)
{
	file();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(setxattr("f", "user.a", "x", 1, 0));
	ASSERT_OK(chmod("f", 0644));
	AS_USER({
		ASSERT_EQ(getxattr("f", "user.a", NULL, 0), 1);
		ASSERT_ERR(setxattr("f", "user.a", "y", 1, 0), EACCES);
		ASSERT_ERR(removexattr("f", "user.a"), EACCES);
	});
	ASSERT_OK(chmod("f", 0600));
	AS_USER({ ASSERT_ERR(getxattr("f", "user.a", NULL, 0), EACCES); });
}

TEST(xattr_trusted_is_for_root)
{
	file();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(chmod("f", 0777));
	if (setxattr("f", "trusted.a", "x", 1, 0) < 0)
		SKIP("no trusted xattrs: errno %d", errno);
	ASSERT_EQ(getxattr("f", "trusted.a", NULL, 0), 1);
	AS_USER({
		char buf[64];
		ASSERT_ERR(setxattr("f", "trusted.b", "x", 1, 0), EPERM);
		/* For others it does not exist. */
		ASSERT_ERR(getxattr("f", "trusted.a", NULL, 0), ENODATA);
		ASSERT_EQ(listxattr("f", buf, sizeof buf), 0);
	});
}

TEST(xattr_survives_rename_and_dies_with_the_file)
{
	file();
	ASSERT_OK(setxattr("f", "user.a", "x", 1, 0));
	ASSERT_OK(rename("f", "g"));
	ASSERT_EQ(getxattr("g", "user.a", NULL, 0), 1);
	ASSERT_OK(unlink("g"));
	put("g", "");
	ASSERT_ERR(getxattr("g", "user.a", NULL, 0), ENODATA);
}

TEST(xattr_updates_ctime_only)
{
	file();
	struct timespec old[2] = {{1, 0}, {1, 0}};
	ASSERT_OK(utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_OK(setxattr("f", "user.a", "x", 1, 0));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 1);
}

TEST(xattr_path_errors)
{
	file();
	ASSERT_ERR(setxattr("gone", "user.a", "x", 1, 0), ENOENT);
	ASSERT_ERR(getxattr("f/x", "user.a", NULL, 0), ENOTDIR);
	ASSERT_ERR(listxattr("", NULL, 0), ENOENT);
	ASSERT_ERR(setxattr("f", bad_ptr, "x", 1, 0), EFAULT);
	ASSERT_ERR(setxattr("f", "user.a", bad_ptr, 1, 0), EFAULT);
	ASSERT_ERR(getxattr(bad_ptr, "user.a", NULL, 0), EFAULT);
}

TEST(xattr_on_a_pipe)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_ERR(fsetxattr(p[0], "user.a", "x", 1, 0), EPERM);
}

TEST(xattr_of_a_link_itself)
{
	file();
	char buf[256];
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(setxattr("f", "user.a", "x", 1, 0));
	/* user.* is not for links, so nothing of the target shows. */
	long n = llistxattr("l", buf, sizeof buf);
	for (long at = 0; at < n; at += (long)strlen(buf + at) + 1)
		ASSERT(strcmp(buf + at, "user.a") != 0);
	ASSERT_OK(n);
	ASSERT_ERR(lgetxattr("l", "user.a", NULL, 0), ENODATA);
	ASSERT_ERR(lremovexattr("l", "user.a"), EPERM);
	ASSERT_OK(lremovexattr("f", "user.a"));
	ASSERT_ERR(lremovexattr("f", "user.a"), ENODATA);
}

TEST_MAIN()
