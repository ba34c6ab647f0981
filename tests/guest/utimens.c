/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utimensat and its elders, and which operation touches which time.
 */
#include "fs.h"

#include <sys/time.h>
#include <utime.h>

static void age(const char *path)
{
	struct timespec old[2] = {{1, 0}, {2, 0}};
	ASSERT_OK(utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW));
}

#define IS_OLD(field, path) (stat_of(path).field.tv_sec < 1000)

TEST(utimensat_sets_both_times)
{
	test_tmpdir();
	struct timespec ts[2] = {{1000000, 123}, {2000000, 456}};
	put("f", "");
	ASSERT_OK(utimensat(AT_FDCWD, "f", ts, 0));
	struct stat st = stat_of("f");
	ASSERT_EQ(st.st_atim.tv_sec, 1000000);
	ASSERT_EQ(st.st_atim.tv_nsec, 123);
	ASSERT_EQ(st.st_mtim.tv_sec, 2000000);
	ASSERT_EQ(st.st_mtim.tv_nsec, 456);
	ASSERT(st.st_ctim.tv_sec > 3000000);
}

TEST(utimensat_null_is_now)
{
	test_tmpdir();
	put("f", "");
	age("f");
	ASSERT_OK(utimensat(AT_FDCWD, "f", NULL, 0));
	ASSERT(!IS_OLD(st_atim, "f") && !IS_OLD(st_mtim, "f"));
}

TEST(utimensat_now_and_omit)
{
	test_tmpdir();
	struct timespec ts[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	put("f", "");
	age("f");
	ASSERT_OK(utimensat(AT_FDCWD, "f", ts, 0));
	ASSERT(IS_OLD(st_atim, "f") && !IS_OLD(st_mtim, "f"));
}

TEST(utimensat_both_omit_does_not_even_look)
{
	struct timespec ts[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	ASSERT_OK(utimensat(AT_FDCWD, "/missing/file", ts, 0));
}

TEST(utimensat_bad_nsec_is_einval)
{
	test_tmpdir();
	put("f", "");
	struct timespec a[2] = {{0, 1000000000}, {0, 0}};
	struct timespec b[2] = {{0, 0}, {0, -1}};
	ASSERT_ERR(utimensat(AT_FDCWD, "f", a, 0), EINVAL);
	ASSERT_ERR(utimensat(AT_FDCWD, "f", b, 0), EINVAL);
}

TEST(utimensat_nofollow_and_flags)
{
	test_tmpdir();
	struct timespec ts[2] = {{7, 0}, {7, 0}};
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW));
	ASSERT_EQ(stat_of("l").st_mtim.tv_sec, 7);
	ASSERT(!IS_OLD(st_mtim, "f"));
	ASSERT_ERR(utimensat(AT_FDCWD, "f", ts, 0x40000000), EINVAL);
	ASSERT_OK(utimensat(open("f", O_PATH), "", ts, AT_EMPTY_PATH));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 7);
}

TEST(futimens_by_fd)
{
	test_tmpdir();
	struct timespec ts[2] = {{7, 0}, {8, 0}};
	put("f", "");
	ASSERT_OK(futimens(open("f", O_RDONLY), ts));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 8);
	ASSERT_ERR(futimens(open("f", O_PATH), ts), EBADF);
	ASSERT_ERR(syscall(SYS_utimensat, -1, NULL, ts, 0), EBADF);
}

TEST(utimensat_explicit_times_are_for_the_owner)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("w", "");
	put("r", "");
	ASSERT_OK(chmod("w", 0666));
	AS_USER({
		struct timespec ts[2] = {{7, 0}, {8, 0}};
		struct timespec half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
		/* Who may write may set "now", and only that. */
		ASSERT_OK(utimensat(AT_FDCWD, "w", NULL, 0));
		ASSERT_ERR(utimensat(AT_FDCWD, "w", ts, 0), EPERM);
		ASSERT_ERR(utimensat(AT_FDCWD, "w", half, 0), EPERM);
		ASSERT_ERR(utimensat(AT_FDCWD, "r", NULL, 0), EACCES);
	});
}

