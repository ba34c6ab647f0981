/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace: attach and seize, group stops, and who may trace whom. */
#include "trace.h"

#include <sys/prctl.h>
#include <sys/uio.h>

#define GROUP_STOP(sig) ((sig) | PTRACE_EVENT_STOP << 8)

static pid_t sleeper(void)
{
	pid_t p = SPAWN(for (;;) pause());
	await_state(p, 'S');
	return p;
}

static pid_t seized(long opt)
{
	pid_t p = sleeper();
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, opt));
	return p;
}

TEST(attach_stops_by_sigstop)
{
	pid_t p = sleeper();
	ASSERT_OK(TRACE(PTRACE_ATTACH, p, 0, 0));
	ASSERT_EQ(stop_of(p), SIGSTOP);
	ASSERT_EQ(status_of(p, "TracerPid"), getpid());
	ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, 0));
	ASSERT_EQ(status_of(p, "TracerPid"), 0);
	kill_and_reap(p);
}

TEST(attach_to_a_stopped_process_makes_it_a_traced_one_at_once)
{
	pid_t p = sleeper();
	ASSERT_OK(kill(p, SIGSTOP));
	await_state(p, 'T');
	ASSERT_OK(TRACE(PTRACE_ATTACH, p, 0, 0));
	ASSERT_EQ(status_of(p, "State"), 't');
	regs_of(p);
	ASSERT_EQ(stop_of(p), SIGSTOP);
	ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, 0));
	kill_and_reap(p);
}

TEST(a_detached_process_is_stopped_again_if_its_group_is)
{
	int st;
	pid_t p = sleeper();
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGSTOP));
	ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, 0));
	await_state(p, 'T');
	ASSERT_OK(kill(p, SIGCONT));
	await_state(p, 'S');
	kill_and_reap(p);
}

TEST(seize_does_not_stop)
{
	int st;
	pid_t p = seized(0);
	nap(10);
	ASSERT_EQ(waitpid(p, &st, WNOHANG | __WALL), 0);
	ASSERT_EQ(status_of(p, "State"), 'S');
	ASSERT_ERR(TRACE(PTRACE_SEIZE, sleeper(), 1, 0), EIO);
	ASSERT_ERR(TRACE(PTRACE_SEIZE, sleeper(), 0, 0x40000000), EIO);
	kill_and_reap(p);
}

TEST(interrupt_stops_without_a_signal)
{
	pid_t p = seized(0);
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	siginfo_t si = info_of(p);
	ASSERT_EQ(si.si_signo, SIGTRAP);
	ASSERT_EQ(si.si_code, GROUP_STOP(SIGTRAP));
	cont(p, 0);
	await_state(p, 'S');
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	kill_and_reap(p);
}

TEST(interrupt_ends_no_sleep)
{
	struct gate g = gate_new();
	pid_t p = SPAWN(gate_wait(g));
	await_state(p, 'S');
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, 0));
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	ASSERT_EQ((long)regs_of(p).rax, -512);
	cont(p, 0);
	await_state(p, 'S');
	gate_open(g);
	expect_exit(p, 0);
}

TEST(interrupt_stops_a_busy_loop)
{
	pid_t p = SPAWN(for (volatile int i = 0;; i = i + 1));
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, 0));
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	kill_and_reap(p);
}

TEST(a_stop_signal_stops_twice)
{
	pid_t p = TRACEE(raise(SIGTSTP));
	/* Its own group would be an orphaned one, where SIGTSTP is without effect. */
	cont(p, SIGSTOP);
	ASSERT_EQ(stop_of(p), SIGSTOP);
	siginfo_t si;
	ASSERT_ERR(TRACE(PTRACE_GETSIGINFO, p, 0, &si), EINVAL);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTSTP);
	kill_and_reap(p);
}

TEST(a_group_stop_of_a_seized_tracee_is_an_event)
{
	pid_t p = seized(0);
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(stop_of(p), SIGSTOP);
	cont(p, SIGSTOP);
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGSTOP));
	ASSERT_EQ(info_of(p).si_code, GROUP_STOP(SIGSTOP));
	cont(p, 0);
	await_state(p, 'S');
	kill_and_reap(p);
}

TEST(listen_waits_for_sigcont)
{
	int st;
	pid_t p = seized(0);
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	ASSERT_OK(kill(p, SIGSTOP));
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGSTOP);
	ASSERT_ERR(TRACE(PTRACE_LISTEN, p, 0, 0), EIO);
	cont(p, SIGSTOP);
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGSTOP));
	ASSERT_OK(TRACE(PTRACE_LISTEN, p, 0, 0));
	ASSERT_ERR(TRACE(PTRACE_CONT, p, 0, 0), ESRCH);
	ASSERT_EQ(waitpid(p, &st, WNOHANG | __WALL), 0);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCONT);
	cont(p, 0);
	await_state(p, 'S');
	kill_and_reap(p);
}

TEST(interrupt_ends_listen)
{
	pid_t p = seized(0);
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	ASSERT_OK(TRACE(PTRACE_LISTEN, p, 0, 0));
	ASSERT_OK(TRACE(PTRACE_INTERRUPT, p, 0, 0));
	ASSERT_EQ(stop_of(p), GROUP_STOP(SIGTRAP));
	kill_and_reap(p);
}

