/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link and linkat.
 */
#include "fs.h"

TEST(link_adds_a_name)
{
	test_tmpdir();
	put("a", "x");
	ASSERT_OK(link("a", "b"));
	ASSERT_EQ(stat_of("a").st_ino, stat_of("b").st_ino);
	ASSERT_EQ(stat_of("a").st_nlink, 2);
	put("b", "new");
	ASSERT_FILE("a", "new");
}

TEST(link_existing_target_is_eexist)
{
	test_tmpdir();
	put("a", "");
	put("b", "");
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(link("a", "b"), EEXIST);
	ASSERT_ERR(link("a", "a"), EEXIST);
	ASSERT_ERR(link("a", "l"), EEXIST);
	ASSERT_ERR(link("a", "."), EEXIST);
}

TEST(link_directory_is_eperm)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(link("d", "e"), EPERM);
	ASSERT_ERR(link(".", "e"), EPERM);
}

TEST(link_errors)
{
	test_tmpdir();
	put("a", "");
	ASSERT_ERR(link("missing", "b"), ENOENT);
	ASSERT_ERR(link("a", "missing/b"), ENOENT);
	ASSERT_ERR(link("a", ""), ENOENT);
	ASSERT_ERR(link("", "b"), ENOENT);
	ASSERT_ERR(link("a/x", "b"), ENOTDIR);
	ASSERT_ERR(link("a", "b/"), ENOENT);
	ASSERT_ERR(link(bad_ptr, "b"), EFAULT);
	ASSERT_ERR(link("a", bad_ptr), EFAULT);
}

TEST(link_across_file_systems_is_exdev)
{
	test_tmpdir();
	put("a", "");
	ASSERT_ERR(link("/proc/version", "b"), EXDEV);
	/* The new name is looked up first, and proc makes none. */
	ASSERT_ERR(link("a", "/proc/b"), ENOENT);
}

TEST(link_does_not_follow_the_last_symlink)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(link("l", "m"));
	ASSERT(S_ISLNK(stat_of("m").st_mode));
	ASSERT_EQ(stat_of("m").st_ino, stat_of("l").st_ino);
}

TEST(linkat_symlink_follow)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(linkat(AT_FDCWD, "l", AT_FDCWD, "m", AT_SYMLINK_FOLLOW));
	ASSERT_EQ(stat_of("m").st_ino, stat_of("f").st_ino);
}

TEST(linkat_empty_path_links_the_fd)
{
	test_tmpdir();
	put("f", "x");
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(linkat(fd, "", AT_FDCWD, "g", 0), ENOENT);
	ASSERT_OK(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	ASSERT_EQ(stat_of("f").st_nlink, 2);
}

TEST(linkat_unlinked_file_is_enoent)
{
	test_tmpdir();
	put("f", "x");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(unlink("f"));
	ASSERT_ERR(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH), ENOENT);
}

TEST(linkat_unknown_flag_is_einval)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0x40000000), EINVAL);
	ASSERT_ERR(linkat(AT_FDCWD, "f", AT_FDCWD, "g", AT_SYMLINK_NOFOLLOW), EINVAL);
}

TEST(link_needs_write_on_the_directory)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chown("f", 1000, 1000));
	AS_USER({ ASSERT_ERR(link("f", "g"), EACCES); });
	ASSERT_OK(chmod(".", 0777));
	AS_USER({ ASSERT_OK(link("f", "g")); });
}

TEST(link_updates_ctime_not_mtime)
{
	test_tmpdir();
	struct timespec old[2] = {{1, 0}, {1, 0}};
	put("f", "");
	ASSERT_OK(utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_OK(link("f", "g"));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 1);
	ASSERT(stat_of("f").st_ctim.tv_sec > 1000);
}

TEST(linkat_relative_to_two_fds)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(mkdir("b", 0700));
	put("a/f", "");
	ASSERT_OK(linkat(open("a", O_PATH), "f", open("b", O_RDONLY), "g", 0));
	ASSERT_EQ(stat_of("b/g").st_nlink, 2);
	ASSERT_ERR(linkat(-1, "f", AT_FDCWD, "g", 0), EBADF);
}

TEST(link_of_fifo)
{
	test_tmpdir();
	ASSERT_OK(mkfifo("p", 0600));
	ASSERT_OK(link("p", "q"));
	ASSERT(S_ISFIFO(stat_of("q").st_mode));
}

TEST_MAIN()
