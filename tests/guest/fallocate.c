/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fallocate(2).  A file system may refuse a mode with EOPNOTSUPP; then there is nothing to say.
 */
#include "fs.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

static int new_file(const char *text)
{
	put("f", text);
	return open("f", O_RDWR);
}

#define OR_SKIP(call)                                                                              \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			if (errno == EOPNOTSUPP)                                                   \
				SKIP("not supported here");                                        \
			FAIL("%s: errno %d", #call, errno);                                        \
		}                                                                                  \
	} while (0)

TEST(fallocate_grows_with_zeros)
{
	test_tmpdir();
	char buf[16];
	int fd = new_file("ab");
	OR_SKIP(fallocate(fd, 0, 0, 10));
	ASSERT_EQ(stat_of("f").st_size, 10);
	ASSERT_EQ(read(fd, buf, 16), 10);
	ASSERT(!memcmp(buf, "ab\0\0\0\0\0\0\0\0", 10));
}

TEST(fallocate_never_shrinks)
{
	test_tmpdir();
	int fd = new_file("abcdef");
	OR_SKIP(fallocate(fd, 0, 0, 2));
	ASSERT_FILE("f", "abcdef");
}

TEST(fallocate_keep_size)
{
	test_tmpdir();
	int fd = new_file("ab");
	OR_SKIP(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	ASSERT_EQ(stat_of("f").st_size, 2);
	ASSERT(stat_of("f").st_blocks >= 100000 / 512);
}

TEST(fallocate_punch_hole_zeroes_and_keeps_the_size)
{
	test_tmpdir();
	static char buf[12288];
	int fd = new_file("");
	memset(buf, 'x', sizeof buf);
	ASSERT_EQ(write(fd, buf, sizeof buf), 12288);
	OR_SKIP(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4000, 4200));
	ASSERT_EQ(stat_of("f").st_size, 12288);
	ASSERT_EQ(pread(fd, buf, sizeof buf, 0), 12288);
	for (int i = 0; i < 12288; i++)
		ASSERT_EQ(buf[i], i >= 4000 && i < 8200 ? 0 : 'x');
}

TEST(fallocate_punch_hole_frees_blocks)
{
	test_tmpdir();
	static char buf[1 << 20] = {1};
	int fd = new_file("");
	ASSERT_EQ(write(fd, buf, sizeof buf), 1 << 20);
	ASSERT_OK(fsync(fd));
	OR_SKIP(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
	ASSERT(stat_of("f").st_blocks < 2048);
}

/* What was never there must not become memory only to be made zero. */
TEST(fallocate_punch_hole_in_a_hole_allocates_nothing)
{
	const off_t size = 256l << 20;
	int fd = memfd_create("sparse", 0);
	ASSERT(fd >= 0);
	ASSERT_OK(ftruncate(fd, size));
	/* A mapping, so that no kernel can keep it anywhere but in shared pages. */
	char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	p[4096] = 'x';
	OR_SKIP(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size));
	ASSERT_EQ(p[4096], 0);
	struct stat st;
	ASSERT_OK(fstat(fd, &st));
	ASSERT(st.st_size == size && st.st_blocks < 64 * 1024);
}

TEST(fallocate_punch_hole_needs_keep_size)
{
	test_tmpdir();
	int fd = new_file("abc");
	/* EINVAL since the modes became exclusive (6.12), EOPNOTSUPP before. */
	int r = fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1);
	ASSERT(r == -1 && (errno == EOPNOTSUPP || errno == EINVAL));
}

TEST(fallocate_zero_range)
{
	test_tmpdir();
	char buf[8];
	int fd = new_file("abcdef");
	OR_SKIP(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1, 3));
	ASSERT_EQ(read(fd, buf, 8), 6);
	ASSERT(!memcmp(buf, "a\0\0\0ef", 6));
}

TEST(fallocate_bad_ranges_are_einval)
{
	test_tmpdir();
	int fd = new_file("abc");
	ASSERT_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	ASSERT_ERR(fallocate(fd, 0, -1, 1), EINVAL);
	ASSERT_ERR(fallocate(fd, 0, 0, -1), EINVAL);
}

TEST(fallocate_sum_too_big_is_efbig)
{
	test_tmpdir();
	int fd = new_file("abc");
	ASSERT_ERR(fallocate(fd, 0, INT64_MAX, 1), EFBIG);
}

TEST(fallocate_unknown_mode_is_eopnotsupp)
{
	test_tmpdir();
	int fd = new_file("abc");
	ASSERT_ERR(fallocate(fd, 0x40000000, 0, 1), EOPNOTSUPP);
}

TEST(fallocate_wrong_kinds_of_fd)
{
	test_tmpdir();
	int p[2];
	put("f", "");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(fallocate(-1, 0, 0, 1), EBADF);
	ASSERT_ERR(fallocate(open("f", O_RDONLY), 0, 0, 1), EBADF);
	ASSERT_ERR(fallocate(p[1], 0, 0, 1), ESPIPE);
	ASSERT_ERR(fallocate(open("/dev/null", O_RDWR), 0, 0, 1), ENODEV);
	ASSERT_ERR(fallocate(open(".", O_RDONLY), 0, 0, 1), EBADF);
}

TEST(fallocate_does_not_move_the_offset)
{
	test_tmpdir();
	int fd = new_file("abc");
	OR_SKIP(fallocate(fd, 0, 0, 4096));
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(fallocate_over_rlimit_is_efbig)
{
	test_tmpdir();
	struct rlimit rl = {10, RLIM_INFINITY};
	int fd = new_file("abc");
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &rl));
	signal(SIGXFSZ, SIG_IGN);
	int r = fallocate(fd, 0, 0, 11);
	ASSERT(r == -1 && (errno == EFBIG || errno == EOPNOTSUPP));
}

TEST_MAIN()
