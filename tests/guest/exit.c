/* SPDX-License-Identifier: Apache-2.0 */
/* exit and exit_group: statuses, threads, what is released, and who is told. */
#include "task.h"

#include <pthread.h>
#include <sys/prctl.h>

TEST(only_the_low_eight_bits_of_the_status_survive)
{
	ASSERT_EQ(wait_status(SPAWN({ _exit(255); })), 0xff00);
	ASSERT_EQ(wait_status(SPAWN({ _exit(256); })), 0);
	ASSERT_EQ(wait_status(SPAWN({ _exit(-1); })), 0xff00);
	ASSERT_EQ(wait_status(SPAWN({ _exit(0x1234); })), 0x3400);
}

TEST(exit_of_the_only_thread_ends_the_process)
{
	ASSERT_EQ(wait_status(SPAWN({ syscall(SYS_exit, 9); })), 9 << 8);
}

static void *end_group(void *arg)
{
	syscall(SYS_exit_group, (long)arg);
	return NULL;
}

TEST(exit_group_in_a_thread_ends_all_threads)
{
	pid_t p = SPAWN({
		pthread_t t;
		pthread_create(&t, NULL, end_group, (void *)33);
		for (;;)
			pause();
	});
	ASSERT_EQ(wait_status(p), 33 << 8);
}

TEST(exit_group_ends_threads_that_make_no_calls)
{
	pid_t p = SPAWN({
		pthread_t t;
		pthread_create(&t, NULL, end_group, (void *)34);
		for (;;)
			__asm__ volatile("pause");
	});
	ASSERT_EQ(wait_status(p), 34 << 8);
}

static struct gate go;

static void *end_group_when_told(void *arg)
{
	gate_wait(go);
	return end_group(arg);
}

TEST(the_leader_may_exit_first)
{
	go = gate_new();
	pid_t p = SPAWN({
		pthread_t t;
		pthread_create(&t, NULL, end_group_when_told, (void *)7);
		syscall(SYS_exit, 3);
	});
	nap(20);
	ASSERT_EQ(waitpid(p, NULL, WNOHANG), 0);
	gate_open(go);
	ASSERT_EQ(wait_status(p), 7 << 8);
}

static void *exit_when_told(void *arg)
{
	gate_wait(go);
	syscall(SYS_exit, (long)arg);
	return NULL;
}

static volatile pid_t leader_word = 1;

static void *exit_after_leader(void *arg)
{
	while (leader_word)
		nap(1);
	syscall(SYS_exit, (long)arg);
	return NULL;
}

/* The kernel wins (since 5.17): not the leader's status, however the manual puts it. */
TEST(the_last_threads_status_counts_when_every_thread_exits_alone)
{
	pid_t p = SPAWN({
		pthread_t t;
		syscall(SYS_set_tid_address, &leader_word);
		pthread_create(&t, NULL, exit_after_leader, (void *)7);
		syscall(SYS_exit, 3);
	});
	ASSERT_EQ(wait_status(p), 7 << 8);
}

TEST(a_process_with_a_dead_leader_can_be_killed)
{
	go = gate_new();
	struct gate up = gate_new();
	pid_t p = SPAWN({
		pthread_t t;
		pthread_create(&t, NULL, exit_when_told, (void *)7);
		gate_open(up);
		syscall(SYS_exit, 3);
	});
	gate_wait(up);
	ASSERT_OK(kill(p, SIGTERM));
	ASSERT_EQ(wait_status(p), SIGTERM);
}

TEST(a_fatal_signal_ends_all_threads)
{
	go = gate_new();
	pid_t p = SPAWN({
		pthread_t t;
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, exit_when_told, NULL);
		*(volatile int *)8 = 0;
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(descriptors_are_closed)
{
	int fd[2];
	char c;
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		close(fd[0]);
		ASSERT_EQ(write(fd[1], "x", 1), 1);
	});
	close(fd[1]);
	ASSERT_EQ(read(fd[0], &c, 1), 1);
	ASSERT_EQ(read(fd[0], &c, 1), 0);
	JOIN(p);
}

