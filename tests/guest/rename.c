/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename, renameat, renameat2.
 */
#include "fs.h"

TEST(rename_moves_a_file)
{
	test_tmpdir();
	put("a", "x");
	ino_t ino = stat_of("a").st_ino;
	ASSERT_OK(rename("a", "b"));
	ASSERT_ERR(access("a", F_OK), ENOENT);
	ASSERT_EQ(stat_of("b").st_ino, ino);
}

TEST(rename_replaces_a_file)
{
	test_tmpdir();
	put("a", "new");
	put("b", "old");
	int old = open("b", O_RDONLY);
	char buf[8] = "";
	ASSERT_OK(rename("a", "b"));
	ASSERT_FILE("b", "new");
	ASSERT_EQ(read(old, buf, 8), 3);
	ASSERT_STR(buf, "old");
	struct stat st;
	ASSERT_OK(fstat(old, &st));
	ASSERT_EQ(st.st_nlink, 0);
}

TEST(rename_to_itself_does_nothing)
{
	test_tmpdir();
	put("a", "x");
	ASSERT_OK(rename("a", "a"));
	ASSERT_FILE("a", "x");
}

TEST(rename_over_a_hard_link_of_itself_does_nothing)
{
	test_tmpdir();
	put("a", "x");
	ASSERT_OK(link("a", "b"));
	ASSERT_OK(rename("a", "b"));
	ASSERT_OK(access("a", F_OK));
	ASSERT_EQ(stat_of("b").st_nlink, 2);
}

TEST(rename_directory_over_empty_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	put("a/f", "x");
	ASSERT_OK(mkdir("b", 0700));
	ASSERT_OK(rename("a", "b"));
	ASSERT_FILE("b/f", "x");
	ASSERT_ERR(access("a", F_OK), ENOENT);
}

TEST(rename_over_nonempty_directory_is_enotempty)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(mkdir("b", 0700));
	put("b/f", "");
	ASSERT_ERR(rename("a", "b"), ENOTEMPTY);
	ASSERT_OK(access("a", F_OK));
}

TEST(rename_file_and_directory_do_not_mix)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(rename("f", "d"), EISDIR);
	ASSERT_ERR(rename("d", "f"), ENOTDIR);
}

TEST(rename_directory_into_itself_is_einval)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(mkdir("d/e", 0700));
	ASSERT_ERR(rename("d", "d/x"), EINVAL);
	ASSERT_ERR(rename("d", "d/e/x"), EINVAL);
	ASSERT_ERR(rename("d", "d/e"), EINVAL);
}

TEST(rename_over_an_ancestor_is_enotempty)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(mkdir("d/e", 0700));
	ASSERT_ERR(rename("d/e", "d"), ENOTEMPTY);
}

TEST(rename_dot_and_dot_dot_are_ebusy)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(rename(".", "x"), EBUSY);
	ASSERT_ERR(rename("d/..", "x"), EBUSY);
	ASSERT_ERR(rename("d", "."), EBUSY);
}

TEST(rename_moves_a_symlink_not_its_target)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(rename("l", "m"));
	ASSERT(S_ISLNK(stat_of("m").st_mode));
	put("g", "g");
	ASSERT_OK(rename("g", "m"));
	ASSERT(S_ISREG(stat_of("m").st_mode));
	ASSERT_OK(access("f", F_OK));
}

TEST(rename_trailing_slash)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(rename("f", "x/"), ENOTDIR);
	ASSERT_ERR(rename("f/", "x"), ENOTDIR);
	ASSERT_OK(rename("d", "e/"));
	ASSERT_OK(rename("e/", "d"));
}

TEST(rename_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(rename("missing", "x"), ENOENT);
	ASSERT_ERR(rename("f", "missing/x"), ENOENT);
	ASSERT_ERR(rename("f", ""), ENOENT);
	ASSERT_ERR(rename("", "x"), ENOENT);
	ASSERT_ERR(rename("f/x", "x"), ENOTDIR);
	ASSERT_ERR(rename("f", bad_ptr), EFAULT);
	ASSERT_ERR(rename(bad_ptr, "x"), EFAULT);
	ASSERT_ERR(rename("f", "/proc/x"), EXDEV);
}

