/* SPDX-License-Identifier: Apache-2.0 */
/* times: ticks of work, of children, and since some point in the past. */
#include "task.h"

#include <sys/times.h>

static void burn_ticks(clock_t n)
{
	struct tms t;
	times(&t);
	clock_t until = t.tms_utime + t.tms_stime + n;
	do
		times(&t);
	while (t.tms_utime + t.tms_stime < until);
}

TEST(the_result_advances_with_time)
{
	clock_t a = times(NULL);
	nap(100);
	ASSERT(times(NULL) - a >= 9);
	ASSERT_EQ(sysconf(_SC_CLK_TCK), 100);
}

TEST(work_is_counted)
{
	struct tms a, b;
	times(&a);
	burn_ticks(5);
	times(&b);
	ASSERT(b.tms_utime + b.tms_stime - a.tms_utime - a.tms_stime >= 5);
}

TEST(children_are_counted_after_the_wait)
{
	struct tms t;
	siginfo_t si;
	pid_t p = SPAWN({ burn_ticks(6); });
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	times(&t);
	ASSERT_EQ(t.tms_cutime + t.tms_cstime, 0);
	JOIN(p);
	times(&t);
	ASSERT(t.tms_cutime + t.tms_cstime >= 5);
}

TEST(a_bad_pointer_is_efault)
{
	ASSERT_ERR(syscall(SYS_times, 1), EFAULT);
}

TEST_MAIN()