TEST(descriptors_are_closed_before_the_parent_can_know)
{
	int fd[2];
	char c;
	ASSERT_OK(pipe2(fd, O_NONBLOCK));
	pid_t p = SPAWN({});
	close(fd[1]);
	JOIN(p);
	ASSERT_EQ(read(fd[0], &c, 1), 0);
}

TEST(sigchld_is_sent_to_the_parent)
{
	on_signal(SIGCHLD, count_signal, 0);
	block_signal(SIGCHLD);
	pid_t p = SPAWN({});
	siginfo_t si;
	sigset_t s = set_of(SIGCHLD);
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGCHLD);
	ASSERT_EQ(si.si_pid, p);
	JOIN(p);
}

TEST(memory_maps_shared_with_others_live_on)
{
	volatile char *m = map_shared(PAGE);
	JOIN(SPAWN({ m[0] = 1; }));
	JOIN(SPAWN({
		ASSERT_EQ(m[0], 1);
		munmap((void *)m, PAGE);
	}));
	ASSERT_EQ(m[0], 1);
}

TEST(children_go_to_the_subreaper)
{
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct gate g = gate_new();
	pid_t *grandchild = (pid_t *)map_shared(PAGE);
	pid_t p = SPAWN({
		*grandchild = SPAWN({
			gate_wait(g);
			_exit(21);
		});
	});
	JOIN(p);
	gate_open(g);
	ASSERT_EQ(wait_status(*grandchild), 21 << 8);
}

TEST(a_zombie_child_goes_to_the_subreaper_too)
{
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t *grandchild = (pid_t *)map_shared(PAGE);
	pid_t p = SPAWN({
		siginfo_t si;
		*grandchild = SPAWN({ _exit(22); });
		waitid(P_PID, (id_t)*grandchild, &si, WEXITED | WNOWAIT);
	});
	JOIN(p);
	ASSERT_EQ(wait_status(*grandchild), 22 << 8);
}

static void *exit_thread(void *arg)
{
	gate_open(*(struct gate *)arg);
	syscall(SYS_exit, 0);
	return NULL;
}

static void *fork_and_exit(void *arg)
{
	*(pid_t *)arg = SPAWN({ nap(50); });
	return NULL;
}

TEST(children_of_a_dead_thread_stay_with_the_process)
{
	pthread_t t;
	pid_t child = 0;
	ASSERT_EQ(pthread_create(&t, NULL, fork_and_exit, &child), 0);
	pthread_join(t, NULL);
	JOIN(child);
}

static void *report_parent_death(void *arg)
{
	pid_t me = getpid();
	struct gate *g = arg;
	(void)SPAWN({
		ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
		ASSERT_EQ(getppid(), me);
		gate_open(*g);
		for (;;)
			pause();
	});
	gate_wait(*g);
	return NULL;
}

/* The kernel wins: "parent" is the thread that forked. */
TEST(the_parent_death_signal_is_sent_when_the_forking_thread_exits)
{
	pthread_t t;
	struct gate g = gate_new();
	ASSERT_EQ(pthread_create(&t, NULL, report_parent_death, &g), 0);
	pthread_join(t, NULL);
	int st;
	ASSERT(wait(&st) > 0);
	ASSERT_EQ(st, SIGKILL);
}

TEST(a_detached_thread_is_no_zombie)
{
	struct gate g = gate_new();
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, exit_thread, &g), 0);
	gate_wait(g);
	while (status_field("Threads", 10) != 1)
		nap(1);
}

static void at_exit(void)
{
	_exit(66);
}

TEST(exit_runs_atexit_and_the_system_call_does_not)
{
	ASSERT_EQ(wait_status(SPAWN({
			  atexit(at_exit);
			  exit(0);
		  })),
		  66 << 8);
	ASSERT_EQ(wait_status(SPAWN({
			  atexit(at_exit);
			  _exit(0);
		  })),
		  0);
}

TEST_MAIN()
