/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read(2).
 */
#include "fs.h"

TEST(read_gets_what_is_there_then_end_of_file)
{
	test_tmpdir();
	char buf[16] = "";
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(read(fd, buf, 2), 2);
	ASSERT_EQ(read(fd, buf + 2, 14), 3);
	ASSERT_STR(buf, "hello");
	ASSERT_EQ(read(fd, buf, 16), 0);
}

TEST(read_zero_bytes_is_zero)
{
	test_tmpdir();
	put("f", "x");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(read(fd, NULL, 0), 0);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(read_bad_fd_is_ebadf)
{
	char c;
	ASSERT_ERR(read(-1, &c, 1), EBADF);
	ASSERT_ERR(read(12345, &c, 1), EBADF);
	ASSERT_ERR(read(-1, bad_ptr, 1), EBADF);
}

TEST(read_write_only_fd_is_ebadf)
{
	test_tmpdir();
	char c;
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	ASSERT_ERR(read(fd, &c, 1), EBADF);
	ASSERT_ERR(read(fd, &c, 0), EBADF);
}

TEST(read_directory_is_eisdir)
{
	char c;
	int fd = open("/tmp", O_RDONLY);
	ASSERT_ERR(read(fd, &c, 1), EISDIR);
}

TEST(read_bad_buffer_is_efault_and_does_not_move)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(read(fd, bad_ptr, 5), EFAULT);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(read_bad_buffer_at_end_of_file_is_zero)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(read(fd, bad_ptr, 5), 0);
}

TEST(read_into_a_buffer_that_ends_early_is_short)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	char *p = page_edge() - 3;
	ASSERT_EQ(read(fd, p, 5), 3);
	ASSERT(!memcmp(p, "hel", 3));
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

TEST(read_into_read_only_memory_is_efault)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_ERR(read(fd, p, 5), EFAULT);
}

TEST(read_beyond_end_is_zero)
{
	test_tmpdir();
	char c;
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(lseek(fd, 100, SEEK_SET), 100);
	ASSERT_EQ(read(fd, &c, 1), 0);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 100);
}

TEST(read_hole_is_zeros)
{
	test_tmpdir();
	char buf[64];
	memset(buf, 7, sizeof buf);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(ftruncate(fd, 100000));
	ASSERT_EQ(pread(fd, buf, sizeof buf, 50000), 64);
	for (int i = 0; i < 64; i++)
		ASSERT_EQ(buf[i], 0);
}

TEST(read_huge_count_is_clamped)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	/* Low enough that address plus count is still a user address. */
	void *p = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(p == (void *)0x10000000);
	ASSERT_EQ(syscall(SYS_read, fd, p, 1L << 40), 5);
}

TEST(read_count_that_wraps_the_address_space_is_efault)
{
	test_tmpdir();
	char buf[16];
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(syscall(SYS_read, fd, buf, -1L), EFAULT);
	ASSERT_ERR(syscall(SYS_read, fd, buf, 1L << 46), EFAULT);
	ASSERT_ERR(syscall(SYS_read, fd, -4096L, 4096L), EFAULT);
}

TEST(read_shares_the_offset_after_dup_and_fork)
{
	test_tmpdir();
	char c;
	put("f", "abc");
	int fd = open("f", O_RDONLY), two = dup(fd);
	ASSERT_EQ(read(two, &c, 1), 1);
	pid_t p = SPAWN({ ASSERT_EQ(read(fd, &c, 1), 1); });
	JOIN(p);
	ASSERT_EQ(read(fd, &c, 1), 1);
	ASSERT_EQ(c, 'c');
}

TEST(read_sees_what_another_fd_wrote)
{
	test_tmpdir();
	char buf[4] = "";
	int w = open("f", O_WRONLY | O_CREAT, 0600), r = open("f", O_RDONLY);
	ASSERT_EQ(read(r, buf, 3), 0);
	ASSERT_EQ(write(w, "abc", 3), 3);
	ASSERT_EQ(read(r, buf, 3), 3);
}

TEST(read_a_megabyte_at_once)
{
	test_tmpdir();
	size_t n = 1 << 20;
	unsigned char *a = malloc(n), *b = malloc(n);
	for (size_t i = 0; i < n; i++)
		a[i] = (unsigned char)(i * 7 + i / 4096);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(fd, a, n), n);
	ASSERT_EQ(pread(fd, b, n, 0), n);
	ASSERT(!memcmp(a, b, n));
}

TEST_MAIN()
