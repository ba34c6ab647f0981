/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_range(2).
 */
#include "fs.h"

#include <linux/close_range.h>

static long crange(unsigned first, unsigned last, unsigned flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(close_range_closes_both_ends)
{
	for (int i = 50; i < 60; i++)
		ASSERT_EQ(dup2(0, i), i);
	ASSERT_EQ(crange(52, 55, 0), 0);
	for (int i = 50; i < 60; i++)
		ASSERT_EQ(is_open(i), i < 52 || i > 55);
}

TEST(close_range_of_nothing_is_fine)
{
	ASSERT_EQ(crange(500, 600, 0), 0);
	ASSERT_EQ(crange(500, ~0U, 0), 0);
}

TEST(close_range_to_the_end)
{
	ASSERT_EQ(dup2(0, 50), 50);
	ASSERT_EQ(dup2(0, 900), 900);
	ASSERT_EQ(crange(50, ~0U, 0), 0);
	ASSERT(!is_open(50) && !is_open(900) && is_open(0));
}

TEST(close_range_first_above_last_is_einval)
{
	ASSERT_ERR(crange(5, 4, 0), EINVAL);
}

TEST(close_range_unknown_flags_are_einval)
{
	ASSERT_ERR(crange(50, 60, 0x100), EINVAL);
}

TEST(close_range_cloexec_only_marks)
{
	ASSERT_EQ(dup2(0, 50), 50);
	ASSERT_EQ(dup2(0, 51), 51);
	ASSERT_EQ(crange(50, 60, CLOSE_RANGE_CLOEXEC), 0);
	ASSERT_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(0, F_GETFD), 0);
}

static void *unshare_and_close(void *arg)
{
	ASSERT_EQ(crange(50, 60, CLOSE_RANGE_UNSHARE), 0);
	ASSERT(!is_open(50));
	return arg;
}

TEST(close_range_unshare_leaves_other_threads_alone)
{
	pthread_t t;
	ASSERT_EQ(dup2(0, 50), 50);
	ASSERT_EQ(pthread_create(&t, NULL, unshare_and_close, NULL), 0);
	pthread_join(t, NULL);
	ASSERT(is_open(50));
}

TEST(close_range_ends_a_pipe)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_EQ(crange((unsigned)p[1], (unsigned)p[1], 0), 0);
	ASSERT_EQ(read(p[0], &c, 1), 0);
}

TEST_MAIN()
