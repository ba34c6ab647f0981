/* SPDX-License-Identifier: Apache-2.0 */
/* personality: reading, setting, inheriting, and the flags one can see the effect of. */
#include "exec.h"

#include <sys/personality.h>
#include <sys/utsname.h>

#ifndef UNAME26
#define UNAME26 0x0020000
#endif

static int reporter(const char *mode, int argc, char **argv)
{
	(void)mode, (void)argc, (void)argv;
	int local;
	printf("%x %p", (unsigned)personality(0xffffffff), (void *)&local);
	fflush(stdout);
	return 0;
}

TEST(it_can_be_read_without_being_changed)
{
	ASSERT_EQ(personality(0xffffffff), 0);
	ASSERT_EQ(personality(0xffffffff), 0);
}

TEST(setting_returns_the_old_one)
{
	ASSERT_EQ(personality(ADDR_NO_RANDOMIZE), 0);
	ASSERT_EQ(personality(0), ADDR_NO_RANDOMIZE);
	ASSERT_EQ(personality(0xffffffff), 0);
}

TEST(any_value_is_stored)
{
	ASSERT_EQ(personality(0x12345678), 0);
	ASSERT_EQ(personality(0xffffffff), 0x12345678);
}

TEST(the_child_inherits_it)
{
	personality(ADDR_NO_RANDOMIZE);
	JOIN(SPAWN({
		ASSERT_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
		personality(0);
	}));
	ASSERT_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
}

static void no_randomize(void)
{
	personality(ADDR_NO_RANDOMIZE);
}

TEST(exec_keeps_it_and_without_randomization_the_stack_is_where_it_was)
{
	char first[64];
	ASSERT_EQ(run_mode("MODE=x", NULL, no_randomize), 0);
	ASSERT_EQ(strncmp(output, "40000 0x", 8), 0);
	snprintf(first, sizeof first, "%.60s", output);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(run_mode("MODE=x", NULL, no_randomize), 0);
		ASSERT_EQ(strcmp(first, output), 0);
	}
}

TEST(with_randomization_the_stack_moves)
{
	char first[64];
	int moved = 0;
	ASSERT_EQ(run_mode("MODE=x", NULL, NULL), 0);
	snprintf(first, sizeof first, "%.60s", output);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(run_mode("MODE=x", NULL, NULL), 0);
		moved |= strcmp(first, output) != 0;
	}
	ASSERT(moved);
}

TEST(read_implies_exec)
{
	personality(READ_IMPLIES_EXEC);
	char *m = map_anon(PAGE);
	memcpy(m, "\xb8\x2a\x00\x00\x00\xc3", 6);
	int (*fn)(void) = (int (*)(void))(void *)m;
	ASSERT_EQ(fn(), 42);
}

TEST(sticky_timeouts_are_not_written_back)
{
	struct timeval tv = {0, 20000};
	struct timespec ts = {0, 20000000};
	ASSERT_EQ(select(0, NULL, NULL, NULL, &tv), 0);
	ASSERT_EQ(tv.tv_usec, 0);
	personality(STICKY_TIMEOUTS);
	tv.tv_usec = 20000;
	ASSERT_EQ(select(0, NULL, NULL, NULL, &tv), 0);
	ASSERT_EQ(tv.tv_usec, 20000);
	ASSERT_EQ(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8), 0);
	ASSERT_EQ(ts.tv_nsec, 20000000);
	ASSERT_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL), 0);
	ASSERT_EQ(ts.tv_nsec, 20000000);
}

TEST(uname26_shows_an_old_release)
{
	struct utsname u;
	personality(UNAME26);
	ASSERT_OK(uname(&u));
	ASSERT_EQ(strncmp(u.release, "2.6.", 4), 0);
	ASSERT(atoi(u.release + 4) >= 40);
}

EXEC_MAIN()
