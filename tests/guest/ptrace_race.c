/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptrace while things end: tracees and tracers that die, threads that come and go, signals from
 * everywhere.  What is checked is that all of it ends, and who is told.
 */
#include "trace.h"

#include <pthread.h>

enum { ROUNDS = 30, THREADS = 4 };

static unsigned seed = 12345;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void *spin(void *arg)
{
	for (;;) {
		syscall(SYS_getppid);
		sched_yield();
	}
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void busy_threads(void)
{
	pthread_t t;
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_create(&t, NULL, spin, NULL), 0);
	spin(NULL);
}

/* Lets every stop of the tracees go on until none is left; how many ended. */
static int drive(int requests)
{
	int ended = 0, st;
	pid_t p;
	while ((p = waitpid(-1, &st, __WALL)) > 0) {
		if (!WIFSTOPPED(st)) {
			ended++;
			continue;
		}
		int stop = STOPPED_BY(st);
		int sig = stop == SIGTRAP || stop == SYSCALL_STOP || stop >> 8 ? 0 : stop;
		long req = requests-- > 0 ? (pick(2) ? PTRACE_SYSCALL : PTRACE_SINGLESTEP)
					  : PTRACE_CONT;
		/* It may be killed at any moment. */
		if (TRACE(req, p, 0, sig == SIGSTOP ? 0 : sig) < 0)
			ASSERT_EQ(errno, ESRCH);
		if (requests == 0)
			kill(p, SIGKILL);
	}
	ASSERT_EQ(errno, ECHILD);
	return ended;
}

TEST(sigkill_in_the_midst_of_stops)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t p = TRACEE(busy_threads());
		options(p, PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD |
				   (i % 2 ? PTRACE_O_TRACEEXIT : 0));
		cont(p, 0);
		pid_t killer = SPAWN({
			nap(pick(20));
			kill(p, SIGKILL);
		});
		ASSERT(drive(100000) >= 2);
		(void)killer;
	}
}

TEST(exit_of_threads_under_single_steps)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t p = TRACEE({
			pthread_t t[THREADS];
			for (int k = 0; k < THREADS; k++)
				ASSERT_EQ(pthread_create(&t[k], NULL, nothing, NULL), 0);
			for (int k = 0; k < THREADS; k++)
				pthread_join(t[k], NULL);
		});
		options(p, PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
		cont(p, 0);
		ASSERT_EQ(drive(200), THREADS + 1);
	}
}

TEST(tracers_die_at_any_time)
{
	pid_t victim = SPAWN(busy_threads());
	for (int i = 0; i < ROUNDS; i++) {
		pid_t tracer = SPAWN({
			/* Without SYSGOOD the SIGTRAP of a stop nobody waited for would kill it. */
			if (i % 2) {
				ASSERT_OK(TRACE(PTRACE_SEIZE, victim, 0, PTRACE_O_TRACESYSGOOD));
				ASSERT_OK(TRACE(PTRACE_INTERRUPT, victim, 0, 0));
			} else {
				ASSERT_OK(TRACE(PTRACE_ATTACH, victim, 0, 0));
				ASSERT_EQ(stop_of(victim), SIGSTOP);
				options(victim, PTRACE_O_TRACESYSGOOD);
				TRACE(PTRACE_SYSCALL, victim, 0, 0);
			}
			int st;
			for (;;) {
				ASSERT_EQ(waitpid(victim, &st, __WALL), victim);
				TRACE(PTRACE_SYSCALL, victim, 0, 0);
			}
		});
		nap(pick(5));
		kill_and_reap(tracer);
		ASSERT_EQ(status_of(victim, "TracerPid"), 0);
		ASSERT_OK(kill(victim, SIGCONT));
	}
	kill_and_reap(victim);
}

TEST(stops_and_continues_from_outside)
{
	pid_t p = SPAWN(busy_threads());
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, 0));
	pid_t other = SPAWN({
		for (int i = 0; i < 200; i++) {
			kill(p, SIGSTOP);
			kill(p, SIGCONT);
		}
		kill(p, SIGKILL);
	});
	int st;
	while (waitpid(p, &st, __WALL) == p && WIFSTOPPED(st)) {
		int stop = STOPPED_BY(st);
		long req = stop == (SIGSTOP | PTRACE_EVENT_STOP << 8) ? PTRACE_LISTEN : PTRACE_CONT;
		TRACE(req, p, 0, stop >> 8 ? 0 : stop);
	}
	ASSERT(WIFSIGNALED(st));
	JOIN(other);
}

TEST(attach_and_detach_leave_no_trace)
{
	volatile char *stop = map_shared(PAGE);
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		/* Sums that a lost or repeated call would spoil. */
		long sum = 0, want = 0;
		for (int i = 0; !*stop; i++) {
			char c = (char)i;
			want += (unsigned char)c;
			ASSERT_EQ(write(fd[1], &c, 1), 1);
			ASSERT_EQ(read(fd[0], &c, 1), 1);
			sum += (unsigned char)c;
		}
		ASSERT_EQ(sum, want);
	});
	for (int i = 0; i < 100; i++) {
		ASSERT_OK(TRACE(PTRACE_ATTACH, p, 0, 0));
		ASSERT_EQ(stop_of(p), SIGSTOP);
		regs_of(p);
		if (i % 3 == 0) {
			ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, 0));
			ASSERT_EQ(stop_of(p), SIGTRAP);
		}
		ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, 0));
	}
	*stop = 1;
	JOIN(p);
}

TEST(memory_is_poked_while_its_owner_runs_and_ends)
{
	static const volatile long constant = 1;
	for (int i = 0; i < ROUNDS; i++) {
		char name[64];
		pid_t p = SPAWN(busy_threads());
		snprintf(name, sizeof name, "/proc/%d/mem", p);
		int fd = open(name, O_RDWR);
		ASSERT_OK(fd);
		pid_t killer = SPAWN({
			nap(pick(10));
			kill(p, SIGKILL);
		});
		long v = 2;
		while (pwrite(fd, &v, 8, (off_t)(uintptr_t)&constant) == 8)
			v++;
		expect_killed(p, SIGKILL);
		JOIN(killer);
		close(fd);
	}
}

TEST_MAIN()
