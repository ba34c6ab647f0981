/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readv, writev, preadv, pwritev and their version 2 flags.
 */
#include "fs.h"

#include <limits.h>
#include <sys/uio.h>

TEST(readv_fills_the_buffers_in_order)
{
	test_tmpdir();
	char a[3] = "", b[8] = "";
	put("f", "hello");
	struct iovec v[] = {{a, 2}, {NULL, 0}, {b, 8}};
	ASSERT_EQ(readv(open("f", O_RDONLY), v, 3), 5);
	ASSERT_STR(a, "he");
	ASSERT_STR(b, "llo");
}

TEST(writev_gathers_in_order)
{
	test_tmpdir();
	struct iovec v[] = {{"he", 2}, {NULL, 0}, {"llo", 3}};
	ASSERT_EQ(writev(open("f", O_WRONLY | O_CREAT, 0600), v, 3), 5);
	ASSERT_FILE("f", "hello");
}

TEST(readv_zero_iovecs_is_zero)
{
	test_tmpdir();
	put("f", "x");
	int fd = open("f", O_RDWR);
	ASSERT_EQ(readv(fd, NULL, 0), 0);
	ASSERT_EQ(writev(fd, NULL, 0), 0);
	ASSERT_EQ(stat_of("f").st_size, 1);
}

TEST(readv_iov_max_is_1024)
{
	test_tmpdir();
	static struct iovec v[1025];
	static char buf[1025];
	put("f", "x");
	int fd = open("f", O_RDWR);
	for (int i = 0; i < 1025; i++)
		v[i] = (struct iovec){buf + i, 1};
	ASSERT_EQ(writev(fd, v, 1024), 1024);
	ASSERT_ERR(syscall(SYS_writev, fd, v, 1025L), EINVAL);
	ASSERT_ERR(syscall(SYS_readv, fd, v, 1025L), EINVAL);
	ASSERT_ERR(syscall(SYS_readv, fd, v, -1L), EINVAL);
}

TEST(readv_negative_length_is_einval)
{
	test_tmpdir();
	char c;
	put("f", "x");
	int fd = open("f", O_RDWR);
	struct iovec v[] = {{&c, 1}, {&c, (size_t)-1}};
	ASSERT_ERR(readv(fd, v, 2), EINVAL);
	ASSERT_ERR(writev(fd, v, 2), EINVAL);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(readv_sum_beyond_max_rw_count_is_clamped)
{
	/* POSIX allows EINVAL for a sum over SSIZE_MAX; Linux cuts the list at 2 GiB - 4096. */
	test_tmpdir();
	size_t half = 0x60000000;
	char *p = mmap(NULL, half, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(p != MAP_FAILED);
	struct iovec v[] = {{p, half}, {p, half}};
	put("f", "hello");
	ASSERT_EQ(readv(open("f", O_RDONLY), v, 2), 5);
}

TEST(readv_bad_iovec_array_is_efault)
{
	test_tmpdir();
	put("f", "x");
	int fd = open("f", O_RDWR);
	ASSERT_ERR(readv(fd, bad_ptr, 1), EFAULT);
	ASSERT_ERR(writev(fd, bad_ptr, 1), EFAULT);
}

TEST(readv_second_buffer_bad_is_short)
{
	test_tmpdir();
	char a[3] = "";
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	struct iovec v[] = {{a, 2}, {bad_ptr, 3}};
	ASSERT_EQ(readv(fd, v, 2), 2);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 2);
	ASSERT_ERR(readv(fd, v + 1, 1), EFAULT);
}

TEST(writev_second_buffer_bad_is_short)
{
	test_tmpdir();
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	struct iovec v[] = {{"ab", 2}, {bad_ptr, 3}};
	ssize_t n = writev(fd, v, 2);
	ASSERT_EQ(n, 2);
	ASSERT_FILE("f", "ab");
}

TEST(writev_first_buffer_bad_is_efault)
{
	test_tmpdir();
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	struct iovec v[] = {{bad_ptr, 3}, {"ab", 2}};
	ASSERT_ERR(writev(fd, v, 2), EFAULT);
	ASSERT_EQ(stat_of("f").st_size, 0);
}

TEST(readv_bad_fd_wins_over_bad_iovec)
{
	ASSERT_ERR(readv(-1, bad_ptr, 1), EBADF);
	ASSERT_ERR(syscall(SYS_readv, -1L, bad_ptr, -1L), EBADF);
}

TEST(preadv_leaves_the_offset)
{
	test_tmpdir();
	char a[3] = "";
	put("f", "hello");
	int fd = open("f", O_RDWR);
	struct iovec v = {a, 2};
	ASSERT_EQ(preadv(fd, &v, 1, 3), 2);
	ASSERT_STR(a, "lo");
	ASSERT_EQ(pwritev(fd, &v, 1, 0), 2);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	ASSERT_FILE("f", "lollo");
	ASSERT_ERR(preadv(fd, &v, 1, -1), EINVAL);
}

TEST(preadv_pipe_is_espipe)
{
	int p[2];
	char c;
	struct iovec v = {&c, 1};
	ASSERT_OK(pipe(p));
	ASSERT_ERR(preadv(p[0], &v, 1, 0), ESPIPE);
	ASSERT_ERR(pwritev(p[1], &v, 1, 0), ESPIPE);
}

TEST(preadv2_offset_minus_one_is_the_current_offset)
{
	test_tmpdir();
	char a[3] = "";
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	struct iovec v = {a, 2};
	ASSERT_EQ(preadv2(fd, &v, 1, -1, 0), 2);
	ASSERT_EQ(preadv2(fd, &v, 1, -1, 0), 2);
	ASSERT_STR(a, "ll");
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 4);
	ASSERT_ERR(preadv2(fd, &v, 1, -2, 0), EINVAL);
}

