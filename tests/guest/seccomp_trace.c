/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp and ptrace: RET_TRACE, the order of their stops, filters as a tracer reads them. */
#include "filter.h"

static pid_t traced_filter(void)
{
	pid_t p = TRACEE({
		no_new_privs();
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_TRACE | 0x123), ON_CALL(SYS_getuid, ERRNO(77)),
		       ALLOW);
		raise(SIGUSR1);
		long r = syscall(SYS_getppid);
		_exit(r < 0 ? errno : r == getpid() ? 200 : 201);
	});
	options(p, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	return p;
}

TEST(trace_is_an_event_with_data)
{
	pid_t p = traced_filter();
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(7));
	ASSERT_EQ(message_of(p), 0x123);
	ASSERT_EQ(regs_of(p).orig_rax, SYS_getppid);
	cont(p, 0);
	expect_exit(p, 201);
}

TEST(the_tracer_changes_or_skips_the_call)
{
	pid_t p = traced_filter();
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(7));
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), SYS_getpid));
	cont(p, 0);
	expect_exit(p, 200);
	p = traced_filter();
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(7));
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), -1));
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rax), -66));
	cont(p, 0);
	expect_exit(p, 66);
}

TEST(a_changed_call_is_filtered_again)
{
	pid_t p = traced_filter();
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(7));
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), SYS_getuid));
	cont(p, 0);
	expect_exit(p, 77);
}

TEST(the_call_stop_comes_before_the_filter)
{
	pid_t p = traced_filter();
	run_to_call(p, SYS_getppid);
	ASSERT_EQ(step_call(p), EVENT(7));
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	ASSERT_EQ(regs_of(p).rax, getpid());
	kill_and_reap(p);
}

TEST(syscall_info_of_a_filter_stop)
{
	struct {
		uint8_t op, pad[3];
		uint32_t arch;
		uint64_t ip, sp, nr, args[6];
		uint32_t ret_data;
	} si;
	pid_t p = traced_filter();
	cont(p, 0);
	ASSERT_EQ(stop_of(p), EVENT(7));
	ASSERT_EQ(TRACE(PTRACE_GET_SYSCALL_INFO, p, sizeof si, &si), 84);
	ASSERT(si.op == 3 && si.nr == SYS_getppid && si.ret_data == 0x123);
	kill_and_reap(p);
}

TEST(trace_without_the_option_is_enosys)
{
	pid_t p = traced_filter();
	options(p, 0);
	cont(p, 0);
	expect_exit(p, ENOSYS);
}

TEST(a_tracer_sees_sigsys)
{
	pid_t p = TRACEE({
		no_new_privs();
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_TRAP), ALLOW);
		syscall(SYS_getppid);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGSYS);
	ASSERT_EQ(info_of(p).si_code, 1);
	cont(p, SIGSYS);
	expect_killed(p, SIGSYS);
}

TEST(a_killed_call_ends_without_a_stop)
{
	pid_t p = TRACEE({
		no_new_privs();
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_KILL_PROCESS), ALLOW);
		syscall(SYS_getppid);
	});
	cont(p, 0);
	expect_killed(p, SIGSYS);
}

TEST(a_tracer_reads_the_filter)
{
	struct sock_filter f[16] = {{0}};
	if (getuid() != 0)
		SKIP("not root");
	pid_t p = TRACEE({
		no_new_privs();
		FILTER(ALLOW);
		FILTER(LOAD_NR, ALLOW);
		raise(SIGUSR1);
	});
	ASSERT_ERR(TRACE(0x420c, p, 0, f), EINVAL);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	/* The first one installed is number 0. */
	ASSERT_EQ(TRACE(0x420c, p, 1, NULL), 2);
	ASSERT_EQ(TRACE(0x420c, p, 1, f), 2);
	ASSERT(f[0].code == (BPF_LD | BPF_W | BPF_ABS) && f[1].k == SECCOMP_RET_ALLOW);
	ASSERT_EQ(TRACE(0x420c, p, 0, f), 1);
	ASSERT_ERR(TRACE(0x420c, p, 2, f), ENOENT);
	kill_and_reap(p);
}

TEST_MAIN()
