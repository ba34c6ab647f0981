/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkdir(2).
 */
#include "fs.h"

TEST(mkdir_makes_an_empty_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	struct stat st = stat_of("d");
	ASSERT_EQ(st.st_mode, S_IFDIR | 0700);
	ASSERT_EQ(st.st_nlink, 2);
	ASSERT_OK(access("d/.", F_OK));
	ASSERT_EQ(stat_of("d/..").st_ino, stat_of(".").st_ino);
}

TEST(mkdir_mode_is_masked)
{
	test_tmpdir();
	umask(077);
	ASSERT_OK(mkdir("d", 0777));
	ASSERT_EQ(mode_of("d"), 0700);
	umask(0);
	/* Of the bits above 0777 only the sticky one survives. */
	ASSERT_OK(mkdir("e", 07777));
	ASSERT_EQ(mode_of("e"), 01777);
}

TEST(mkdir_existing_is_eexist)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(mkdir("d", 0700), EEXIST);
	ASSERT_ERR(mkdir("f", 0700), EEXIST);
	ASSERT_ERR(mkdir("l", 0700), EEXIST);
	ASSERT_ERR(mkdir(".", 0700), EEXIST);
	ASSERT_ERR(mkdir("..", 0700), EEXIST);
	ASSERT_ERR(mkdir("/", 0700), EEXIST);
}

TEST(mkdir_trailing_slashes_are_fine)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d///", 0700));
	ASSERT_ERR(mkdir("e/.", 0700), ENOENT);
}

TEST(mkdir_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(mkdir("", 0700), ENOENT);
	ASSERT_ERR(mkdir("missing/d", 0700), ENOENT);
	ASSERT_ERR(mkdir("f/d", 0700), ENOTDIR);
	ASSERT_ERR(mkdir(bad_ptr, 0700), EFAULT);
	ASSERT_ERR(mkdirat(-1, "d", 0700), EBADF);
	ASSERT_ERR(mkdirat(open("f", O_RDONLY), "d", 0700), ENOTDIR);
}

TEST(mkdir_needs_write_permission)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	AS_USER({
		ASSERT_ERR(mkdir("d", 0700), EACCES);
		ASSERT_ERR(mkdir(".", 0700), EEXIST);
	});
}

TEST(mkdir_in_a_removed_directory_is_enoent)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(chdir("d"));
	ASSERT_OK(rmdir("../d"));
	ASSERT_ERR(mkdir("e", 0700), ENOENT);
}

TEST(mkdirat_relative)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(mkdirat(open("d", O_RDONLY), "e", 0700));
	ASSERT(S_ISDIR(stat_of("d/e").st_mode));
}

TEST(mkdir_deep_tree)
{
	test_tmpdir();
	for (int i = 0; i < 200; i++) {
		ASSERT_OK(mkdir("d", 0700));
		ASSERT_OK(chdir("d"));
	}
	for (int i = 0; i < 200; i++) {
		ASSERT_OK(chdir(".."));
		ASSERT_OK(rmdir("d"));
	}
}

TEST(mkdir_is_owned_by_the_fs_ids)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	AS_USER({ ASSERT_OK(mkdir("d", 0700)); });
	ASSERT_EQ(stat_of("d").st_uid, 1000);
	ASSERT_EQ(stat_of("d").st_gid, 1000);
}

TEST_MAIN()
