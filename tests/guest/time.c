/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks and sleeping. */
#include "task.h"

#include <pthread.h>
#include <sys/time.h>
#include <sys/times.h>

static const clockid_t clocks[] = {
	CLOCK_REALTIME,		 CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,	 CLOCK_BOOTTIME,      CLOCK_TAI,
};
#define NCLOCKS (sizeof clocks / sizeof *clocks)

/* Past the vDSO: what the call itself says. */
static int64_t raw_ns(clockid_t clock)
{
	struct timespec ts;
	ASSERT_OK(syscall(SYS_clock_gettime, clock, &ts));
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

TEST(every_clock_answers)
{
	struct timespec ts;
	for (size_t i = 0; i < NCLOCKS; i++) {
		ASSERT_OK(clock_gettime(clocks[i], &ts));
		ASSERT(ts.tv_sec >= 0 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
		ASSERT_OK(clock_getres(clocks[i], &ts));
		ASSERT(ts.tv_sec == 0 && ts.tv_nsec > 0);
		ASSERT_OK(clock_getres(clocks[i], NULL));
	}
}

TEST(the_call_and_the_vdso_agree)
{
	for (size_t i = 0; i < 2; i++)
		for (int n = 0; n < 100; n++) {
			int64_t a = clock_ns(clocks[i]), b = raw_ns(clocks[i]),
				c = clock_ns(clocks[i]);
			ASSERT(a <= b && b <= c);
		}
}

TEST(high_resolution_clocks_have_a_nanosecond)
{
	struct timespec ts;
	ASSERT_OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &ts));
	ASSERT_EQ(ts.tv_nsec, 1);
	ASSERT_OK(syscall(SYS_clock_getres, CLOCK_REALTIME, &ts));
	ASSERT_EQ(ts.tv_nsec, 1);
}

TEST(unknown_clocks_are_einval)
{
	struct timespec ts;
	ASSERT_ERR(syscall(SYS_clock_gettime, 10, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_gettime, 77, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_gettime, -1, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_getres, 77, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 1), EFAULT);
	ASSERT_ERR(syscall(SYS_clock_getres, CLOCK_MONOTONIC, 1), EFAULT);
}

TEST(the_monotonic_clock_does_not_go_back)
{
	int64_t last = now_ns();
	for (int i = 0; i < 100000; i++) {
		int64_t now = now_ns();
		ASSERT(now >= last);
		last = now;
	}
}

