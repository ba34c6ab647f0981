/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace: events of fork, clone, exec and exit, and the children and threads they bring. */
#include "trace.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#define FORKS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

/* The child that the event at hand has brought, at its first stop. */
static pid_t new_child(pid_t p)
{
	pid_t c = (pid_t)message_of(p);
	ASSERT(c > 0 && c != p);
	ASSERT_EQ(stop_of(c), SIGSTOP);
	ASSERT_EQ(status_of(c, "TracerPid"), getpid());
	return c;
}

TEST(fork_is_an_event_and_the_child_is_traced)
{
	pid_t p = TRACEE(JOIN(SPAWN({})));
	options(p, PTRACE_O_TRACEFORK);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_FORK));
	siginfo_t si = info_of(p);
	ASSERT_EQ(si.si_signo, SIGTRAP);
	ASSERT_EQ(si.si_code, EVENT(PTRACE_EVENT_FORK));
	pid_t c = new_child(p);
	ASSERT_EQ(status_of(c, "PPid"), p);
	cont(c, 0);
	/* Its real parent cannot see it until we have. */
	expect_exit(c, 0);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(vfork_has_two_events)
{
	pid_t p = TRACEE({
		pid_t c = vfork();
		if (c == 0)
			_exit(3);
		ASSERT_EQ(wait_status(c), 3 << 8);
	});
	options(p, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_VFORK));
	pid_t c = new_child(p);
	cont(p, 0);
	cont(c, 0);
	expect_exit(c, 3);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_VFORK_DONE));
	ASSERT_EQ(message_of(p), c);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(without_options_a_child_is_not_traced)
{
	pid_t p = TRACEE(JOIN(SPAWN(ASSERT_EQ(status_of(getpid(), "TracerPid"), 0))));
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(options_are_inherited)
{
	pid_t p = TRACEE(JOIN(SPAWN(JOIN(SPAWN({})))));
	options(p, PTRACE_O_TRACEFORK);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_FORK));
	pid_t c = new_child(p);
	cont(c, 0);
	ASSERT_EQ(stop_of(c), EVENT(PTRACE_EVENT_FORK));
	pid_t cc = new_child(c);
	ASSERT_OK(kill(cc, SIGKILL));
	expect_killed(cc, SIGKILL);
	ASSERT_OK(kill(c, SIGKILL));
	expect_killed(c, SIGKILL);
	ASSERT_OK(kill(p, SIGKILL));
	expect_killed(p, SIGKILL);
}

static void *thread_main(void *arg)
{
	struct gate *g = arg;
	gate_wait(*g);
	return arg;
}

static struct gate thread_gate;

/* A tracee that has started one thread, which waits at thread_gate: both run on. */
static pid_t with_thread(long opt, pid_t *out_thread)
{
	thread_gate = gate_new();
	pid_t p = TRACEE({
		pthread_t t;
		ASSERT_EQ(pthread_create(&t, NULL, thread_main, &thread_gate), 0);
		pthread_join(t, NULL);
	});
	options(p, opt | PTRACE_O_TRACECLONE);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_CLONE));
	*out_thread = new_child(p);
	cont(p, 0);
	return p;
}

TEST(a_traced_thread_is_waited_for_by_its_number)
{
	pid_t t, p = with_thread(0, &t);
	ASSERT_EQ(status_of(t, "Tgid"), p);
	cont(t, 0);
	gate_open(thread_gate);
	expect_exit(t, 0);
	expect_exit(p, 0);
}

TEST(a_dead_thread_waits_for_its_tracer)
{
	int st;
	pid_t t, p = with_thread(0, &t);
	cont(t, 0);
	gate_open(thread_gate);
	await_state(t, 'Z');
	nap(20);
	ASSERT_EQ(waitpid(p, &st, WNOHANG | __WALL), 0);
	expect_exit(t, 0);
	expect_exit(p, 0);
	ASSERT_ERR(waitpid(t, &st, __WALL), ECHILD);
}

TEST(exit_is_an_event_with_the_status)
{
	pid_t p = TRACEE(_exit(7));
	options(p, PTRACE_O_TRACEEXIT);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_EXIT));
	ASSERT_EQ(message_of(p), 7 << 8);
	ASSERT_EQ(status_of(p, "State"), 't');
	regs_of(p);
	cont(p, 0);
	expect_exit(p, 7);
	p = TRACEE(for (;;) pause());
	options(p, PTRACE_O_TRACEEXIT);
	cont(p, 0);
	ASSERT_OK(kill(p, SIGTERM));
	ASSERT_EQ(stop_of(p), SIGTERM);
	cont(p, SIGTERM);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_EXIT));
	ASSERT_EQ(message_of(p), SIGTERM);
	cont(p, 0);
	expect_killed(p, SIGTERM);
}

