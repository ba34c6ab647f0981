/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_file_range(2).
 */
#include "fs.h"

TEST(copy_file_range_moves_both_offsets)
{
	test_tmpdir();
	put("a", "hello");
	int in = open("a", O_RDONLY), out = open("b", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 5);
	ASSERT_EQ(lseek(in, 0, SEEK_CUR), 5);
	ASSERT_EQ(lseek(out, 0, SEEK_CUR), 5);
	ASSERT_FILE("b", "hello");
	ASSERT_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 0);
}

TEST(copy_file_range_offset_pointers)
{
	test_tmpdir();
	off_t a = 1, b = 2;
	put("a", "hello");
	put("b", "......");
	int in = open("a", O_RDONLY), out = open("b", O_RDWR);
	ASSERT_EQ(copy_file_range(in, &a, out, &b, 3, 0), 3);
	ASSERT_EQ(a, 4);
	ASSERT_EQ(b, 5);
	ASSERT_EQ(lseek(in, 0, SEEK_CUR), 0);
	ASSERT_EQ(lseek(out, 0, SEEK_CUR), 0);
	ASSERT_FILE("b", "..ell.");
}

TEST(copy_file_range_within_a_file)
{
	test_tmpdir();
	off_t a = 0, b = 5;
	put("f", "hello");
	int fd = open("f", O_RDWR);
	ASSERT_EQ(copy_file_range(fd, &a, fd, &b, 5, 0), 5);
	ASSERT_FILE("f", "hellohello");
	a = 0, b = 2;
	ASSERT_ERR(copy_file_range(fd, &a, fd, &b, 5, 0), EINVAL);
}

TEST(copy_file_range_errors)
{
	test_tmpdir();
	int p[2];
	put("a", "hello");
	put("b", "");
	ASSERT_OK(pipe(p));
	int in = open("a", O_RDONLY), out = open("b", O_RDWR);
	ASSERT_ERR(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	ASSERT_ERR(copy_file_range(-1, NULL, out, NULL, 1, 0), EBADF);
	ASSERT_ERR(copy_file_range(in, NULL, in, NULL, 1, 0), EBADF);
	ASSERT_ERR(copy_file_range(open("a", O_WRONLY), NULL, out, NULL, 1, 0), EBADF);
	ASSERT_ERR(copy_file_range(in, NULL, open("b", O_WRONLY | O_APPEND), NULL, 1, 0), EBADF);
	ASSERT_ERR(copy_file_range(open(".", O_RDONLY), NULL, out, NULL, 1, 0), EISDIR);
	ASSERT_ERR(copy_file_range(p[0], NULL, out, NULL, 1, 0), EINVAL);
	ASSERT_ERR(copy_file_range(in, bad_ptr, out, NULL, 1, 0), EFAULT);
	ASSERT_EQ(copy_file_range(in, NULL, out, NULL, 0, 0), 0);
}

TEST(copy_file_range_that_wraps)
{
	test_tmpdir();
	put("a", "hello");
	int in = open("a", O_RDONLY), out = open("b", O_RDWR | O_CREAT, 0600);
	off_t one = 1, last = INT64_MAX;
	ASSERT_ERR(copy_file_range(in, &one, out, NULL, SIZE_MAX, 0), EOVERFLOW);
	ASSERT_ERR(copy_file_range(in, NULL, out, &one, SIZE_MAX, 0), EOVERFLOW);
	ASSERT_ERR(copy_file_range(in, NULL, out, &last, 65537, 0), EFBIG);
	ASSERT_EQ(one, 1);
	ASSERT_EQ(copy_file_range(in, NULL, out, NULL, SIZE_MAX, 0), 5);
}

TEST(copy_file_range_beyond_the_end_is_zero)
{
	test_tmpdir();
	off_t a = 100;
	put("a", "hello");
	int in = open("a", O_RDONLY), out = open("b", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(copy_file_range(in, &a, out, NULL, 10, 0), 0);
	ASSERT_EQ(a, 100);
}

TEST(copy_file_range_into_a_gap)
{
	test_tmpdir();
	char buf[8];
	off_t b = 3;
	put("a", "xy");
	int in = open("a", O_RDONLY), out = open("b", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(copy_file_range(in, NULL, out, &b, 2, 0), 2);
	ASSERT_EQ(read(out, buf, 8), 5);
	ASSERT(!memcmp(buf, "\0\0\0xy", 5));
}

TEST_MAIN()
