/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom and /dev/urandom. */
#include "task.h"

#include <sys/random.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

TEST(it_fills_the_buffer)
{
	unsigned char b[1024] = {0};
	int zeroes = 0;
	ASSERT_EQ(getrandom(b, sizeof b, 0), sizeof b);
	for (size_t i = 0; i < sizeof b; i++)
		zeroes += b[i] == 0;
	ASSERT(zeroes < 64);
}

TEST(two_answers_differ)
{
	unsigned char a[32], b[32];
	ASSERT_EQ(getrandom(a, 32, 0), 32);
	ASSERT_EQ(getrandom(b, 32, 0), 32);
	ASSERT(memcmp(a, b, 32) != 0);
}

TEST(parent_and_child_differ)
{
	unsigned char mine[32], *theirs = (unsigned char *)map_shared(PAGE);
	JOIN(SPAWN({ ASSERT_EQ(getrandom(theirs, 32, 0), 32); }));
	ASSERT_EQ(getrandom(mine, 32, 0), 32);
	ASSERT(memcmp(mine, theirs, 32) != 0);
}

TEST(it_writes_no_more_than_asked)
{
	unsigned char b[16];
	memset(b, 0x55, sizeof b);
	ASSERT_EQ(getrandom(b, 5, 0), 5);
	for (int i = 5; i < 16; i++)
		ASSERT_EQ(b[i], 0x55);
	ASSERT_EQ(getrandom(b, 0, 0), 0);
}

TEST(flags)
{
	unsigned char b[16];
	ASSERT_EQ(getrandom(b, 16, GRND_NONBLOCK), 16);
	ASSERT_EQ(getrandom(b, 16, GRND_RANDOM | GRND_NONBLOCK), 16);
	ASSERT_EQ(getrandom(b, 16, GRND_INSECURE), 16);
	ASSERT_ERR(getrandom(b, 16, GRND_RANDOM | GRND_INSECURE), EINVAL);
	ASSERT_ERR(getrandom(b, 16, 8), EINVAL);
}

TEST(a_megabyte_at_once)
{
	size_t len = 1 << 20;
	unsigned char *b = (unsigned char *)map_anon(len);
	ASSERT_EQ(getrandom(b, len, 0), len);
	for (size_t at = 0; at < len; at += PAGE) {
		uint64_t any = 0;
		for (size_t i = 0; i < 64; i++)
			any |= b[at + i];
		ASSERT(any != 0);
	}
}

TEST(bad_memory)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_ERR(syscall(SYS_getrandom, 1, 16, 0), EFAULT);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	/* What fits is reported, the fault only when nothing fits. */
	ASSERT_EQ(getrandom(m + PAGE - 100, 200, 0), 100);
	ASSERT_ERR(getrandom(m + PAGE, 1, 0), EFAULT);
}

TEST(the_devices_do_the_same)
{
	unsigned char a[64] = {0}, b[64] = {0};
	int fd = open("/dev/urandom", O_RDONLY);
	ASSERT_EQ(read(fd, a, sizeof a), sizeof a);
	ASSERT_EQ(read(fd, b, sizeof b), sizeof b);
	ASSERT(memcmp(a, b, sizeof a) != 0);
}

TEST_MAIN()
