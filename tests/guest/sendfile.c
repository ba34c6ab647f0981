/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile(2).
 */
#include "fs.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

TEST(sendfile_file_to_file)
{
	test_tmpdir();
	put("a", "hello");
	int in = open("a", O_RDONLY), out = open("b", O_WRONLY | O_CREAT, 0600);
	ASSERT_EQ(sendfile(out, in, NULL, 100), 5);
	ASSERT_EQ(lseek(in, 0, SEEK_CUR), 5);
	ASSERT_FILE("b", "hello");
	ASSERT_EQ(sendfile(out, in, NULL, 100), 0);
}

TEST(sendfile_offset_pointer)
{
	test_tmpdir();
	off_t off = 2;
	put("a", "hello");
	int in = open("a", O_RDONLY), out = open("b", O_WRONLY | O_CREAT, 0600);
	ASSERT_EQ(sendfile(out, in, &off, 2), 2);
	ASSERT_EQ(off, 4);
	ASSERT_EQ(lseek(in, 0, SEEK_CUR), 0);
	ASSERT_FILE("b", "ll");
}

TEST(sendfile_to_pipe_and_socket)
{
	test_tmpdir();
	int p[2], s[2];
	char buf[8] = "";
	off_t off = 0;
	put("a", "hello");
	int in = open("a", O_RDONLY);
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(sendfile(p[1], in, &off, 5), 5);
	ASSERT_EQ(read(p[0], buf, 8), 5);
	off = 0;
	ASSERT_EQ(sendfile(s[0], in, &off, 5), 5);
	ASSERT_EQ(read(s[1], buf, 8), 5);
	ASSERT_STR(buf, "hello");
}

TEST(sendfile_from_pipe_or_socket_is_refused)
{
	test_tmpdir();
	int p[2], s[2];
	put("b", "");
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(write(s[1], "x", 1), 1);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_ERR(sendfile(open("b", O_WRONLY), p[0], NULL, 1), EINVAL);
	ASSERT_ERR(sendfile(open("b", O_WRONLY), s[0], NULL, 1), EINVAL);
}

TEST(sendfile_errors)
{
	test_tmpdir();
	off_t off = -1;
	put("a", "hello");
	put("b", "");
	int in = open("a", O_RDONLY), out = open("b", O_WRONLY);
	ASSERT_ERR(sendfile(-1, in, NULL, 1), EBADF);
	ASSERT_ERR(sendfile(out, -1, NULL, 1), EBADF);
	ASSERT_ERR(sendfile(out, open("a", O_WRONLY), NULL, 1), EBADF);
	ASSERT_ERR(sendfile(open("b", O_RDONLY), in, NULL, 1), EBADF);
	ASSERT_ERR(sendfile(out, in, &off, 1), EINVAL);
	ASSERT_ERR(sendfile(out, in, bad_ptr, 1), EFAULT);
	ASSERT_ERR(sendfile(open("b", O_WRONLY | O_APPEND), in, NULL, 1), EINVAL);
	ASSERT_EQ(sendfile(out, in, NULL, 0), 0);
}

TEST(sendfile_large)
{
	test_tmpdir();
	size_t n = 300000, done = 0;
	char *a = malloc(n), *b = malloc(n);
	for (size_t i = 0; i < n; i++)
		a[i] = (char)(i * 31);
	int in = open("a", O_RDWR | O_CREAT, 0600), out = open("b", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(in, a, n), n);
	ASSERT_EQ(lseek(in, 0, SEEK_SET), 0);
	while (done < n) {
		ssize_t r = sendfile(out, in, NULL, n - done);
		ASSERT(r > 0);
		done += (size_t)r;
	}
	ASSERT_EQ(pread(out, b, n, 0), n);
	ASSERT(!memcmp(a, b, n));
}

TEST_MAIN()