TEST(preadv2_unknown_flag_is_eopnotsupp)
{
	test_tmpdir();
	char c;
	put("f", "hello");
	int fd = open("f", O_RDWR);
	struct iovec v = {&c, 1};
	ASSERT_ERR(preadv2(fd, &v, 1, 0, 0x40000000), EOPNOTSUPP);
	ASSERT_ERR(pwritev2(fd, &v, 1, 0, 0x40000000), EOPNOTSUPP);
}

TEST(preadv2_hipri_on_a_buffered_file_is_ignored)
{
	test_tmpdir();
	char c;
	put("f", "hello");
	struct iovec v = {&c, 1};
	ASSERT_EQ(preadv2(open("f", O_RDONLY), &v, 1, 0, RWF_HIPRI), 1);
}

TEST(preadv2_nowait_reads_what_is_cached_or_says_eagain)
{
	test_tmpdir();
	char c;
	put("f", "hello");
	struct iovec v = {&c, 1};
	ssize_t r = preadv2(open("f", O_RDONLY), &v, 1, 0, RWF_NOWAIT);
	ASSERT(r == 1 || (r == -1 && (errno == EAGAIN || errno == EOPNOTSUPP)));
}

TEST(preadv2_nowait_on_an_empty_pipe_is_eagain)
{
	int p[2];
	char c;
	struct iovec v = {&c, 1};
	ASSERT_OK(pipe(p));
	ASSERT_ERR(preadv2(p[0], &v, 1, -1, RWF_NOWAIT), EAGAIN);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(preadv2(p[0], &v, 1, -1, RWF_NOWAIT), 1);
}

TEST(pwritev2_append_goes_to_the_end)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_RDWR);
	struct iovec v = {"X", 1};
	ASSERT_EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 1);
	ASSERT_FILE("f", "abcX");
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(pwritev2_dsync_and_sync_write)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct iovec v = {"ab", 2};
	ASSERT_EQ(pwritev2(fd, &v, 1, 0, RWF_DSYNC), 2);
	ASSERT_EQ(pwritev2(fd, &v, 1, 2, RWF_SYNC), 2);
	ASSERT_FILE("f", "abab");
}

TEST(writev_to_a_pipe_of_less_than_pipe_buf_is_one_piece)
{
	int p[2];
	char buf[8] = "";
	struct iovec v[] = {{"ab", 2}, {"cd", 2}, {"ef", 2}};
	ASSERT_OK(pipe(p));
	ASSERT_EQ(writev(p[1], v, 3), 6);
	ASSERT_EQ(read(p[0], buf, 8), 6);
	ASSERT_STR(buf, "abcdef");
}

TEST_MAIN()
