/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice, tee, vmsplice.
 */
#include "fs.h"

#include <sys/socket.h>
#include <sys/uio.h>

TEST(splice_file_to_pipe)
{
	test_tmpdir();
	int p[2];
	char buf[8] = "";
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(splice(fd, NULL, p[1], NULL, 3, 0), 3);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 3);
	ASSERT_EQ(read(p[0], buf, 8), 3);
	ASSERT_STR(buf, "hel");
}

TEST(splice_offset_pointer_moves_instead)
{
	test_tmpdir();
	int p[2];
	char buf[8] = "";
	off_t off = 1;
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(splice(fd, &off, p[1], NULL, 2, 0), 2);
	ASSERT_EQ(off, 3);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	ASSERT_EQ(read(p[0], buf, 8), 2);
	ASSERT_STR(buf, "el");
}

TEST(splice_pipe_to_file)
{
	test_tmpdir();
	int p[2];
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "hello", 5), 5);
	ASSERT_EQ(splice(p[0], NULL, fd, NULL, 100, 0), 5);
	ASSERT_FILE("f", "hello");
	off_t off = 10;
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(splice(p[0], NULL, fd, &off, 100, 0), 1);
	ASSERT_EQ(off, 11);
	ASSERT_EQ(stat_of("f").st_size, 11);
}

TEST(splice_at_end_of_file_is_zero)
{
	test_tmpdir();
	int p[2];
	put("f", "");
	ASSERT_OK(pipe(p));
	ASSERT_EQ(splice(open("f", O_RDONLY), NULL, p[1], NULL, 10, 0), 0);
	ASSERT_OK(close(p[1]));
	ASSERT_EQ(splice(p[0], NULL, open("f", O_WRONLY), NULL, 10, 0), 0);
}

TEST(splice_pipe_to_pipe)
{
	int a[2], b[2];
	char buf[8] = "";
	ASSERT_OK(pipe(a));
	ASSERT_OK(pipe(b));
	ASSERT_EQ(write(a[1], "hello", 5), 5);
	ASSERT_EQ(splice(a[0], NULL, b[1], NULL, 2, 0), 2);
	ASSERT_EQ(read(b[0], buf, 8), 2);
	ASSERT_STR(buf, "he");
	ASSERT_EQ(read(a[0], buf, 8), 3);
}

TEST(splice_needs_a_pipe)
{
	test_tmpdir();
	put("a", "x");
	put("b", "");
	ASSERT_ERR(splice(open("a", O_RDONLY), NULL, open("b", O_WRONLY), NULL, 1, 0), EINVAL);
}

TEST(splice_to_itself_is_einval)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
}

TEST(splice_offset_on_a_pipe_is_espipe)
{
	test_tmpdir();
	int p[2];
	off_t off = 0;
	put("f", "hello");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(splice(open("f", O_RDONLY), NULL, p[1], &off, 1, 0), ESPIPE);
	ASSERT_ERR(splice(p[0], &off, open("f", O_WRONLY), NULL, 1, 0), ESPIPE);
}

TEST(splice_errors)
{
	test_tmpdir();
	int p[2];
	put("f", "hello");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(splice(-1, NULL, p[1], NULL, 1, 0), EBADF);
	ASSERT_ERR(splice(open("f", O_WRONLY), NULL, p[1], NULL, 1, 0), EBADF);
	ASSERT_ERR(splice(open("f", O_RDONLY), NULL, p[0], NULL, 1, 0), EBADF);
	ASSERT_ERR(splice(open("f", O_RDONLY), NULL, p[1], NULL, 1, 0x100), EINVAL);
	ASSERT_ERR(splice(open("f", O_RDONLY), bad_ptr, p[1], NULL, 1, 0), EFAULT);
	ASSERT_EQ(splice(-1, NULL, -1, NULL, 0, 0), 0);
}

TEST(splice_to_an_append_file_is_einval)
{
	test_tmpdir();
	int p[2];
	put("f", "hello");
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_ERR(splice(p[0], NULL, open("f", O_WRONLY | O_APPEND), NULL, 1, 0), EINVAL);
}

TEST(splice_nonblock_flag)
{
	test_tmpdir();
	int p[2];
	put("f", "hello");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(splice(p[0], NULL, open("f", O_WRONLY), NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

TEST(splice_socket_both_ways)
{
	int p[2], s[2];
	char buf[8] = "";
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(write(p[1], "abc", 3), 3);
	ASSERT_EQ(splice(p[0], NULL, s[0], NULL, 3, 0), 3);
	ASSERT_EQ(splice(s[1], NULL, p[1], NULL, 3, 0), 3);
	ASSERT_EQ(read(p[0], buf, 8), 3);
	ASSERT_STR(buf, "abc");
}

TEST(tee_copies_without_consuming)
{
	int a[2], b[2];
	char buf[8] = "";
	ASSERT_OK(pipe(a));
	ASSERT_OK(pipe(b));
	ASSERT_EQ(write(a[1], "hello", 5), 5);
	ASSERT_EQ(tee(a[0], b[1], 3, 0), 3);
	ASSERT_EQ(read(b[0], buf, 8), 3);
	ASSERT_STR(buf, "hel");
	ASSERT_EQ(read(a[0], buf, 8), 5);
	ASSERT_STR(buf, "hello");
}

TEST(tee_errors)
{
	test_tmpdir();
	int a[2], b[2];
	put("f", "x");
	ASSERT_OK(pipe(a));
	ASSERT_OK(pipe(b));
	ASSERT_ERR(tee(a[0], a[1], 1, 0), EINVAL);
	ASSERT_ERR(tee(open("f", O_RDONLY), b[1], 1, 0), EINVAL);
	ASSERT_ERR(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	ASSERT_EQ(tee(a[0], b[1], 0, 0), 0);
	ASSERT_OK(close(a[1]));
	ASSERT_EQ(tee(a[0], b[1], 1, 0), 0);
}

TEST(vmsplice_memory_to_pipe_and_back)
{
	int p[2];
	char buf[8] = "";
	struct iovec v[] = {{"ab", 2}, {"cde", 3}}, back = {buf, 8};
	ASSERT_OK(pipe(p));
	ASSERT_EQ(vmsplice(p[1], v, 2, 0), 5);
	ASSERT_EQ(vmsplice(p[0], &back, 1, 0), 5);
	ASSERT_STR(buf, "abcde");
}

TEST(vmsplice_errors)
{
	test_tmpdir();
	int p[2];
	struct iovec v = {"ab", 2}, bad = {bad_ptr, 2};
	put("f", "");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(vmsplice(-1, &v, 1, 0), EBADF);
	ASSERT_ERR(vmsplice(open("f", O_WRONLY), &v, 1, 0), EBADF);
	ASSERT_ERR(vmsplice(p[1], &bad, 1, 0), EFAULT);
	ASSERT_ERR(vmsplice(p[1], &v, 1, 0x100), EINVAL);
	ASSERT_EQ(vmsplice(p[1], &v, 0, 0), 0);
}

TEST_MAIN()
