/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU clocks that stand still for a while before they reach a timer's time:
 * then it must be noticed that they go on.
 */
#include "task.h"

#include <pthread.h>
#include <time.h>

static volatile sig_atomic_t expired;

static void on_expiry(int sig)
{
	(void)sig;
	expired++;
}

static int64_t cpu_now(clockid_t id)
{
	struct timespec ts;
	ASSERT_OK(clock_gettime(id, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void burn(clockid_t id, int64_t ns)
{
	for (int64_t until = cpu_now(id) + ns; cpu_now(id) < until;)
		;
}

static void naps_then_burns(clockid_t id)
{
	timer_t timer;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec at = {.it_value = {0, 60000000}};
	signal(SIGUSR1, on_expiry);
	ASSERT_OK(timer_create(id, &ev, &timer));
	int64_t begin = cpu_now(id);
	ASSERT_OK(timer_settime(timer, 0, &at, NULL));
	for (int i = 0; i < 3; i++) {
		nap(150);
		ASSERT_EQ(expired, 0);
		burn(id, 10000000);
	}
	ASSERT_EQ(expired, 0);
	while (!expired)
		ASSERT(cpu_now(id) - begin < 1000000000);
	ASSERT(cpu_now(id) - begin >= 60000000);
}

TEST(cputimer_of_the_process_expires_after_naps)
{
	naps_then_burns(CLOCK_PROCESS_CPUTIME_ID);
}

TEST(cputimer_of_the_thread_expires_after_naps)
{
	naps_then_burns(CLOCK_THREAD_CPUTIME_ID);
}

static void *sleeps(void *arg)
{
	nap(10000);
	return arg;
}

TEST(cputimer_of_the_thread_expires_beside_a_sleeper)
{
	pthread_t thread;
	ASSERT_EQ(pthread_create(&thread, NULL, sleeps, NULL), 0);
	naps_then_burns(CLOCK_THREAD_CPUTIME_ID);
}

static void *burns(void *arg)
{
	burn(CLOCK_THREAD_CPUTIME_ID, 200000000);
	return arg;
}

TEST(cputimer_of_a_thread_that_sleeps_while_others_burn)
{
	pthread_t thread;
	timer_t timer;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec at = {.it_value = {0, 30000000}};
	signal(SIGUSR1, on_expiry);
	ASSERT_OK(timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &timer));
	ASSERT_OK(timer_settime(timer, 0, &at, NULL));
	ASSERT_EQ(pthread_create(&thread, NULL, burns, NULL), 0);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_EQ(expired, 0);
	burn(CLOCK_THREAD_CPUTIME_ID, 60000000);
	ASSERT_EQ(expired, 1);
}

TEST(clock_nanosleep_on_the_time_of_a_process_that_naps)
{
	struct timespec ts = {0, 50000000};
	clockid_t id;
	pid_t pid = SPAWN({
		for (;;) {
			nap(50);
			burn(CLOCK_PROCESS_CPUTIME_ID, 10000000);
		}
	});
	ASSERT_EQ(clock_getcpuclockid(pid, &id), 0);
	int64_t begin = cpu_now(id);
	ASSERT_EQ(clock_nanosleep(id, 0, &ts, NULL), 0);
	ASSERT(cpu_now(id) - begin >= 50000000);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(clock_nanosleep_on_the_time_of_a_process_that_ends)
{
	struct timespec ts = {5, 0};
	clockid_t id;
	pid_t pid = SPAWN({ pause(); });
	ASSERT_EQ(clock_getcpuclockid(pid, &id), 0);
	signal(SIGALRM, on_expiry);
	alarm(1);
	ASSERT_EQ(clock_nanosleep(id, 0, &ts, NULL), EINTR);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	ASSERT_EQ(clock_nanosleep(id, 0, &ts, NULL), EINVAL);
}

TEST_MAIN()
