/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling: affinity, policies, priorities.  Real-time success is nowhere assumed. */
#include "task.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static int first_cpu(void)
{
	cpu_set_t s;
	ASSERT_OK(sched_getaffinity(0, sizeof s, &s));
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &s))
			return i;
	FAIL("no CPU");
}

static int last_cpu(void)
{
	cpu_set_t s;
	ASSERT_OK(sched_getaffinity(0, sizeof s, &s));
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &s))
			return i;
	FAIL("no CPU");
}

static void run_on(int cpu)
{
	cpu_set_t s;
	CPU_ZERO(&s);
	CPU_SET(cpu, &s);
	ASSERT_OK(sched_setaffinity(0, sizeof s, &s));
}

TEST(the_raw_call_returns_the_size_it_wrote)
{
	unsigned long mask[128];
	long n = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
	ASSERT(n > 0 && n % 8 == 0);
	ASSERT_ERR(syscall(SYS_sched_getaffinity, 0, sizeof mask - 1, mask), EINVAL);
	ASSERT_ERR(syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL);
	ASSERT_ERR(syscall(SYS_sched_getaffinity, 0, sizeof mask, 1), EFAULT);
}

TEST(affinity_is_obeyed)
{
	int cpus[2] = {first_cpu(), last_cpu()};
	unsigned cpu, node;
	for (int i = 0; i < 2; i++) {
		JOIN(SPAWN({
			cpu_set_t s;
			run_on(cpus[i]);
			ASSERT_OK(sched_getaffinity(0, sizeof s, &s));
			ASSERT_EQ(CPU_COUNT(&s), 1);
			ASSERT(CPU_ISSET(cpus[i], &s));
			ASSERT_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
			ASSERT_EQ(cpu, cpus[i]);
			ASSERT_EQ(sched_getcpu(), cpus[i]);
		}));
	}
}

TEST(affinity_is_inherited)
{
	int cpu = last_cpu();
	run_on(cpu);
	JOIN(SPAWN({
		cpu_set_t s;
		ASSERT_OK(sched_getaffinity(0, sizeof s, &s));
		ASSERT(CPU_COUNT(&s) == 1 && CPU_ISSET(cpu, &s));
	}));
}

TEST(an_empty_set_is_einval)
{
	cpu_set_t s;
	CPU_ZERO(&s);
	ASSERT_ERR(sched_setaffinity(0, sizeof s, &s), EINVAL);
	CPU_SET(1000, &s);
	ASSERT_ERR(sched_setaffinity(0, sizeof s, &s), EINVAL);
	ASSERT_ERR(syscall(SYS_sched_setaffinity, 0, 8, 1), EFAULT);
}

TEST(cpus_that_do_not_exist_are_left_out)
{
	cpu_set_t s, now;
	memset(&s, 0xff, sizeof s);
	ASSERT_OK(sched_getaffinity(0, sizeof now, &now));
	ASSERT_OK(sched_setaffinity(0, sizeof s, &s));
	ASSERT_OK(sched_getaffinity(0, sizeof s, &s));
	ASSERT(CPU_EQUAL(&s, &now));
}

TEST(affinity_of_others)
{
	cpu_set_t s;
	pid_t gone = dead_pid(), me = getpid();
	ASSERT_ERR(sched_getaffinity(gone, sizeof s, &s), ESRCH);
	ASSERT_OK(sched_getaffinity(getppid(), sizeof s, &s));
	ASSERT_ERR(sched_setaffinity(gone, sizeof s, &s), ESRCH);
	JOIN(SPAWN({
		ASSERT_OK(setuid(1000));
		ASSERT_ERR(sched_setaffinity(me, sizeof s, &s), EPERM);
		ASSERT_OK(sched_getaffinity(me, sizeof s, &s));
	}));
}

TEST(getcpu_takes_null)
{
	ASSERT_OK(syscall(SYS_getcpu, NULL, NULL, NULL));
	ASSERT_ERR(syscall(SYS_getcpu, 1, NULL, NULL), EFAULT);
}

TEST(yield_succeeds)
{
	for (int i = 0; i < 100; i++)
		ASSERT_OK(sched_yield());
}

TEST(priority_ranges)
{
	ASSERT_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	ASSERT_EQ(sched_get_priority_min(SCHED_FIFO), 1);
	ASSERT_EQ(sched_get_priority_max(SCHED_RR), 99);
	ASSERT_EQ(sched_get_priority_min(SCHED_RR), 1);
	const int plain[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, 6 /* SCHED_DEADLINE */};
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(sched_get_priority_max(plain[i]), 0);
		ASSERT_EQ(sched_get_priority_min(plain[i]), 0);
	}
	ASSERT_ERR(sched_get_priority_max(77), EINVAL);
	ASSERT_ERR(sched_get_priority_min(-1), EINVAL);
}

TEST(the_policy_is_other_by_default)
{
	struct sched_param p = {7};
	ASSERT_EQ(sched_getscheduler(0), SCHED_OTHER);
	ASSERT_OK(sched_getparam(0, &p));
	ASSERT_EQ(p.sched_priority, 0);
}

TEST(batch_and_idle_can_be_chosen)
{
	struct sched_param p = {0};
	ASSERT_OK(sched_setscheduler(0, SCHED_BATCH, &p));
	ASSERT_EQ(sched_getscheduler(0), SCHED_BATCH);
	JOIN(SPAWN({ ASSERT_EQ(sched_getscheduler(0), SCHED_BATCH); }));
	ASSERT_OK(sched_setscheduler(0, SCHED_IDLE, &p));
	ASSERT_EQ(sched_getscheduler(0), SCHED_IDLE);
	ASSERT_OK(sched_setscheduler(0, SCHED_OTHER, &p));
}

