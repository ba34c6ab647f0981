/* SPDX-License-Identifier: Apache-2.0 */
/* Who am I: pid, tid, parent, process group, session. */
#include "task.h"

#include <pthread.h>
#include <sys/prctl.h>

TEST(fork_returns_the_pid_that_the_child_sees)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		pid_t me = getpid();
		ASSERT_EQ(write(fd[1], &me, sizeof me), sizeof me);
	});
	pid_t seen = 0;
	ASSERT_EQ(read(fd[0], &seen, sizeof seen), sizeof seen);
	ASSERT_EQ(seen, p);
	JOIN(p);
}

TEST(getppid_is_the_forking_process)
{
	pid_t me = getpid();
	JOIN(SPAWN({ ASSERT_EQ(getppid(), me); }));
}

TEST(the_first_thread_has_the_pid_as_its_tid)
{
	ASSERT_EQ(thread_id(), getpid());
	JOIN(SPAWN({ ASSERT_EQ(thread_id(), getpid()); }));
}

static void *report_ids(void *arg)
{
	pid_t *ids = arg;
	ids[0] = getpid();
	ids[1] = thread_id();
	ids[2] = getppid();
	ids[3] = getpgid(0);
	ids[4] = getsid(0);
	return NULL;
}

TEST(a_thread_shares_everything_but_its_tid)
{
	pid_t mine[5], other[5] = {0};
	pthread_t t;
	report_ids(mine);
	ASSERT_EQ(pthread_create(&t, NULL, report_ids, other), 0);
	pthread_join(t, NULL);
	for (int i = 0; i < 5; i++)
		if (i == 1)
			ASSERT(mine[i] != other[i]);
		else
			ASSERT_EQ(mine[i], other[i]);
}

static void *fork_and_compare(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	ASSERT(thread_id() != pid);
	JOIN(SPAWN({
		ASSERT_EQ(getppid(), pid);
		ASSERT_EQ(thread_id(), getpid());
	}));
	return NULL;
}

TEST(the_parent_of_a_process_forked_by_a_thread_is_the_process)
{
	pthread_t t;
	pid_t me = getpid();
	ASSERT_EQ(pthread_create(&t, NULL, fork_and_compare, &me), 0);
	pthread_join(t, NULL);
}

TEST(pids_are_not_reused_at_once)
{
	pid_t a = dead_pid(), b = dead_pid();
	ASSERT(a != b);
	ASSERT(a > 0 && b > 0);
}

TEST(getpgid_zero_means_the_caller)
{
	ASSERT_EQ(getpgid(0), getpgrp());
	ASSERT_EQ(getpgid(0), getpgid(getpid()));
	/* The runner made each test a group of its own. */
	ASSERT_EQ(getpgid(0), getpid());
}

TEST(getpgid_and_getsid_of_a_dead_pid_are_esrch)
{
	pid_t gone = dead_pid();
	ASSERT_ERR(getpgid(gone), ESRCH);
	ASSERT_ERR(getsid(gone), ESRCH);
}

TEST(getpgid_and_getsid_of_a_negative_pid_are_esrch)
{
	ASSERT_ERR(getpgid(-1), ESRCH);
	ASSERT_ERR(getsid(-1), ESRCH);
	ASSERT_ERR(getpgid(INT_MIN), ESRCH);
}

TEST(getpgid_sees_a_zombie)
{
	pid_t me = getpid(), p = SPAWN({});
	siginfo_t si;
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	ASSERT_EQ(getpgid(p), me);
	ASSERT_EQ(getsid(p), getsid(0));
	JOIN(p);
}

TEST(group_and_session_are_inherited)
{
	pid_t g = getpgid(0), s = getsid(0);
	JOIN(SPAWN({
		ASSERT_EQ(getpgid(0), g);
		ASSERT_EQ(getsid(0), s);
	}));
}

TEST(getppid_changes_when_the_parent_dies)
{
	struct gate born = gate_new(), died = gate_new(), done = gate_new();
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t me = getpid();
	pid_t middle = SPAWN({
		pid_t dad = getpid();
		(void)SPAWN({
			ASSERT_EQ(getppid(), dad);
			gate_open(born);
			gate_wait(died);
			ASSERT_EQ(getppid(), me);
			gate_open(done);
		});
		gate_wait(born);
	});
	JOIN(middle);
	gate_open(died);
	gate_wait(done);
	int st = 0;
	ASSERT(wait(&st) > 0);
	ASSERT_EQ(st, 0);
}

TEST_MAIN()
