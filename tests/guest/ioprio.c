/* SPDX-License-Identifier: Apache-2.0 */
/* ioprio_set and ioprio_get: glibc has no functions for them. */
#include "task.h"

#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { BE = IOPRIO_CLASS_BE << 13, RT = IOPRIO_CLASS_RT << 13, IDLE = IOPRIO_CLASS_IDLE << 13 };

static long set(int which, int who, int ioprio)
{
	return syscall(SYS_ioprio_set, which, who, ioprio);
}

static long get(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

TEST(what_is_set_is_what_is_got)
{
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, BE | 3));
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), BE | 3);
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, getpid()), BE | 3);
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, getpid(), IDLE));
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), IDLE);
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, RT | 4));
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), RT | 4);
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, 0));
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
}

TEST(what_makes_no_sense_is_einval)
{
	ASSERT_ERR(get(0, 0), EINVAL);
	ASSERT_ERR(get(4, 0), EINVAL);
	ASSERT_ERR(set(0, 0, BE), EINVAL);
	ASSERT_ERR(set(4, 0, BE), EINVAL);
	/* A level without a class, and classes that do not exist. */
	ASSERT_ERR(set(IOPRIO_WHO_PROCESS, 0, 3), EINVAL);
	ASSERT_ERR(set(IOPRIO_WHO_PROCESS, 0, 4 << 13), EINVAL);
	ASSERT_ERR(set(IOPRIO_WHO_PROCESS, 0, -1), EINVAL);
}

TEST(nobody_is_esrch)
{
	pid_t gone = dead_pid();
	ASSERT_ERR(get(IOPRIO_WHO_PROCESS, gone), ESRCH);
	ASSERT_ERR(set(IOPRIO_WHO_PROCESS, gone, BE), ESRCH);
	ASSERT_ERR(get(IOPRIO_WHO_PROCESS, -1), ESRCH);
	ASSERT_ERR(get(IOPRIO_WHO_PGRP, gone), ESRCH);
	ASSERT_ERR(get(IOPRIO_WHO_USER, 54321), ESRCH);
	ASSERT_ERR(set(IOPRIO_WHO_USER, 54321, BE), ESRCH);
}

/* Without a class it follows the nice value; the best of many is the smallest number. */
TEST(a_group_has_its_best)
{
	ASSERT_OK(setpgid(0, 0));
	ASSERT_EQ(get(IOPRIO_WHO_PGRP, 0), BE | 4);
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 19));
	ASSERT_EQ(get(IOPRIO_WHO_PGRP, 0), BE | 7);
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
	pid_t p = SPAWN({ pause(); });
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, p, BE | 2));
	ASSERT_EQ(get(IOPRIO_WHO_PGRP, 0), BE | 2);
	ASSERT_OK(set(IOPRIO_WHO_PGRP, 0, IDLE));
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, p), IDLE);
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), IDLE);
	kill_and_reap(p);
}

static void *thread(void *arg)
{
	*(long *)arg = get(IOPRIO_WHO_PROCESS, 0);
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, BE | 6));
	return NULL;
}

TEST(each_thread_has_its_own_and_inherits_it)
{
	pthread_t t;
	long seen = -1;
	ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, BE | 1));
	ASSERT_EQ(pthread_create(&t, NULL, thread, &seen), 0);
	pthread_join(t, NULL);
	ASSERT_EQ(seen, BE | 1);
	ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), BE | 1);
	JOIN(SPAWN({ ASSERT_EQ(get(IOPRIO_WHO_PROCESS, 0), BE | 1); }));
}

TEST(real_time_and_others_are_for_the_privileged)
{
	pid_t other = SPAWN({ pause(); });
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(set(IOPRIO_WHO_PROCESS, 0, RT), EPERM);
		ASSERT_OK(set(IOPRIO_WHO_PROCESS, 0, BE | 7));
		ASSERT_ERR(set(IOPRIO_WHO_PROCESS, other, BE | 7), EPERM);
		ASSERT_EQ(get(IOPRIO_WHO_PROCESS, other), 0);
	}));
	kill_and_reap(other);
}

TEST_MAIN()
