/* SPDX-License-Identifier: Apache-2.0 */
/* getrusage: whose resources, and that the counters count. */
#include "task.h"

#include <pthread.h>
#include <sys/resource.h>

static struct rusage usage(int who)
{
	struct rusage r;
	memset(&r, 0x55, sizeof r);
	ASSERT_OK(getrusage(who, &r));
	return r;
}

static int64_t cpu_us(int who)
{
	struct rusage r = usage(who);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + r.ru_utime.tv_usec +
	       r.ru_stime.tv_usec;
}

static void burn(int64_t us)
{
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + us * 1000;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		;
}

TEST(self_grows_with_work)
{
	int64_t before = cpu_us(RUSAGE_SELF);
	burn(50000);
	ASSERT(cpu_us(RUSAGE_SELF) - before >= 40000);
}

TEST(self_never_shrinks)
{
	int64_t last = 0;
	for (int i = 0; i < 2000; i++) {
		int64_t now = cpu_us(RUSAGE_SELF);
		ASSERT(now >= last);
		last = now;
	}
}

TEST(children_count_after_they_are_waited_for)
{
	siginfo_t si;
	ASSERT_EQ(cpu_us(RUSAGE_CHILDREN), 0);
	pid_t p = SPAWN({ burn(50000); });
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	ASSERT_EQ(cpu_us(RUSAGE_CHILDREN), 0);
	JOIN(p);
	ASSERT(cpu_us(RUSAGE_CHILDREN) >= 40000);
}

TEST(grandchildren_count_too)
{
	pid_t p = SPAWN({ JOIN(SPAWN({ burn(50000); })); });
	JOIN(p);
	ASSERT(cpu_us(RUSAGE_CHILDREN) >= 40000);
}

TEST(children_that_are_not_waited_for_do_not_count)
{
	on_signal(SIGCHLD, SIG_IGN, 0);
	pid_t p = SPAWN({ burn(50000); });
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
	ASSERT_EQ(cpu_us(RUSAGE_CHILDREN), 0);
}

static void *burn_in_thread(void *arg)
{
	burn(50000);
	*(int64_t *)arg = cpu_us(RUSAGE_THREAD);
	return NULL;
}

TEST(thread_is_only_the_thread)
{
	pthread_t t;
	int64_t theirs = 0, mine = cpu_us(RUSAGE_THREAD), all = cpu_us(RUSAGE_SELF);
	ASSERT_EQ(pthread_create(&t, NULL, burn_in_thread, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT(theirs >= 40000);
	ASSERT(cpu_us(RUSAGE_THREAD) - mine < 40000);
	ASSERT(cpu_us(RUSAGE_SELF) - all >= 40000);
}

TEST(touching_memory_raises_faults_and_the_peak)
{
	size_t len = 32 << 20;
	struct rusage a = usage(RUSAGE_SELF);
	char *m = map_anon(len);
	madvise(m, len, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < len; i += PAGE)
		m[i] = 1;
	struct rusage b = usage(RUSAGE_SELF);
	ASSERT(b.ru_minflt - a.ru_minflt >= 8000);
	ASSERT(b.ru_maxrss - a.ru_maxrss >= 30000);
	ASSERT_OK(munmap(m, len));
	ASSERT(usage(RUSAGE_SELF).ru_maxrss >= b.ru_maxrss);
}

TEST(sleeping_is_a_voluntary_switch)
{
	long before = usage(RUSAGE_SELF).ru_nvcsw;
	for (int i = 0; i < 10; i++)
		nap(1);
	ASSERT(usage(RUSAGE_SELF).ru_nvcsw - before >= 10);
}

TEST(errors)
{
	struct rusage r;
	ASSERT_ERR(getrusage(7, &r), EINVAL);
	ASSERT_ERR(getrusage(-2, &r), EINVAL);
	ASSERT_ERR(syscall(SYS_getrusage, RUSAGE_SELF, 1), EFAULT);
}

TEST_MAIN()
