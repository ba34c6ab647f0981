/* SPDX-License-Identifier: Apache-2.0 */
/* Two hundred processes alive at once, all reaped. */
#include "task.h"

#include <sys/prctl.h>

#define N 200

static pid_t pid[N];

/* Starts N children that wait for the gate; returns when all run. */
static void start(struct gate g)
{
	struct gate up = gate_new();
	for (int i = 0; i < N; i++)
		pid[i] = SPAWN({
			gate_open(up);
			gate_wait(g);
			_exit(i);
		});
	for (int i = 0; i < N; i++)
		gate_wait(up);
}

TEST(each_is_reaped_with_its_own_status)
{
	struct gate g = gate_new();
	char seen[N] = {0};
	start(g);
	ASSERT_EQ(waitpid(-1, NULL, WNOHANG), 0);
	for (int i = 0; i < N; i++)
		gate_open(g);
	for (int i = 0; i < N; i++) {
		int st;
		pid_t p = wait(&st);
		ASSERT(WIFEXITED(st));
		ASSERT_EQ(pid[WEXITSTATUS(st)], p);
		ASSERT(!seen[WEXITSTATUS(st)]++);
	}
	ASSERT_ERR(wait(NULL), ECHILD);
}

TEST(they_are_reaped_in_any_order_asked_for)
{
	struct gate g = gate_new();
	start(g);
	for (int i = 0; i < N; i++)
		gate_open(g);
	for (int i = N - 1; i >= 0; i -= 2)
		ASSERT_EQ(wait_status(pid[i]), i << 8);
	for (int i = 0; i < N; i += 2)
		ASSERT_EQ(wait_status(pid[i]), i << 8);
}

TEST(one_signal_to_the_group_ends_them_all)
{
	struct gate g = gate_new();
	start(g);
	on_signal(SIGTERM, SIG_IGN, 0);
	ASSERT_OK(kill(0, SIGTERM));
	for (int i = 0; i < N; i++)
		ASSERT_EQ(wait_status(pid[i]), SIGTERM);
}

TEST(every_pid_is_different_and_alive)
{
	struct gate g = gate_new();
	start(g);
	for (int i = 0; i < N; i++) {
		ASSERT_OK(kill(pid[i], 0));
		for (int j = 0; j < i; j++)
			ASSERT(pid[i] != pid[j]);
	}
	ASSERT_OK(kill(-getpgrp(), 0));
	for (int i = 0; i < N; i++)
		kill_and_reap(pid[i]);
	for (int i = 0; i < N; i++)
		ASSERT_ERR(kill(pid[i], 0), ESRCH);
}

TEST(orphans_are_reaped_by_the_subreaper)
{
	struct gate g = gate_new();
	int n = 0, st;
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t p = SPAWN({ start(g); });
	JOIN(p);
	for (int i = 0; i < N; i++)
		gate_open(g);
	while (wait(&st) > 0) {
		ASSERT(WIFEXITED(st));
		n++;
	}
	ASSERT_EQ(n, N);
}

TEST(a_shared_counter_is_exact)
{
	int *count = (int *)map_shared(PAGE);
	struct gate g = gate_new();
	for (int i = 0; i < N; i++)
		pid[i] = SPAWN({
			gate_wait(g);
			for (int k = 0; k < 100; k++)
				__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
		});
	for (int i = 0; i < N; i++)
		gate_open(g);
	for (int i = 0; i < N; i++)
		JOIN(pid[i]);
	ASSERT_EQ(*count, N * 100);
}

TEST_MAIN()
