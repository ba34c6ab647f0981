/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chown and friends.
 */
#include "fs.h"

TEST(chown_root_sets_both)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chown("f", 1000, 2000));
	ASSERT_EQ(stat_of("f").st_uid, 1000);
	ASSERT_EQ(stat_of("f").st_gid, 2000);
}

TEST(chown_minus_one_keeps)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chown("f", 5, 6));
	ASSERT_OK(chown("f", (uid_t)-1, 7));
	ASSERT_EQ(stat_of("f").st_uid, 5);
	ASSERT_EQ(stat_of("f").st_gid, 7);
	ASSERT_OK(chown("f", 8, (gid_t)-1));
	ASSERT_EQ(stat_of("f").st_uid, 8);
	ASSERT_EQ(stat_of("f").st_gid, 7);
	ASSERT_OK(chown("f", (uid_t)-1, (gid_t)-1));
}

TEST(chown_clears_setuid_and_setgid_even_for_root)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chmod("f", 06755));
	ASSERT_OK(chown("f", 1, 1));
	ASSERT_EQ(mode_of("f"), 0755);
}

TEST(chown_keeps_setgid_without_group_execute)
{
	/* That combination once meant mandatory locking. */
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chmod("f", 06745));
	ASSERT_OK(chown("f", 1, 1));
	ASSERT_EQ(mode_of("f"), 02745);
}

TEST(chown_directory_keeps_its_bits)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(chmod("d", 07755));
	ASSERT_OK(chown("d", 1, 1));
	ASSERT_EQ(mode_of("d"), 07755);
}

TEST(chown_user_may_not_give_away)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chown("f", 1000, 1000));
	AS_USER({
		ASSERT_ERR(chown("f", 0, (gid_t)-1), EPERM);
		ASSERT_ERR(chown("f", (uid_t)-1, 2000), EPERM);
		ASSERT_OK(chown("f", 1000, 1000));
		ASSERT_OK(chown("f", (uid_t)-1, (gid_t)-1));
	});
}

TEST(chown_user_may_choose_among_his_groups)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chown("f", 1000, 1000));
	JOIN(SPAWN({
		gid_t g = 2000;
		ASSERT_OK(setgroups(1, &g));
		ASSERT_OK(setresgid(1000, 1000, 1000));
		ASSERT_OK(setresuid(1000, 1000, 1000));
		ASSERT_OK(chown("f", (uid_t)-1, 2000));
	}));
	ASSERT_EQ(stat_of("f").st_gid, 2000);
}

TEST(chown_not_owner_is_eperm)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	AS_USER({ ASSERT_ERR(chown("f", 1000, 1000), EPERM); });
}

TEST(lchown_changes_the_link)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(lchown("l", 5, 5));
	ASSERT_EQ(stat_of("l").st_uid, 5);
	ASSERT_EQ(stat_of("f").st_uid, 0);
	ASSERT_OK(chown("l", 6, 6));
	ASSERT_EQ(stat_of("f").st_uid, 6);
	ASSERT_EQ(stat_of("l").st_uid, 5);
}

TEST(fchownat_flags)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	int fd = open("f", O_PATH);
	ASSERT_OK(fchownat(fd, "", 3, 3, AT_EMPTY_PATH));
	ASSERT_EQ(stat_of("f").st_uid, 3);
	ASSERT_ERR(fchownat(fd, "", 3, 3, 0), ENOENT);
	ASSERT_OK(fchownat(AT_FDCWD, "l", 4, 4, AT_SYMLINK_NOFOLLOW));
	ASSERT_EQ(stat_of("l").st_uid, 4);
	ASSERT_ERR(fchownat(AT_FDCWD, "f", 3, 3, 0x40000000), EINVAL);
	ASSERT_ERR(fchown(fd, 3, 3), EBADF);
}

TEST(chown_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(chown("gone", 1, 1), ENOENT);
	ASSERT_ERR(chown("f/x", 1, 1), ENOTDIR);
	ASSERT_ERR(chown(bad_ptr, 1, 1), EFAULT);
	ASSERT_ERR(fchown(-1, 1, 1), EBADF);
}

TEST(fchown_by_fd)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(fchown(open("f", O_RDONLY), 9, 9));
	ASSERT_EQ(stat_of("f").st_gid, 9);
}

TEST_MAIN()