static void *check_monotonic(void *arg)
{
	volatile int64_t *shared = arg;
	for (int i = 0; i < 20000; i++) {
		int64_t seen = __atomic_load_n(shared, __ATOMIC_SEQ_CST);
		int64_t now = now_ns();
		ASSERT(now >= seen);
		__atomic_store_n(shared, now, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST(it_does_not_go_back_between_threads_either)
{
	int64_t shared = 0;
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, check_monotonic, &shared), 0);
	check_monotonic(&shared);
	pthread_join(t, NULL);
}

TEST(boottime_is_not_before_monotonic)
{
	int64_t m = clock_ns(CLOCK_MONOTONIC);
	ASSERT(clock_ns(CLOCK_BOOTTIME) >= m);
}

TEST(coarse_clocks_are_behind_by_little)
{
	int64_t coarse = clock_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns();
	ASSERT(coarse <= fine);
	ASSERT(fine - coarse < 5000000000);
}

TEST(time_and_gettimeofday_are_the_real_time)
{
	struct timeval tv;
	struct timezone tz = {1, 1};
	int64_t before = clock_ns(CLOCK_REALTIME) / 1000;
	ASSERT_OK(gettimeofday(&tv, NULL));
	int64_t us = (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
	ASSERT(us >= before && us <= clock_ns(CLOCK_REALTIME) / 1000);
	ASSERT_OK(syscall(SYS_gettimeofday, NULL, &tz));
	ASSERT_EQ(tz.tz_minuteswest, 0);
	ASSERT(tv.tv_sec > 1600000000);
}

TEST(time_stores_and_returns)
{
	time_t t = 0;
	long r = syscall(SYS_time, &t);
	ASSERT_EQ(r, t);
	ASSERT(t >= clock_ns(CLOCK_REALTIME_COARSE) / 1000000000 - 5);
	ASSERT_ERR(syscall(SYS_time, 1), EFAULT);
}

TEST(process_time_advances_with_work_and_not_with_sleep)
{
	int64_t a = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < a + 20000000)
		;
	int64_t b = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	nap(300);
	ASSERT(clock_ns(CLOCK_THREAD_CPUTIME_ID) - b < 250000000);
}

static void *burn_20ms(void *arg)
{
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < 20000000)
		;
	*(int64_t *)arg = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

TEST(process_time_includes_dead_threads)
{
	pthread_t t;
	int64_t theirs = 0, before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	ASSERT_EQ(pthread_create(&t, NULL, burn_20ms, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000000);
	ASSERT(clock_ns(CLOCK_THREAD_CPUTIME_ID) < clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

TEST(another_processes_cpu_clock_can_be_read)
{
	clockid_t id;
	struct timespec ts;
	pid_t p = SPAWN({
		for (;;)
			;
	});
	ASSERT_EQ(clock_getcpuclockid(p, &id), 0);
	do
		ASSERT_OK(clock_gettime(id, &ts));
	while (ts.tv_sec == 0 && ts.tv_nsec < 10000000);
	kill_and_reap(p);
	ASSERT_ERR(clock_gettime(id, &ts), EINVAL);
}

TEST(nanosleep_sleeps_at_least_that_long)
{
	struct timespec ts = {0, 30000000};
	for (int i = 0; i < 5; i++) {
		int64_t before = now_ns();
		ASSERT_OK(nanosleep(&ts, NULL));
		ASSERT(now_ns() - before >= 30000000);
	}
}

TEST(nanosleep_errors)
{
	struct timespec nsec = {0, 1000000000}, neg = {0, -1}, sec = {-1, 0}, zero = {0, 0};
	ASSERT_ERR(nanosleep(&nsec, NULL), EINVAL);
	ASSERT_ERR(nanosleep(&neg, NULL), EINVAL);
	ASSERT_ERR(nanosleep(&sec, NULL), EINVAL);
	ASSERT_OK(nanosleep(&zero, NULL));
	ASSERT_ERR(syscall(SYS_nanosleep, 1, NULL), EFAULT);
}

TEST(an_interrupted_sleep_says_what_is_left)
{
	struct timespec ts = {50, 0}, rem = {0, 0};
	on_signal(SIGUSR1, count_signal, 0);
	pester(SIGUSR1);
	ASSERT_ERR(nanosleep(&ts, &rem), EINTR);
	ASSERT(rem.tv_sec >= 30 && rem.tv_sec <= 50);
	ASSERT_ERR(nanosleep(&ts, NULL), EINTR);
	rem.tv_sec = -7;
	ASSERT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem), EINTR);
	ASSERT(rem.tv_sec >= 30 && rem.tv_sec <= 50);
}

TEST(an_interrupted_absolute_sleep_does_not)
{
	struct timespec ts, rem = {77, 77};
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 50;
	on_signal(SIGUSR1, count_signal, 0);
	pester(SIGUSR1);
	ASSERT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &rem), EINTR);
	ASSERT(rem.tv_sec == 77 && rem.tv_nsec == 77);
}

TEST(an_absolute_sleep_ends_at_its_time)
{
	struct timespec ts;
	const clockid_t use[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
	for (int i = 0; i < 3; i++) {
		int64_t until = clock_ns(use[i]) + 30000000;
		ts.tv_sec = until / 1000000000;
		ts.tv_nsec = until % 1000000000;
		ASSERT_EQ(clock_nanosleep(use[i], TIMER_ABSTIME, &ts, NULL), 0);
		ASSERT(clock_ns(use[i]) >= until);
		ts.tv_sec = 1;
		ASSERT_EQ(clock_nanosleep(use[i], TIMER_ABSTIME, &ts, NULL), 0);
	}
}

TEST(clock_nanosleep_errors)
{
	struct timespec ts = {0, 1};
	ASSERT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, NULL), EOPNOTSUPP);
	ASSERT_ERR(syscall(SYS_clock_nanosleep, CLOCK_REALTIME_COARSE, 0, &ts, NULL), EOPNOTSUPP);
	ASSERT_ERR(syscall(SYS_clock_nanosleep, 77, 0, &ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	ASSERT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINVAL);
}

/* The kernel wins: unknown flags are ignored. */
TEST(clock_nanosleep_ignores_unknown_flags)
{
	struct timespec ts = {0, 1000};
	ASSERT_OK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0x100, &ts, NULL));
}

TEST(sleeping_on_the_process_clock_waits_for_work)
{
	struct timespec ts = {0, 20000000};
	/* Nobody else works here: the time would never come, but for this child's signal. */
	on_signal(SIGUSR1, count_signal, 0);
	pester(SIGUSR1);
	ASSERT_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &(struct timespec){50, 0}, &ts),
		  EINTR);
}

TEST(setting_the_clock_needs_privilege)
{
	struct timespec ts;
	struct timeval tv = {0, 0};
	clock_gettime(CLOCK_REALTIME, &ts);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(clock_settime(CLOCK_REALTIME, &ts), EPERM);
		ASSERT_ERR(settimeofday(&tv, NULL), EPERM);
	}));
	ASSERT_ERR(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
	ASSERT_ERR(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts), EINVAL);
}

TEST_MAIN()
