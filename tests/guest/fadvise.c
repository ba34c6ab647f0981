/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_fadvise and readahead: advice, with argument checks.
 */
#include "fs.h"

static int advise(int fd, off_t off, off_t len, int advice)
{
	return (int)syscall(SYS_fadvise64, fd, off, len, advice);
}

TEST(fadvise_every_advice_is_accepted)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	for (int a = POSIX_FADV_NORMAL; a <= POSIX_FADV_NOREUSE; a++)
		ASSERT_OK(advise(fd, 0, 0, a));
	ASSERT_ERR(advise(fd, 0, 0, 99), EINVAL);
}

TEST(fadvise_ranges)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(advise(fd, 1LL << 40, 100, POSIX_FADV_WILLNEED));
	ASSERT_OK(advise(fd, -1, 100, POSIX_FADV_WILLNEED));
	ASSERT_ERR(advise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
}

TEST(fadvise_dontneed_loses_no_data)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(fd, "hello", 5), 5);
	ASSERT_OK(advise(fd, 0, 0, POSIX_FADV_DONTNEED));
	ASSERT_FILE("f", "hello");
}

TEST(fadvise_on_a_pipe_is_espipe)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_ERR(advise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	ASSERT_ERR(advise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
}

TEST(readahead_arguments)
{
	test_tmpdir();
	int p[2];
	put("f", "hello");
	ASSERT_OK(pipe(p));
	ASSERT_OK(readahead(open("f", O_RDONLY), 0, 4096));
	ASSERT_ERR(readahead(open("f", O_WRONLY), 0, 4096), EBADF);
	ASSERT_ERR(readahead(p[0], 0, 4096), EINVAL);
	ASSERT_ERR(readahead(-1, 0, 4096), EBADF);
}

TEST_MAIN()
