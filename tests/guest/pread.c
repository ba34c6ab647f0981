/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pread(2) and pwrite(2).
 */
#include "fs.h"

TEST(pread_does_not_move_the_offset)
{
	test_tmpdir();
	char buf[4] = "";
	put("f", "abcdef");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(pread(fd, buf, 3, 2), 3);
	ASSERT_STR(buf, "cde");
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(pread_at_and_beyond_the_end_is_zero)
{
	test_tmpdir();
	char c;
	put("f", "abc");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(pread(fd, &c, 1, 3), 0);
	ASSERT_EQ(pread(fd, &c, 1, 1LL << 40), 0);
}

TEST(pread_negative_offset_is_einval)
{
	test_tmpdir();
	char c;
	put("f", "abc");
	int fd = open("f", O_RDWR);
	ASSERT_ERR(pread(fd, &c, 1, -1), EINVAL);
	ASSERT_ERR(pwrite(fd, &c, 1, -1), EINVAL);
	/* Even before the descriptor is looked at. */
	ASSERT_ERR(pread(-1, &c, 1, -1), EINVAL);
}

TEST(pread_pipe_is_espipe)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_ERR(pread(p[0], &c, 1, 0), ESPIPE);
	ASSERT_ERR(pwrite(p[1], "x", 1, 0), ESPIPE);
}

TEST(pread_offset_plus_count_overflow_is_einval)
{
	test_tmpdir();
	char c[2];
	put("f", "abc");
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(pread(fd, c, 2, INT64_MAX), EINVAL);
}

TEST(pwrite_does_not_move_the_offset)
{
	test_tmpdir();
	put("f", "abcdef");
	int fd = open("f", O_WRONLY);
	ASSERT_EQ(pwrite(fd, "XY", 2, 1), 2);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	ASSERT_FILE("f", "aXYdef");
}

TEST(pwrite_on_append_fd_appends_all_the_same)
{
	/* POSIX says it should not; Linux documents that it does (BUGS in the man page). */
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_WRONLY | O_APPEND);
	ASSERT_EQ(pwrite(fd, "X", 1, 0), 1);
	ASSERT_FILE("f", "abcX");
}

TEST(pwrite_zero_bytes_beyond_the_end_does_not_extend)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_WRONLY);
	ASSERT_EQ(pwrite(fd, "", 0, 100), 0);
	ASSERT_EQ(stat_of("f").st_size, 3);
}

TEST(pread_mode_and_fd_errors)
{
	test_tmpdir();
	char c;
	put("f", "abc");
	ASSERT_ERR(pread(-1, &c, 1, 0), EBADF);
	ASSERT_ERR(pread(open("f", O_WRONLY), &c, 1, 0), EBADF);
	ASSERT_ERR(pwrite(open("f", O_RDONLY), "x", 1, 0), EBADF);
	ASSERT_ERR(pread(open("f", O_RDONLY), bad_ptr, 1, 0), EFAULT);
	ASSERT_ERR(pread(open(".", O_RDONLY), &c, 1, 0), EISDIR);
}

TEST_MAIN()