TEST(exec_is_a_sigtrap_or_an_event)
{
	pid_t p = TRACEE(EXEC_SELF());
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	ASSERT_EQ(info_of(p).si_code, SI_USER);
	cont(p, 0);
	expect_exit(p, 0);
	p = TRACEE(EXEC_SELF());
	options(p, PTRACE_O_TRACEEXEC);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_EXEC));
	ASSERT_EQ(message_of(p), p);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_failed_exec_is_no_event)
{
	pid_t p = TRACEE(ASSERT_ERR(execl("/does/not/exist", "x", NULL), ENOENT));
	options(p, PTRACE_O_TRACEEXEC);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(exec_has_a_call_stop_after_its_event)
{
	pid_t p = TRACEE(EXEC_SELF());
	options(p, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD);
	run_to_call(p, SYS_execve);
	ASSERT_EQ(step_call(p), EVENT(PTRACE_EVENT_EXEC));
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	struct user_regs_struct r = regs_of(p);
	ASSERT(r.orig_rax == SYS_execve && r.rax == 0);
	kill_and_reap(p);
}

static void *exec_main(void *arg)
{
	(void)arg;
	EXEC_SELF();
	FAIL("exec");
}

TEST(exec_of_a_thread_takes_the_number_of_the_process)
{
	pid_t p = TRACEE({
		pthread_t t;
		ASSERT_EQ(pthread_create(&t, NULL, exec_main, NULL), 0);
		for (;;)
			pause();
	});
	options(p, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_CLONE));
	pid_t t = new_child(p);
	cont(p, 0);
	cont(t, 0);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_EXEC));
	ASSERT_EQ(message_of(p), t);
	int st;
	ASSERT_ERR(waitpid(t, &st, __WALL), ECHILD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(exit_group_of_a_thread_ends_all)
{
	pid_t t, p = with_thread(PTRACE_O_TRACEEXIT, &t);
	cont(t, 0);
	ASSERT_OK(kill(p, SIGTERM));
	int st, exits = 0, ends = 0, signals = 0;
	while (ends < 2) {
		pid_t w = waitpid(-1, &st, __WALL);
		ASSERT(w == p || w == t);
		if (!WIFSTOPPED(st)) {
			ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
			ends++;
			ASSERT(w == t || ends == 2);
			continue;
		}
		exits += STOPPED_BY(st) == EVENT(PTRACE_EVENT_EXIT);
		signals += STOPPED_BY(st) == SIGTERM;
		cont(w, STOPPED_BY(st) == SIGTERM ? SIGTERM : 0);
	}
	ASSERT_EQ(exits, 2);
	ASSERT_EQ(signals, 1);
}

/* A process that traces p's child until told to die. */
static pid_t tracer_of(pid_t victim, long opt, struct gate up, struct gate end)
{
	return SPAWN({
		ASSERT_OK(TRACE(PTRACE_SEIZE, victim, 0, opt));
		gate_open(up);
		gate_wait(end);
	});
}

TEST(tracees_run_on_when_the_tracer_ends)
{
	struct gate up = gate_new(), end = gate_new(), more = gate_new();
	pid_t victim = SPAWN(gate_wait(more));
	pid_t tracer = tracer_of(victim, 0, up, end);
	gate_wait(up);
	ASSERT_EQ(status_of(victim, "TracerPid"), tracer);
	gate_open(end);
	JOIN(tracer);
	ASSERT_EQ(status_of(victim, "TracerPid"), 0);
	gate_open(more);
	JOIN(victim);
}

TEST(exitkill_kills_them)
{
	struct gate up = gate_new(), end = gate_new();
	pid_t victim = SPAWN(for (;;) pause());
	pid_t tracer = tracer_of(victim, PTRACE_O_EXITKILL, up, end);
	gate_wait(up);
	gate_open(end);
	JOIN(tracer);
	expect_killed(victim, SIGKILL);
}

TEST(a_zombie_goes_to_its_tracer_first)
{
	struct gate up = gate_new(), end = gate_new(), die = gate_new();
	int st;
	pid_t victim = SPAWN({
		gate_wait(die);
		_exit(5);
	});
	pid_t tracer = SPAWN({
		ASSERT_OK(TRACE(PTRACE_SEIZE, victim, 0, 0));
		gate_open(up);
		gate_wait(end);
		expect_exit(victim, 5);
	});
	gate_wait(up);
	gate_open(die);
	await_state(victim, 'Z');
	ASSERT_EQ(waitpid(victim, &st, WNOHANG), 0);
	gate_open(end);
	ASSERT_EQ(waitpid(victim, &st, 0), victim);
	ASSERT_EQ(st, 5 << 8);
	JOIN(tracer);
}

TEST(a_zombie_of_a_dead_tracer_goes_to_its_parent)
{
	struct gate up = gate_new(), end = gate_new(), die = gate_new();
	pid_t victim = SPAWN({
		gate_wait(die);
		_exit(5);
	});
	pid_t tracer = tracer_of(victim, 0, up, end);
	gate_wait(up);
	gate_open(die);
	await_state(victim, 'Z');
	gate_open(end);
	expect_exit(victim, 5);
	JOIN(tracer);
}

/* CLONE_PTRACE: the new process has the caller's tracer at once. */
TEST(clone_ptrace_shares_the_tracer)
{
	pid_t p = TRACEE({
		pid_t c = (pid_t)syscall(SYS_clone, CLONE_PTRACE | SIGCHLD, 0, 0, 0, 0);
		if (c == 0)
			_exit(0);
		ASSERT_EQ(wait_status(c), 0);
	});
	cont(p, 0);
	int st;
	pid_t c = waitpid(-1, &st, __WALL);
	ASSERT(c > 0 && c != p);
	ASSERT_EQ(STOPPED_BY(st), SIGSTOP);
	cont(c, 0);
	expect_exit(c, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(clone_untraced_hides_the_child)
{
	pid_t p = TRACEE({
		pid_t c = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
		if (c == 0)
			_exit(0);
		ASSERT_EQ(wait_status(c), 0);
	});
	options(p, FORKS);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(the_tracer_is_a_thread)
{
	pid_t p = TRACEE();
	pid_t c = SPAWN(ASSERT_ERR(TRACE(PTRACE_CONT, p, 0, 0), ESRCH));
	JOIN(c);
	kill_and_reap(p);
}

TEST_MAIN()