TEST(reset_on_fork)
{
	struct sched_param p = {0};
	ASSERT_OK(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &p));
	ASSERT_EQ(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, -5));
	JOIN(SPAWN({
		ASSERT_EQ(sched_getscheduler(0), SCHED_BATCH);
		ASSERT_EQ(getpriority(PRIO_PROCESS, 0), 0);
	}));
}

TEST(setscheduler_errors)
{
	struct sched_param zero = {0}, one = {1};
	pid_t gone = dead_pid();
	ASSERT_ERR(sched_setscheduler(0, 77, &zero), EINVAL);
	ASSERT_ERR(sched_setscheduler(0, SCHED_OTHER, &one), EINVAL);
	ASSERT_ERR(sched_setscheduler(0, SCHED_FIFO, &zero), EINVAL);
	ASSERT_ERR(sched_setscheduler(-1, SCHED_OTHER, &zero), EINVAL);
	ASSERT_ERR(sched_setscheduler(0, SCHED_OTHER, NULL), EINVAL);
	ASSERT_ERR(sched_setscheduler(gone, SCHED_OTHER, &zero), ESRCH);
	ASSERT_ERR(sched_getscheduler(gone), ESRCH);
	ASSERT_ERR(sched_getscheduler(-1), EINVAL);
	ASSERT_ERR(sched_getparam(0, NULL), EINVAL);
}

TEST(real_time_needs_privilege)
{
	struct sched_param one = {1};
	struct rlimit none = {0, 0};
	ASSERT_OK(setrlimit(RLIMIT_RTPRIO, &none));
	ASSERT_OK(setuid(1000));
	ASSERT_ERR(sched_setscheduler(0, SCHED_FIFO, &one), EPERM);
	ASSERT_ERR(sched_setscheduler(0, SCHED_RR, &one), EPERM);
}

TEST(the_round_robin_interval_can_be_asked)
{
	struct timespec ts = {-1, -1};
	ASSERT_OK(sched_rr_get_interval(0, &ts));
	ASSERT(ts.tv_sec >= 0 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	ASSERT_ERR(sched_rr_get_interval(-1, &ts), EINVAL);
	ASSERT_ERR(sched_rr_get_interval(dead_pid(), &ts), ESRCH);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

TEST(sched_getattr_shows_nice)
{
	struct attr a;
	memset(&a, 0x55, sizeof a);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 4));
	ASSERT_OK(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
	ASSERT_EQ(a.size, sizeof a);
	ASSERT_EQ(a.policy, SCHED_OTHER);
	ASSERT_EQ(a.nice, 4);
	ASSERT_EQ(a.priority, 0);
	ASSERT_ERR(syscall(SYS_sched_getattr, 0, &a, 47, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_sched_getattr, 0, &a, sizeof a, 1), EINVAL);
}

TEST(sched_setattr_sets_nice)
{
	struct attr a = {.size = sizeof a, .policy = SCHED_BATCH, .nice = 6};
	ASSERT_OK(syscall(SYS_sched_setattr, 0, &a, 0));
	ASSERT_EQ(getpriority(PRIO_PROCESS, 0), 6);
	ASSERT_EQ(sched_getscheduler(0), SCHED_BATCH);
	a.size = 4;
	ASSERT_ERR(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	a.size = sizeof a;
	a.flags = 1ul << 40;
	ASSERT_ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
}

TEST(raw_getpriority_is_twenty_minus_nice)
{
	ASSERT_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 7));
	ASSERT_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 13);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, -9));
	ASSERT_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 29);
}

TEST(nice_is_clamped)
{
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 1000));
	ASSERT_EQ(getpriority(PRIO_PROCESS, 0), 19);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, -1000));
	ASSERT_EQ(getpriority(PRIO_PROCESS, 0), -20);
	errno = 0;
	ASSERT_EQ(nice(5), -15);
}

TEST(priority_errors)
{
	ASSERT_ERR(setpriority(3, 0, 0), EINVAL);
	ASSERT_ERR(getpriority(-1, 0), EINVAL);
	ASSERT_ERR(setpriority(PRIO_PROCESS, (id_t)dead_pid(), 0), ESRCH);
	ASSERT_ERR(getpriority(PRIO_PGRP, (id_t)dead_pid()), ESRCH);
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(setuid(1000));
		ASSERT_ERR(setpriority(PRIO_PROCESS, (id_t)me, 5), EPERM);
		ASSERT_ERR(setpriority(PRIO_PROCESS, 0, -1), EACCES);
	}));
}

TEST(a_groups_priority_is_its_best)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		ASSERT_OK(setpriority(PRIO_PROCESS, 0, 3));
		gate_open(up);
		pause();
	});
	gate_wait(up);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 8));
	ASSERT_EQ(getpriority(PRIO_PGRP, 0), 3);
	ASSERT_OK(setpriority(PRIO_PGRP, 0, 11));
	ASSERT_EQ(getpriority(PRIO_PROCESS, (id_t)p), 11);
	kill_and_reap(p);
}

static void *renice_thread(void *arg)
{
	(void)arg;
	setpriority(PRIO_PROCESS, 0, 5);
	return (void *)(long)getpriority(PRIO_PROCESS, 0);
}

/* The kernel wins over POSIX: nice belongs to the thread. */
TEST(nice_belongs_to_the_thread)
{
	pthread_t t;
	void *theirs;
	ASSERT_EQ(pthread_create(&t, NULL, renice_thread, NULL), 0);
	pthread_join(t, &theirs);
	ASSERT_EQ((long)theirs, 5);
	ASSERT_EQ(getpriority(PRIO_PROCESS, 0), 0);
}

TEST_MAIN()
