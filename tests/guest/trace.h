/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for the guest tests of ptrace: a tracee, its stops, its registers. */
#pragma once

#include "task.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

/* What a tracee execs: this program, as one that ends at once. */
#define EXEC_SELF() execl("/proc/self/exe", "x", "exit", NULL)

__attribute__((constructor)) static void exit_if_told(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "exit"))
		_exit(0);
}

/* glibc has these as enumerators, with other types than the kernel's. */
#define TRACE(req, pid, addr, data)                                                                \
	syscall(SYS_ptrace, (long)(req), (long)(pid), (long)(addr), (long)(data))

#define EVENT(ev)	(SIGTRAP | (ev) << 8)
#define STOPPED_BY(st)	((st) >> 8)
#define SYSCALL_STOP	(SIGTRAP | 0x80)

/* Waits for a stop of pid and returns what stopped it: the signal, with an event above it. */
HELPER int stop_of(pid_t pid)
{
	int st = wait_status(pid);
	if (!WIFSTOPPED(st))
		FAIL("%d has not stopped: status %#x", pid, (unsigned)st);
	return STOPPED_BY(st);
}

HELPER void expect_exit(pid_t pid, int code)
{
	int st = wait_status(pid);
	if (!WIFEXITED(st) || WEXITSTATUS(st) != code)
		FAIL("%d: status %#x, want exit %d", pid, (unsigned)st, code);
}

HELPER void expect_killed(pid_t pid, int sig)
{
	int st = wait_status(pid);
	if (!WIFSIGNALED(st) || WTERMSIG(st) != sig)
		FAIL("%d: status %#x, want signal %d", pid, (unsigned)st, sig);
}

/* A child that is traced, and has stopped by SIGSTOP before it runs the block. */
#define TRACEE(...)                                                                                \
	({                                                                                         \
		pid_t tracee_ = SPAWN({                                                            \
			ASSERT_OK(TRACE(PTRACE_TRACEME, 0, 0, 0));                                 \
			raise(SIGSTOP);                                                            \
			__VA_ARGS__;                                                               \
		});                                                                                \
		ASSERT_EQ(stop_of(tracee_), SIGSTOP);                                              \
		tracee_;                                                                           \
	})

HELPER void options(pid_t pid, long opt)
{
	ASSERT_OK(TRACE(PTRACE_SETOPTIONS, pid, 0, opt));
}

HELPER void cont(pid_t pid, int sig)
{
	ASSERT_OK(TRACE(PTRACE_CONT, pid, 0, sig));
}

/* To the next stop at a call or after it. */
HELPER int step_call(pid_t pid)
{
	ASSERT_OK(TRACE(PTRACE_SYSCALL, pid, 0, 0));
	return stop_of(pid);
}

HELPER struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct r;
	ASSERT_OK(TRACE(PTRACE_GETREGS, pid, 0, &r));
	return r;
}

HELPER void set_regs(pid_t pid, const struct user_regs_struct *r)
{
	ASSERT_OK(TRACE(PTRACE_SETREGS, pid, 0, r));
}

HELPER siginfo_t info_of(pid_t pid)
{
	siginfo_t si;
	memset(&si, 0, sizeof si);
	ASSERT_OK(TRACE(PTRACE_GETSIGINFO, pid, 0, &si));
	return si;
}

HELPER unsigned long message_of(pid_t pid)
{
	unsigned long m = 0;
	ASSERT_OK(TRACE(PTRACE_GETEVENTMSG, pid, 0, &m));
	return m;
}

HELPER long peek(pid_t pid, const void *at)
{
	long word = 0;
	ASSERT_OK(TRACE(PTRACE_PEEKDATA, pid, at, &word));
	return word;
}

HELPER void poke(pid_t pid, const void *at, long word)
{
	ASSERT_OK(TRACE(PTRACE_POKEDATA, pid, at, word));
}

/* Runs to the entry of call nr, over others; TRACESYSGOOD is set. */
HELPER void run_to_call(pid_t pid, long nr)
{
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(step_call(pid), SYSCALL_STOP);
		if ((long)regs_of(pid).orig_rax == nr)
			return;
		ASSERT_EQ(step_call(pid), SYSCALL_STOP);
	}
	FAIL("call %ld never came", nr);
}

/* A field of /proc/PID/status as a number, or of the first letter where it is a letter. */
HELPER long status_of(pid_t pid, const char *key)
{
	char name[64], line[256];
	snprintf(name, sizeof name, "/proc/%d/status", pid);
	FILE *f = fopen(name, "re");
	ASSERT(f);
	long v = -1;
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			const char *at = line + strlen(key) + 1;
			at += strspn(at, "\t ");
			v = *at >= 'A' ? *at : strtol(at, NULL, 10);
		}
	fclose(f);
	return v;
}

/* Until /proc says that pid is in that state. */
HELPER void await_state(pid_t pid, char state)
{
	while (status_of(pid, "State") != state)
		nap(1);
}
