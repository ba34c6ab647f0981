/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access, faccessat, faccessat2: the real ids ask, unless AT_EACCESS.
 */
#include "fs.h"

static int faccess2(int dir, const char *path, int mode, int flags)
{
	return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

TEST(access_existence)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(access("f", F_OK));
	ASSERT_ERR(access("g", F_OK), ENOENT);
	ASSERT_ERR(access("", F_OK), ENOENT);
	ASSERT_ERR(access("f/x", F_OK), ENOTDIR);
	ASSERT_ERR(access("f/", F_OK), ENOTDIR);
}

TEST(access_follows_symlinks)
{
	test_tmpdir();
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(access("l", F_OK), ENOENT);
	ASSERT_OK(faccess2(AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
}

TEST(access_root_may_execute_only_with_an_x_bit)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chmod("f", 0));
	ASSERT_OK(access("f", R_OK | W_OK));
	ASSERT_ERR(access("f", X_OK), EACCES);
	ASSERT_OK(chmod("f", 0001));
	ASSERT_OK(access("f", X_OK));
	ASSERT_OK(mkdir("d", 0));
	ASSERT_OK(access("d", X_OK));
}

TEST(access_user_matrix)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	for (int m = 0; m < 8; m++) {
		ASSERT_OK(chmod("f", 0770 | (unsigned)m));
		AS_USER({
			for (int want = 0; want < 8; want++) {
				int r = access("f", want);
				ASSERT((m & want) == want ? r == 0 : r == -1 && errno == EACCES);
			}
		});
	}
}

TEST(access_bad_mode_and_flags_are_einval)
{
	test_tmpdir();
	ASSERT_ERR(access(".", 8), EINVAL);
	ASSERT_ERR(access(".", -1), EINVAL);
	ASSERT_ERR(access("missing", 8), EINVAL);
	ASSERT_ERR(faccess2(AT_FDCWD, ".", F_OK, 0x40000000), EINVAL);
}

TEST(access_asks_for_the_real_uid)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chmod("f", 0600));
	JOIN(SPAWN({
		ASSERT_OK(setresuid(1000, 0, 0));
		ASSERT_OK(open("f", O_RDONLY));
		ASSERT_ERR(access("f", R_OK), EACCES);
		ASSERT_OK(faccess2(AT_FDCWD, "f", R_OK, AT_EACCESS));
	}));
	JOIN(SPAWN({
		ASSERT_OK(setresuid(0, 1000, 0));
		ASSERT_ERR(open("f", O_RDONLY), EACCES);
		ASSERT_OK(access("f", R_OK));
		ASSERT_ERR(faccess2(AT_FDCWD, "f", R_OK, AT_EACCESS), EACCES);
	}));
}

TEST(access_needs_search_on_the_way)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0644));
	put("d/f", "");
	AS_USER({ ASSERT_ERR(access("d/f", F_OK), EACCES); });
}

TEST(faccessat2_empty_path)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_PATH);
	ASSERT_OK(faccess2(fd, "", F_OK, AT_EMPTY_PATH));
	ASSERT_ERR(faccess2(fd, "", F_OK, 0), ENOENT);
	ASSERT_ERR(faccess2(-1, "", F_OK, AT_EMPTY_PATH), EBADF);
}

TEST(faccessat_relative_to_a_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	int d = open("d", O_RDONLY);
	ASSERT_OK(syscall(SYS_faccessat, d, "f", R_OK));
	ASSERT_ERR(syscall(SYS_faccessat, -1, "f", R_OK), EBADF);
	ASSERT_ERR(syscall(SYS_faccessat, AT_FDCWD, bad_ptr, R_OK), EFAULT);
}

TEST(access_supplementary_group_counts)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chown("f", 0, 2000));
	ASSERT_OK(chmod("f", 0640));
	JOIN(SPAWN({
		gid_t g = 2000;
		ASSERT_OK(setgroups(1, &g));
		ASSERT_OK(setresgid(1000, 1000, 1000));
		ASSERT_OK(setresuid(1000, 1000, 1000));
		ASSERT_OK(access("f", R_OK));
		ASSERT_ERR(access("f", W_OK), EACCES);
	}));
}

TEST_MAIN()
