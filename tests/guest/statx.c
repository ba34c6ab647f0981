/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statx(2).
 */
#include "fs.h"

#include <linux/stat.h>
#include <sys/sysmacros.h>

TEST(statx_basic_stats_agree_with_stat)
{
	test_tmpdir();
	struct statx x;
	put("f", "hello");
	struct stat st = stat_of("f");
	ASSERT_OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
	ASSERT_EQ(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	ASSERT_EQ(x.stx_mode, st.st_mode);
	ASSERT_EQ(x.stx_nlink, st.st_nlink);
	ASSERT_EQ(x.stx_uid, st.st_uid);
	ASSERT_EQ(x.stx_gid, st.st_gid);
	ASSERT_EQ(x.stx_ino, st.st_ino);
	ASSERT_EQ(x.stx_size, 5);
	ASSERT_EQ(x.stx_blocks, st.st_blocks);
	ASSERT_EQ(x.stx_blksize, st.st_blksize);
	ASSERT_EQ(x.stx_dev_major, major(st.st_dev));
	ASSERT_EQ(x.stx_dev_minor, minor(st.st_dev));
	ASSERT_EQ(x.stx_mtime.tv_sec, st.st_mtim.tv_sec);
	ASSERT_EQ(x.stx_ctime.tv_nsec, st.st_ctim.tv_nsec);
}

TEST(statx_mask_zero_succeeds)
{
	test_tmpdir();
	struct statx x;
	ASSERT_OK(statx(AT_FDCWD, ".", 0, 0, &x));
}

TEST(statx_reserved_mask_bit_is_einval)
{
	struct statx x;
	ASSERT_ERR(statx(AT_FDCWD, "/", 0, STATX__RESERVED, &x), EINVAL);
}

TEST(statx_unknown_mask_bits_are_ignored)
{
	struct statx x;
	ASSERT_OK(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS | 0x40000000, &x));
	ASSERT_EQ(x.stx_mask & 0x40000000, 0);
}

TEST(statx_unknown_flag_is_einval)
{
	struct statx x;
	ASSERT_ERR(statx(AT_FDCWD, "/", 0x40000000, STATX_BASIC_STATS, &x), EINVAL);
}

TEST(statx_both_sync_flags_are_einval)
{
	struct statx x;
	ASSERT_ERR(statx(AT_FDCWD, "/", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x), EINVAL);
	ASSERT_OK(statx(AT_FDCWD, "/", AT_STATX_FORCE_SYNC, 0, &x));
	ASSERT_OK(statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, 0, &x));
}

TEST(statx_empty_path_and_nofollow)
{
	test_tmpdir();
	struct statx x;
	put("f", "hello");
	ASSERT_OK(symlink("f", "l"));
	int fd = open("f", O_RDONLY);
	ASSERT_OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	ASSERT_EQ(x.stx_size, 5);
	ASSERT_ERR(statx(fd, "", 0, STATX_SIZE, &x), ENOENT);
	ASSERT_OK(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
	ASSERT_EQ(x.stx_mode & S_IFMT, S_IFLNK);
}

TEST(statx_mount_id_is_that_of_mountinfo)
{
	struct statx x;
	char want[32];
	ASSERT_OK(statx(AT_FDCWD, "/proc", 0, STATX_MNT_ID, &x));
	if (!(x.stx_mask & STATX_MNT_ID))
		SKIP("no mount ids");
	snprintf(want, sizeof want, "\n%llu ", (unsigned long long)x.stx_mnt_id);
	const char *table = get("/proc/self/mountinfo");
	ASSERT(strstr(table, want) || !strncmp(table, want + 1, strlen(want + 1)));
}

TEST(statx_mount_root_attribute)
{
	test_tmpdir();
	struct statx x;
	ASSERT_OK(statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &x));
	ASSERT(x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
	ASSERT(x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	ASSERT_OK(statx(AT_FDCWD, ".", 0, STATX_BASIC_STATS, &x));
	ASSERT_EQ(x.stx_attributes & STATX_ATTR_MOUNT_ROOT, 0);
}

TEST(statx_device_numbers_of_dev_null)
{
	struct statx x;
	ASSERT_OK(statx(AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &x));
	ASSERT_EQ(x.stx_rdev_major, 1);
	ASSERT_EQ(x.stx_rdev_minor, 3);
}

TEST(statx_bad_pointers)
{
	struct statx x;
	ASSERT_ERR(statx(AT_FDCWD, bad_ptr, 0, 0, &x), EFAULT);
	ASSERT_ERR(syscall(SYS_statx, AT_FDCWD, "/", 0, 0, bad_ptr), EFAULT);
	ASSERT_ERR(statx(-1, "x", 0, 0, &x), EBADF);
}

TEST_MAIN()
