/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chmod, fchmod, fchmodat, fchmodat2.
 */
#include "fs.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

TEST(chmod_sets_all_twelve_bits)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(chmod("f", 07777));
	ASSERT_EQ(mode_of("f"), 07777);
	ASSERT_OK(chmod("f", 0));
	ASSERT_EQ(mode_of("f"), 0);
	/* Higher bits do not count. */
	ASSERT_OK(chmod("f", S_IFDIR | 0644));
	ASSERT_EQ(stat_of("f").st_mode, S_IFREG | 0644);
}

TEST(chmod_ignores_umask)
{
	test_tmpdir();
	put("f", "");
	umask(0777);
	ASSERT_OK(chmod("f", 0666));
	ASSERT_EQ(mode_of("f"), 0666);
}

TEST(chmod_follows_symlinks)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(chmod("l", 0600));
	ASSERT_EQ(mode_of("f"), 0600);
	ASSERT_EQ(mode_of("l"), 0777);
}

TEST(chmod_is_for_the_owner)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("root", "");
	put("mine", "");
	ASSERT_OK(chmod("root", 0777));
	ASSERT_OK(chown("mine", 1000, 1000));
	AS_USER({
		ASSERT_ERR(chmod("root", 0600), EPERM);
		ASSERT_OK(chmod("mine", 0));
		ASSERT_OK(chmod("mine", 0600));
	});
}

TEST(chmod_drops_setgid_of_a_foreign_group)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chown("f", 1000, 2000));
	AS_USER({ ASSERT_OK(chmod("f", 02755)); });
	ASSERT_EQ(mode_of("f"), 0755);
	ASSERT_OK(chown("f", 1000, 1000));
	AS_USER({ ASSERT_OK(chmod("f", 02755)); });
	ASSERT_EQ(mode_of("f"), 02755);
}

TEST(chmod_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(chmod("gone", 0600), ENOENT);
	ASSERT_ERR(chmod("", 0600), ENOENT);
	ASSERT_ERR(chmod("f/x", 0600), ENOTDIR);
	ASSERT_ERR(chmod(bad_ptr, 0600), EFAULT);
	ASSERT_ERR(fchmod(-1, 0600), EBADF);
	ASSERT_ERR(fchmodat(-1, "f", 0600, 0), EBADF);
}

TEST(fchmod_works_read_only_and_on_directories)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(fchmod(open("f", O_RDONLY), 0611));
	ASSERT_EQ(mode_of("f"), 0611);
	ASSERT_OK(fchmod(open(".", O_RDONLY), 0711));
	ASSERT_EQ(mode_of("."), 0711);
}

TEST(chmod_does_not_revoke_open_fds)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	AS_USER({
		int fd = open("f", O_RDWR | O_CREAT, 0600);
		ASSERT_OK(chmod("f", 0));
		ASSERT_EQ(write(fd, "x", 1), 1);
		ASSERT_ERR(open("f", O_RDONLY), EACCES);
	});
}

TEST(chmod_updates_ctime_only)
{
	test_tmpdir();
	struct timespec old[2] = {{1, 0}, {1, 0}};
	put("f", "");
	ASSERT_OK(utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_OK(chmod("f", 0600));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 1);
	ASSERT(stat_of("f").st_ctim.tv_sec > 1000);
}

TEST(fchmodat2_empty_path_and_nofollow)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	int fd = open("f", O_PATH);
	if (syscall(SYS_fchmodat2, fd, "", 0640, AT_EMPTY_PATH) < 0 && errno == ENOSYS)
		SKIP("no fchmodat2");
	ASSERT_EQ(mode_of("f"), 0640);
	ASSERT_ERR(syscall(SYS_fchmodat2, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
	ASSERT_ERR(syscall(SYS_fchmodat2, AT_FDCWD, "f", 0600, 0x40000000), EINVAL);
}

TEST(fchmodat_relative)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	ASSERT_OK(fchmodat(open("d", O_PATH), "f", 0604, 0));
	ASSERT_EQ(mode_of("d/f"), 0604);
}

TEST_MAIN()
