/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symlink(2) and how links are walked.
 */
#include "fs.h"

TEST(symlink_takes_any_text)
{
	test_tmpdir();
	char buf[64] = "";
	ASSERT_OK(symlink("a//b/../ c", "l"));
	ASSERT_EQ(readlink("l", buf, sizeof buf), 10);
	ASSERT_STR(buf, "a//b/../ c");
	ASSERT_EQ(stat_of("l").st_size, 10);
}

TEST(symlink_empty_target_is_enoent)
{
	test_tmpdir();
	ASSERT_ERR(symlink("", "l"), ENOENT);
	ASSERT_ERR(symlink("x", ""), ENOENT);
}

TEST(symlink_existing_is_eexist)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(symlink("x", "f"), EEXIST);
	ASSERT_ERR(symlink("x", "l"), EEXIST);
	ASSERT_ERR(symlink("x", "."), EEXIST);
}

TEST(symlink_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(symlink("x", "missing/l"), ENOENT);
	ASSERT_ERR(symlink("x", "f/l"), ENOTDIR);
	ASSERT_ERR(symlink("x", "l/"), ENOENT);
	ASSERT_ERR(symlink(bad_ptr, "l"), EFAULT);
	ASSERT_ERR(symlink("x", bad_ptr), EFAULT);
	ASSERT_ERR(symlinkat("x", -1, "l"), EBADF);
}

TEST(symlink_target_of_4096_bytes_is_too_long)
{
	test_tmpdir();
	static char t[4097], back[4097];
	memset(t, 'x', 4096);
	ASSERT_ERR(symlink(t, "l"), ENAMETOOLONG);
	t[4000] = 0;
	ASSERT_OK(symlink(t, "l"));
	ASSERT_EQ(readlink("l", back, sizeof back), 4000);
	ASSERT_ERR(open("l", O_RDONLY), ENAMETOOLONG);
}

TEST(symlink_relative_is_relative_to_the_link)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "inside");
	put("f", "outside");
	ASSERT_OK(symlink("f", "d/l"));
	ASSERT_FILE("d/l", "inside");
	ASSERT_OK(symlink("../f", "d/up"));
	ASSERT_FILE("d/up", "outside");
}

TEST(symlink_dot_dot_after_a_link_is_the_parent_of_the_target)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(mkdir("a/b", 0700));
	put("a/f", "in a");
	put("f", "top");
	ASSERT_OK(symlink("a/b", "l"));
	ASSERT_FILE("l/../f", "in a");
}

TEST(symlink_mode_is_0777_and_owner_the_creator)
{
	test_tmpdir();
	umask(077);
	ASSERT_OK(chmod(".", 0777));
	AS_USER({ ASSERT_OK(symlink("x", "l")); });
	ASSERT_EQ(mode_of("l"), 0777);
	ASSERT_EQ(stat_of("l").st_uid, 1000);
}

TEST(symlink_trailing_slash_to_file_is_enotdir)
{
	test_tmpdir();
	struct stat st;
	put("f", "");
	ASSERT_OK(symlink("f/", "l"));
	ASSERT_ERR(stat("l", &st), ENOTDIR);
	ASSERT_OK(lstat("l", &st));
}

TEST(symlink_to_slash_and_dot)
{
	test_tmpdir();
	struct stat a, b;
	ASSERT_OK(symlink("/", "root"));
	ASSERT_OK(symlink(".", "here"));
	ASSERT_OK(stat("root", &a));
	ASSERT_OK(stat("/", &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	put("f", "x");
	ASSERT_FILE("here/here/here/f", "x");
}

TEST(symlink_total_of_forty_counts_all_components)
{
	test_tmpdir();
	char path[512] = "";
	ASSERT_OK(symlink(".", "h"));
	for (int i = 0; i < 40; i++)
		strcat(path, "h/");
	ASSERT_OK(open(path, O_RDONLY));
	strcat(path, "h/");
	ASSERT_ERR(open(path, O_RDONLY), ELOOP);
}

TEST_MAIN()
