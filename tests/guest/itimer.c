/* SPDX-License-Identifier: Apache-2.0 */
/* setitimer, getitimer and alarm.  The runner's own time limit is an alarm, so tests replace it. */
#include "task.h"

#include <sys/time.h>

static struct itimerval every(long us)
{
	return (struct itimerval){.it_interval = {us / 1000000, us % 1000000},
				  .it_value = {us / 1000000, us % 1000000}};
}

static struct itimerval once(long us)
{
	return (struct itimerval){.it_value = {us / 1000000, us % 1000000}};
}

static void burn_until(int count)
{
	while (signal_count < count)
		;
}

TEST(alarm_returns_what_was_left)
{
	alarm(0);
	ASSERT_EQ(alarm(100), 0);
	unsigned left = alarm(200);
	ASSERT(left >= 90 && left <= 100);
	left = alarm(0);
	ASSERT(left >= 190 && left <= 200);
	ASSERT_EQ(alarm(0), 0);
}

TEST(alarm_kills_by_default)
{
	int64_t before = now_ns();
	pid_t p = SPAWN({
		alarm(1);
		for (;;)
			pause();
	});
	ASSERT_EQ(wait_status(p), SIGALRM);
	ASSERT(now_ns() - before >= 990000000);
}

TEST(alarm_and_itimer_real_are_one_timer)
{
	struct itimerval it;
	alarm(100);
	ASSERT_OK(getitimer(ITIMER_REAL, &it));
	ASSERT(it.it_value.tv_sec >= 90 && it.it_interval.tv_sec == 0);
	it = every(500000000);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	unsigned left = alarm(0);
	ASSERT(left >= 490 && left <= 500);
}

/* The kernel wins: the remainder is rounded to the nearest second, but never to zero. */
TEST(alarm_never_says_zero_for_a_running_timer)
{
	struct itimerval it = once(900000);
	on_signal(SIGALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	unsigned left = alarm(0);
	ASSERT(left == 1 || signal_count == 1);
}

TEST(real_repeats)
{
	struct itimerval it = every(5000);
	on_signal(SIGALRM, count_signal, 0);
	int64_t before = now_ns();
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	while (signal_count < 5)
		pause();
	ASSERT(now_ns() - before >= 24000000);
}

TEST(a_single_shot_is_single)
{
	struct itimerval it = once(5000);
	on_signal(SIGALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	while (!signal_count)
		nap(1);
	nap(50);
	ASSERT_EQ(signal_count, 1);
	ASSERT_OK(getitimer(ITIMER_REAL, &it));
	ASSERT(it.it_value.tv_sec == 0 && it.it_value.tv_usec == 0);
}

TEST(zero_disarms)
{
	struct itimerval it = once(50000), off = {{0, 0}, {0, 0}}, old;
	on_signal(SIGALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	ASSERT_OK(setitimer(ITIMER_REAL, &off, &old));
	nap(100);
	ASSERT(signal_count == 0 || old.it_value.tv_usec == 0);
}

TEST(the_old_value_is_returned)
{
	struct itimerval a = every(300000000), b = every(200000000), old;
	ASSERT_OK(setitimer(ITIMER_REAL, &a, NULL));
	ASSERT_OK(setitimer(ITIMER_REAL, &b, &old));
	ASSERT_EQ(old.it_interval.tv_sec, 300);
	ASSERT(old.it_value.tv_sec >= 290 && old.it_value.tv_sec <= 300);
}

TEST(virtual_counts_user_time)
{
	struct itimerval it = every(10000);
	on_signal(SIGVTALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	burn_until(3);
	/* Counted in sampled clock ticks, hence far from exact. */
	ASSERT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 1000000);
}

TEST(prof_counts_all_time)
{
	struct itimerval it = every(10000);
	on_signal(SIGPROF, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_PROF, &it, NULL));
	while (signal_count < 3)
		getppid();
	/* Counted in sampled clock ticks, hence far from exact. */
	ASSERT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 1000000);
}

TEST(cpu_timers_do_not_run_in_sleep)
{
	struct itimerval it = once(200000);
	on_signal(SIGPROF, count_signal, 0);
	on_signal(SIGVTALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_PROF, &it, NULL));
	ASSERT_OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	nap(400);
	ASSERT_EQ(signal_count, 0);
}

TEST(the_three_are_independent)
{
	struct itimerval a = once(100000000), b = once(200000000), c = once(300000000), it;
	ASSERT_OK(setitimer(ITIMER_REAL, &a, NULL));
	ASSERT_OK(setitimer(ITIMER_VIRTUAL, &b, NULL));
	ASSERT_OK(setitimer(ITIMER_PROF, &c, NULL));
	ASSERT_OK(getitimer(ITIMER_REAL, &it));
	ASSERT(it.it_value.tv_sec >= 90 && it.it_value.tv_sec <= 100);
	ASSERT_OK(getitimer(ITIMER_VIRTUAL, &it));
	ASSERT(it.it_value.tv_sec >= 190 && it.it_value.tv_sec <= 200);
	ASSERT_OK(getitimer(ITIMER_PROF, &it));
	ASSERT(it.it_value.tv_sec >= 290 && it.it_value.tv_sec <= 300);
}

TEST(errors)
{
	struct itimerval it = once(100000000), bad = {.it_value = {0, 1000000}};
	ASSERT_ERR(setitimer(3, &it, NULL), EINVAL);
	ASSERT_ERR(getitimer(-1, &it), EINVAL);
	ASSERT_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	bad.it_value.tv_usec = -1;
	ASSERT_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	bad.it_value = (struct timeval){-1, 0};
	ASSERT_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	bad = (struct itimerval){.it_interval = {0, 1000000}, .it_value = {1, 0}};
	ASSERT_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_setitimer, ITIMER_REAL, 1, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_getitimer, ITIMER_REAL, 1), EFAULT);
}

TEST(itimers_are_not_inherited)
{
	struct itimerval it = every(100000000);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	ASSERT_OK(setitimer(ITIMER_PROF, &it, NULL));
	JOIN(SPAWN({
		ASSERT_OK(getitimer(ITIMER_REAL, &it));
		ASSERT(it.it_value.tv_sec == 0 && it.it_interval.tv_sec == 0);
		ASSERT_OK(getitimer(ITIMER_PROF, &it));
		ASSERT(it.it_value.tv_sec == 0 && it.it_interval.tv_sec == 0);
	}));
}

TEST_MAIN()
