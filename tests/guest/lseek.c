/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lseek(2).
 */
#include "fs.h"

#include <sys/socket.h>

TEST(lseek_set_cur_end)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(lseek(fd, 3, SEEK_SET), 3);
	ASSERT_EQ(lseek(fd, 1, SEEK_CUR), 4);
	ASSERT_EQ(lseek(fd, -2, SEEK_CUR), 2);
	ASSERT_EQ(lseek(fd, -1, SEEK_END), 4);
	ASSERT_EQ(lseek(fd, 10, SEEK_END), 15);
}

TEST(lseek_before_the_start_is_einval_and_stays)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(lseek(fd, 2, SEEK_SET), 2);
	ASSERT_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	ASSERT_ERR(lseek(fd, -3, SEEK_CUR), EINVAL);
	ASSERT_ERR(lseek(fd, -6, SEEK_END), EINVAL);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 2);
}

TEST(lseek_bad_whence_is_einval)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(lseek(fd, 0, 5), EINVAL);
	ASSERT_ERR(lseek(fd, 0, -1), EINVAL);
}

TEST(lseek_pipe_and_socket_are_espipe)
{
	int p[2], s[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_ERR(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	ASSERT_ERR(lseek(s[0], 0, SEEK_SET), ESPIPE);
	/* The whence is judged first. */
	ASSERT_ERR(lseek(p[0], 0, 99), EINVAL);
}

TEST(lseek_bad_fd_is_ebadf)
{
	ASSERT_ERR(lseek(-1, 0, SEEK_SET), EBADF);
	ASSERT_ERR(lseek(12345, 0, 99), EBADF);
}

TEST(lseek_far_beyond_the_end_does_not_grow_the_file)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDWR);
	ASSERT_EQ(lseek(fd, 1LL << 33, SEEK_SET), 1LL << 33);
	ASSERT_EQ(stat_of("f").st_size, 5);
}

TEST(lseek_sum_that_overflows_is_an_error)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(lseek(fd, 5, SEEK_SET), 5);
	ASSERT(lseek(fd, INT64_MAX, SEEK_CUR) == -1 && (errno == EINVAL || errno == EOVERFLOW));
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 5);
}

TEST(lseek_data_and_hole_on_a_full_file)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(lseek(fd, 0, SEEK_DATA), 0);
	ASSERT_EQ(lseek(fd, 3, SEEK_DATA), 3);
	ASSERT_EQ(lseek(fd, 0, SEEK_HOLE), 5);
	ASSERT_ERR(lseek(fd, 5, SEEK_DATA), ENXIO);
	ASSERT_ERR(lseek(fd, 5, SEEK_HOLE), ENXIO);
	ASSERT_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
	ASSERT_ERR(lseek(fd, -1, SEEK_HOLE), ENXIO);
}

TEST(lseek_data_finds_what_follows_a_hole)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(pwrite(fd, "x", 1, 1 << 20), 1);
	off_t data = lseek(fd, 0, SEEK_DATA);
	/* A file system may say that all is data; it may not skip any. */
	ASSERT(data >= 0 && data <= 1 << 20);
	ASSERT_EQ(lseek(fd, 1 << 20, SEEK_DATA), 1 << 20);
	ASSERT_EQ(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
}

TEST(lseek_data_in_an_all_hole_file)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(ftruncate(fd, 1 << 20));
	ASSERT_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	ASSERT_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
}

TEST(lseek_data_on_a_directory_is_no_crash)
{
	int fd = open("/proc/self", O_RDONLY);
	off_t r = lseek(fd, 0, SEEK_DATA);
	ASSERT(r >= 0 || errno == EINVAL || errno == ENXIO);
}

TEST_MAIN()