TEST(utime_and_utimes)
{
	test_tmpdir();
	struct utimbuf u = {5, 6};
	struct timeval tv[2] = {{7, 1}, {8, 2}}, bad[2] = {{7, 1000000}, {8, 2}};
	put("f", "");
	ASSERT_OK(syscall(SYS_utime, "f", &u));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 6);
	ASSERT_OK(syscall(SYS_utimes, "f", tv));
	ASSERT_EQ(stat_of("f").st_mtim.tv_nsec, 2000);
	ASSERT_ERR(syscall(SYS_utimes, "f", bad), EINVAL);
	ASSERT_OK(syscall(SYS_futimesat, AT_FDCWD, "f", tv));
	ASSERT_OK(syscall(SYS_utime, "f", NULL));
	ASSERT(!IS_OLD(st_mtim, "f"));
}

TEST(utimensat_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(utimensat(AT_FDCWD, "gone", NULL, 0), ENOENT);
	ASSERT_ERR(utimensat(AT_FDCWD, "", NULL, 0), ENOENT);
	ASSERT_ERR(utimensat(AT_FDCWD, "f", bad_ptr, 0), EFAULT);
	ASSERT_ERR(syscall(SYS_utimensat, AT_FDCWD, bad_ptr, NULL, 0), EFAULT);
	ASSERT_ERR(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
}

TEST(times_before_1970_survive)
{
	test_tmpdir();
	struct timespec ts[2] = {{-5, 0}, {-100, 7}};
	put("f", "");
	ASSERT_OK(utimensat(AT_FDCWD, "f", ts, 0));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, -100);
	ASSERT_EQ(stat_of("f").st_mtim.tv_nsec, 7);
}

TEST(creating_and_removing_touches_the_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	age("d");
	put("d/f", "");
	ASSERT(!IS_OLD(st_mtim, "d"));
	age("d");
	ASSERT_OK(unlink("d/f"));
	ASSERT(!IS_OLD(st_mtim, "d"));
	age("d");
	ASSERT_OK(mkdir("d/e", 0700));
	ASSERT(!IS_OLD(st_mtim, "d"));
	age("d");
	ASSERT_OK(rename("d/e", "d/g"));
	ASSERT(!IS_OLD(st_mtim, "d"));
}

TEST(writing_a_file_does_not_touch_the_directory)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	age("d");
	put("d/f", "x");
	ASSERT(IS_OLD(st_mtim, "d"));
}

TEST(open_trunc_of_an_empty_file_touches_mtime)
{
	test_tmpdir();
	put("f", "");
	age("f");
	ASSERT_OK(open("f", O_WRONLY | O_TRUNC));
	ASSERT(!IS_OLD(st_mtim, "f"));
}

TEST(reading_with_relatime_updates_an_atime_older_than_mtime)
{
	test_tmpdir();
	char c;
	put("f", "x");
	age("f");
	ASSERT_EQ(read(open("f", O_RDONLY), &c, 1), 1);
	/* Not under noatime; never mtime. */
	ASSERT(IS_OLD(st_mtim, "f"));
}

TEST(reading_a_device_leaves_atime)
{
	char c;
	struct stat before = stat_of("/dev/zero");
	const struct timespec back[2] = {before.st_atim, before.st_mtim};
	const struct timespec old[2] = {{1, 0}, {2, 0}};
	int fd = open("/dev/zero", O_RDONLY);
	if (utimensat(AT_FDCWD, "/dev/zero", old, 0) < 0)
		SKIP("/dev/zero is somebody else's");
	ssize_t n = read(fd, &c, 1);
	int is_old = IS_OLD(st_atim, "/dev/zero");
	ASSERT_OK(utimensat(AT_FDCWD, "/dev/zero", back, 0));
	ASSERT_EQ(n, 1);
	ASSERT(is_old);
}

static int before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

TEST(of_two_files_the_one_written_later_is_not_older)
{
	test_tmpdir();
	int a = open("a", O_WRONLY | O_CREAT, 0600), b = open("b", O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(write(a, "x", 1), 1);
		struct stat first = stat_of("a");
		ASSERT_EQ(write(b, "x", 1), 1);
		ASSERT(!before(stat_of("b").st_mtim, first.st_mtim));
		ASSERT(!before(stat_of("b").st_ctim, first.st_ctim));
	}
}

TEST(ctime_never_goes_back)
{
	test_tmpdir();
	put("f", "");
	struct stat a = stat_of("f");
	age("f");
	struct stat b = stat_of("f");
	ASSERT(b.st_ctim.tv_sec > a.st_ctim.tv_sec ||
	       (b.st_ctim.tv_sec == a.st_ctim.tv_sec && b.st_ctim.tv_nsec >= a.st_ctim.tv_nsec));
}

TEST_MAIN()