TEST(the_real_parent_sees_the_group_stop)
{
	struct gate up = gate_new(), end = gate_new();
	int st;
	pid_t victim = sleeper();
	pid_t tracer = SPAWN({
		ASSERT_OK(TRACE(PTRACE_SEIZE, victim, 0, 0));
		gate_open(up);
		ASSERT_EQ(stop_of(victim), SIGSTOP);
		cont(victim, SIGSTOP);
		ASSERT_EQ(stop_of(victim), GROUP_STOP(SIGSTOP));
		gate_wait(end);
	});
	gate_wait(up);
	ASSERT_OK(kill(victim, SIGSTOP));
	ASSERT_EQ(waitpid(victim, &st, WUNTRACED), victim);
	ASSERT_EQ(st, SIGSTOP << 8 | 0x7f);
	gate_open(end);
	JOIN(tracer);
	kill_and_reap(victim);
}

TEST(children_of_a_seized_one_stop_by_an_event)
{
	struct gate g = gate_new();
	pid_t p = SPAWN({
		gate_wait(g);
		JOIN(SPAWN({}));
	});
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, PTRACE_O_TRACEFORK));
	gate_open(g);
	ASSERT_EQ(stop_of(p), EVENT(PTRACE_EVENT_FORK));
	pid_t c = (pid_t)message_of(p);
	ASSERT_EQ(stop_of(c), GROUP_STOP(SIGTRAP));
	cont(c, 0);
	expect_exit(c, 0);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(seized_exec_sends_no_sigtrap)
{
	struct gate g = gate_new();
	pid_t p = SPAWN({
		gate_wait(g);
		EXEC_SELF();
	});
	ASSERT_OK(TRACE(PTRACE_SEIZE, p, 0, 0));
	gate_open(g);
	expect_exit(p, 0);
}

TEST(one_tracer_is_enough)
{
	pid_t p = seized(0);
	JOIN(SPAWN({
		ASSERT_ERR(TRACE(PTRACE_SEIZE, p, 0, 0), EPERM);
		ASSERT_ERR(TRACE(PTRACE_ATTACH, p, 0, 0), EPERM);
		ASSERT_ERR(TRACE(PTRACE_INTERRUPT, p, 0, 0), ESRCH);
	}));
	kill_and_reap(p);
}

static void drop_to(uid_t uid)
{
	ASSERT_OK(setresgid(uid, uid, uid));
	ASSERT_OK(setresuid(uid, uid, uid));
	ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
}

TEST(users_trace_their_own_only)
{
	struct gate up = gate_new();
	if (getuid() != 0)
		SKIP("not root");
	pid_t other = SPAWN({
		drop_to(NOBODY);
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	JOIN(SPAWN({
		char c;
		struct iovec v = {&c, 1};
		drop_to(1000);
		ASSERT_ERR(TRACE(PTRACE_SEIZE, other, 0, 0), EPERM);
		ASSERT_ERR(TRACE(PTRACE_ATTACH, other, 0, 0), EPERM);
		ASSERT_ERR(process_vm_readv(other, &v, 1, &v, 1, 0), EPERM);
	}));
	JOIN(SPAWN({
		drop_to(NOBODY);
		ASSERT_OK(TRACE(PTRACE_SEIZE, other, 0, 0));
		ASSERT_OK(TRACE(PTRACE_INTERRUPT, other, 0, 0));
		ASSERT_EQ(stop_of(other), GROUP_STOP(SIGTRAP));
		ASSERT_OK(TRACE(PTRACE_DETACH, other, 0, 0));
	}));
	kill_and_reap(other);
}

TEST(what_is_not_dumpable_is_not_traced)
{
	struct gate up = gate_new();
	if (getuid() != 0)
		SKIP("not root");
	pid_t other = SPAWN({
		drop_to(NOBODY);
		ASSERT_OK(prctl(PR_SET_DUMPABLE, 0));
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	JOIN(SPAWN({
		char c;
		struct iovec v = {&c, 1};
		drop_to(NOBODY);
		ASSERT_ERR(TRACE(PTRACE_SEIZE, other, 0, 0), EPERM);
		ASSERT_ERR(process_vm_readv(other, &v, 1, &v, 1, 0), EPERM);
	}));
	ASSERT_OK(TRACE(PTRACE_SEIZE, other, 0, 0));
	kill_and_reap(other);
}

TEST(a_traced_program_gains_nothing_by_set_uid)
{
	if (getuid() != 0)
		SKIP("not root");
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	int in = open("/proc/self/exe", O_RDONLY), out = open("prog", O_WRONLY | O_CREAT, 0755);
	char buf[65536];
	ssize_t n;
	while ((n = read(in, buf, sizeof buf)) > 0)
		ASSERT_EQ(write(out, buf, (size_t)n), n);
	ASSERT_OK(fchmod(out, 04755));
	ASSERT_OK(close(out));
	JOIN(SPAWN({
		drop_to(NOBODY);
		pid_t p = TRACEE(execl("prog", "x", "exit", NULL));
		cont(p, 0);
		ASSERT_EQ(stop_of(p), SIGTRAP);
		char name[64];
		char line[256];
		snprintf(name, sizeof name, "/proc/%d/status", p);
		FILE *f = fopen(name, "re");
		ASSERT(f);
		int found = 0;
		while (fgets(line, sizeof line, f))
			if (!strncmp(line, "Uid:", 4)) {
				unsigned r = 0, e = 0;
				ASSERT_EQ(sscanf(line + 4, "%u %u", &r, &e), 2);
				ASSERT(r == NOBODY && e == NOBODY);
				found = 1;
			}
		ASSERT(found);
		cont(p, 0);
		expect_exit(p, 0);
	}));
}

TEST_MAIN()
