/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes and threads in numbers: every one of them ends as it should, and
 * limits stop those that multiply.  CHURN=n scales the loops (default 100).
 *
 *	churn loop N	forks and executes N programs, with a line after each tenth;
 *			tests/programs/churn.sh watches memory and time meanwhile
 */
#include "task.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int scale(int percent)
{
	const char *n = getenv("CHURN");
	int all = n ? atoi(n) : 100;
	return all * percent / 100;
}

static char *const exit_argv[] = {"churn", "exit", NULL};
static char *const no_env[] = {NULL};

static void exec_exit(void)
{
	execve("/proc/self/exe", exit_argv, no_env);
	_exit(99);
}

TEST(forks_one_after_the_other)
{
	for (int i = 0; i < scale(300); i++)
		ASSERT_EQ(wait_status(SPAWN({ _exit(i & 63); })), (i & 63) << 8);
}

TEST(executed_programs_one_after_the_other)
{
	for (int i = 0; i < scale(100); i++)
		ASSERT_EQ(wait_status(SPAWN({ exec_exit(); })), 7 << 8);
}

static pid_t vfork_exit(void)
{
	pid_t p = vfork();
	if (p == 0)
		exec_exit();
	return p;
}

TEST(vforked_programs_one_after_the_other)
{
	for (int i = 0; i < scale(100); i++)
		ASSERT_EQ(wait_status(vfork_exit()), 7 << 8);
}

TEST(killed_one_after_the_other)
{
	for (int i = 0; i < scale(100); i++) {
		pid_t p = SPAWN({
			for (;;)
				;
		});
		ASSERT_OK(kill(p, SIGKILL));
		ASSERT_EQ(wait_status(p), SIGKILL);
	}
}

static void *echo(void *arg)
{
	return arg;
}

TEST(threads_one_after_the_other)
{
	for (long i = 0; i < scale(300); i++) {
		pthread_t t;
		void *back = NULL;
		ASSERT_EQ(pthread_create(&t, NULL, echo, (void *)i), 0);
		ASSERT_EQ(pthread_join(t, &back), 0);
		ASSERT_EQ((long)back, i);
	}
}

static void *exec_in_thread(void *arg)
{
	(void)arg;
	exec_exit();
	return NULL;
}

static void *spin_in_thread(void *arg)
{
	(void)arg;
	for (;;)
		;
	return NULL;
}

/* All others, the leader included, must go first: some asleep, some computing. */
TEST(a_thread_executes_among_others)
{
	for (int i = 0; i < scale(20); i++) {
		pid_t p = SPAWN({
			pthread_t t;
			for (int k = 0; k < 4; k++)
				pthread_create(&t, NULL, k & 1 ? spin_in_thread : echo, NULL);
			pthread_create(&t, NULL, exec_in_thread, NULL);
			for (;;)
				pause();
		});
		ASSERT_EQ(wait_status(p), 7 << 8);
	}
}

/* Two threads that execute at once: one wins, and the process is its program. */
TEST(two_threads_execute_at_once)
{
	for (int i = 0; i < scale(20); i++) {
		pid_t p = SPAWN({
			pthread_t t;
			pthread_create(&t, NULL, exec_in_thread, NULL);
			pthread_create(&t, NULL, exec_in_thread, NULL);
			for (;;)
				pause();
		});
		ASSERT_EQ(wait_status(p), 7 << 8);
	}
}

/* exit_group in one thread, exec in another: either may win, nothing hangs. */
TEST(exit_and_exec_at_once)
{
	for (int i = 0; i < scale(20); i++) {
		pid_t p = SPAWN({
			pthread_t t;
			pthread_create(&t, NULL, exec_in_thread, NULL);
			for (volatile int k = 0; k < i * 1000; k++)
				;
			_exit(3);
		});
		int st = wait_status(p);
		ASSERT(st == 3 << 8 || st == 7 << 8);
	}
}

/* A tree that doubles until the limit says EAGAIN; whoever fails ends its branch. */
static void multiply(volatile int *made)
{
	for (;;) {
		pid_t p = fork();
		if (p < 0) {
			ASSERT_EQ(errno, EAGAIN);
			pause();
		}
		if (p == 0)
			__atomic_add_fetch(made, 1, __ATOMIC_RELAXED);
	}
}

TEST(a_fork_bomb_stops_at_nproc)
{
	volatile int *made = (volatile int *)map_shared(PAGE);
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid_t p = SPAWN({
		struct rlimit limit = {40, 40};
		ASSERT_OK(setpgid(0, 0));
		ASSERT_OK(setrlimit(RLIMIT_NPROC, &limit));
		ASSERT_OK(setuid(54321));
		multiply(made);
	});
	for (int before = -1; before != *made || before < 1; nap(100))
		before = *made;
	ASSERT(*made >= 30 && *made < 40);
	ASSERT_OK(kill(-p, SIGKILL));
	for (int st = 0; wait(&st) > 0;)
		ASSERT_EQ(st, SIGKILL);
	ASSERT_EQ(errno, ECHILD);
	JOIN(SPAWN({}));
}

static int loop(int n)
{
	for (int i = 1; i <= n; i++) {
		pid_t p = fork();
		if (p == 0)
			exec_exit();
		int st = 0;
		if (p < 0 || waitpid(p, &st, 0) != p || st != 7 << 8) {
			printf("failed at %d: %d %#x %s\n", i, p, (unsigned)st, strerror(errno));
			return 1;
		}
		if (i % (n / 10) == 0) {
			printf("%d\n", i);
			fflush(stdout);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 7;
	if (argc > 2 && strcmp(argv[1], "loop") == 0)
		return loop(atoi(argv[2]));
	return test_main(argc > 1 ? argv[1] : NULL);
}