TEST(rename_needs_write_on_both_directories)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	umask(0);
	ASSERT_OK(mkdir("free", 0777));
	ASSERT_OK(mkdir("shut", 0755));
	put("free/f", "");
	put("shut/f", "");
	AS_USER({
		ASSERT_ERR(rename("free/f", "shut/g"), EACCES);
		ASSERT_ERR(rename("shut/f", "free/g"), EACCES);
		ASSERT_OK(rename("free/f", "free/g"));
	});
}

TEST(rename_directory_to_a_new_parent_needs_write_on_it)
{
	/* Its ".." changes. */
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	umask(0);
	ASSERT_OK(mkdir("to", 0777));
	ASSERT_OK(mkdir("d", 0755));
	AS_USER({
		ASSERT_ERR(rename("d", "to/d"), EACCES);
		ASSERT_OK(rename("d", "e"));
	});
}

TEST(rename_directory_fixes_dot_dot_and_link_counts)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(mkdir("b", 0700));
	ASSERT_OK(mkdir("a/d", 0700));
	ASSERT_OK(rename("a/d", "b/d"));
	ASSERT_EQ(stat_of("b/d/..").st_ino, stat_of("b").st_ino);
	ASSERT_EQ(stat_of("a").st_nlink, 2);
	ASSERT_EQ(stat_of("b").st_nlink, 3);
}

TEST(renameat_relative_to_two_fds)
{
	test_tmpdir();
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(mkdir("b", 0700));
	put("a/f", "x");
	int a = open("a", O_RDONLY), b = open("b", O_PATH);
	ASSERT_OK(renameat(a, "f", b, "g"));
	ASSERT_FILE("b/g", "x");
	ASSERT_ERR(renameat(-1, "f", b, "g"), EBADF);
	ASSERT_ERR(renameat(a, "f", -1, "g"), EBADF);
}

TEST(renameat2_noreplace)
{
	test_tmpdir();
	put("a", "a");
	put("b", "b");
	ASSERT_ERR(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	ASSERT_FILE("b", "b");
	ASSERT_OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	ASSERT_FILE("c", "a");
	ASSERT_ERR(renameat2(AT_FDCWD, "c", AT_FDCWD, "c", RENAME_NOREPLACE), EEXIST);
}

TEST(renameat2_exchange_swaps_anything)
{
	test_tmpdir();
	put("f", "f");
	ASSERT_OK(mkdir("d", 0700));
	put("d/x", "x");
	ASSERT_OK(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
	ASSERT_FILE("d", "f");
	ASSERT_FILE("f/x", "x");
}

TEST(renameat2_exchange_errors)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(mkdir("d/e", 0700));
	put("f", "");
	ASSERT_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "gone", RENAME_EXCHANGE), ENOENT);
	ASSERT_ERR(renameat2(AT_FDCWD, "d", AT_FDCWD, "d/e", RENAME_EXCHANGE), EINVAL);
	ASSERT_ERR(renameat2(AT_FDCWD, "d/e", AT_FDCWD, "d", RENAME_EXCHANGE), EINVAL);
}

TEST(renameat2_bad_flags_are_einval)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", 0x100), EINVAL);
	ASSERT_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE | RENAME_EXCHANGE),
		   EINVAL);
	ASSERT_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_WHITEOUT | RENAME_EXCHANGE),
		   EINVAL);
}

TEST(rename_open_file_is_known_by_its_new_name)
{
	test_tmpdir();
	char link[64], got[4096] = "";
	put("a", "");
	int fd = open("a", O_RDONLY);
	ASSERT_OK(rename("a", "b"));
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ASSERT(readlink(link, got, sizeof got - 1) > 0);
	ASSERT_STR(strrchr(got, '/'), "/b");
}

TEST(rename_of_the_cwd_is_seen_by_getcwd)
{
	test_tmpdir();
	char cwd[4096];
	ASSERT_OK(mkdir("a", 0700));
	ASSERT_OK(chdir("a"));
	ASSERT_OK(rename("../a", "../b"));
	ASSERT(getcwd(cwd, sizeof cwd));
	ASSERT_STR(strrchr(cwd, '/'), "/b");
}

TEST_MAIN()
