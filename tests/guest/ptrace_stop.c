/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace: stops by signals, at calls and after single steps, and what the tracer may change there. */
#include "trace.h"

struct syscall_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp, nr, args[6];
	uint32_t ret_data;
};

TEST(traceme_once_and_requests_need_a_tracee)
{
	long v;
	pid_t p = TRACEE(ASSERT_ERR(TRACE(PTRACE_TRACEME, 0, 0, 0), EPERM));
	cont(p, 0);
	expect_exit(p, 0);
	ASSERT_ERR(TRACE(PTRACE_PEEKDATA, dead_pid(), 0, &v), ESRCH);
	ASSERT_ERR(TRACE(PTRACE_CONT, 0, 0, 0), ESRCH);
	ASSERT_ERR(TRACE(PTRACE_CONT, -1, 0, 0), ESRCH);
	ASSERT_ERR(TRACE(PTRACE_CONT, getppid(), 0, 0), ESRCH);
}

TEST(a_running_tracee_is_esrch)
{
	pid_t p = TRACEE(for (;;) pause());
	cont(p, 0);
	ASSERT_ERR(TRACE(PTRACE_CONT, p, 0, 0), ESRCH);
	ASSERT_ERR(TRACE(PTRACE_GETEVENTMSG, p, 0, &p), ESRCH);
	kill_and_reap(p);
}

TEST(bad_requests_and_signals_are_eio)
{
	pid_t p = TRACEE();
	ASSERT_ERR(TRACE(0x7777, p, 0, 0), EIO);
	ASSERT_ERR(TRACE(-1, p, 0, 0), EIO);
	ASSERT_ERR(TRACE(PTRACE_CONT, p, 0, 65), EIO);
	ASSERT_ERR(TRACE(PTRACE_DETACH, p, 0, -1), EIO);
	ASSERT_ERR(TRACE(PTRACE_INTERRUPT, p, 0, 0), EIO);
	ASSERT_ERR(TRACE(PTRACE_LISTEN, p, 0, 0), EIO);
	ASSERT_ERR(TRACE(PTRACE_SETOPTIONS, p, 0, 0x40000000), EINVAL);
	ASSERT_ERR(TRACE(PTRACE_ATTACH, p, 0, 0), EPERM);
	ASSERT_ERR(TRACE(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_stop_is_told_once_and_by_any_wait)
{
	int st;
	siginfo_t si;
	pid_t p = TRACEE();
	ASSERT_EQ(waitpid(p, &st, WNOHANG | __WALL), 0);
	ASSERT_OK(TRACE(PTRACE_CONT, p, 0, SIGUSR1));
	expect_killed(p, SIGUSR1);
	p = SPAWN({
		ASSERT_OK(TRACE(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR2);
	});
	memset(&si, 0, sizeof si);
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	ASSERT_EQ(si.si_code, CLD_TRAPPED);
	ASSERT_EQ(si.si_status, SIGUSR2);
	ASSERT_EQ(si.si_pid, p);
	ASSERT_EQ(waitpid(-1, &st, 0), p);
	ASSERT_EQ(st, SIGUSR2 << 8 | 0x7f);
	ASSERT_EQ(status_of(p, "State"), 't');
	ASSERT_EQ(status_of(p, "TracerPid"), getpid());
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_stop_sends_sigchld)
{
	on_signal(SIGCHLD, count_signal, 0);
	block_signal(SIGCHLD);
	pid_t p = SPAWN({
		ASSERT_OK(TRACE(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR2);
	});
	sigset_t s = set_of(SIGCHLD);
	siginfo_t si;
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGCHLD);
	ASSERT_EQ(si.si_code, CLD_TRAPPED);
	ASSERT_EQ(si.si_pid, p);
	ASSERT_EQ(si.si_status, SIGUSR2);
	ASSERT_EQ(stop_of(p), SIGUSR2);
	kill_and_reap(p);
}

TEST(the_tracer_suppresses_and_replaces_signals)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGUSR2, count_signal, 0);
	pid_t p = TRACEE({
		raise(SIGTERM);
		ASSERT_EQ(signal_count, 0);
		raise(SIGUSR1);
		ASSERT_EQ(signal_count, 1);
		ASSERT_EQ(signal_last, SIGUSR2);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTERM);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	cont(p, SIGUSR2);
	expect_exit(p, 0);
}

TEST(ignored_signals_are_seen_and_blocked_ones_are_not)
{
	signal(SIGUSR1, SIG_IGN);
	pid_t p = TRACEE({
		raise(SIGUSR1);
		raise(SIGCHLD);
		block_signal(SIGTERM);
		raise(SIGTERM);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	cont(p, SIGUSR1);
	ASSERT_EQ(stop_of(p), SIGCHLD);
	cont(p, SIGCHLD);
	expect_exit(p, 0);
}

static siginfo_t seen;

static void see(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	seen = *si;
}

TEST(siginfo_can_be_read_and_written)
{
	on_siginfo(SIGUSR1, see, 0);
	pid_t p = TRACEE({
		union sigval v = {.sival_int = 5};
		ASSERT_OK(sigqueue(getpid(), SIGUSR1, v));
		ASSERT_EQ(seen.si_int, 6);
		ASSERT_EQ(seen.si_code, SI_QUEUE);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	siginfo_t si = info_of(p);
	ASSERT_EQ(si.si_signo, SIGUSR1);
	ASSERT_EQ(si.si_code, SI_QUEUE);
	ASSERT_EQ(si.si_int, 5);
	ASSERT_EQ(si.si_pid, p);
	si.si_int = 6;
	ASSERT_OK(TRACE(PTRACE_SETSIGINFO, p, 0, &si));
	cont(p, SIGUSR1);
	expect_exit(p, 0);
}

TEST(a_replaced_signal_comes_from_the_tracer)
{
	pid_t me = getpid();
	on_siginfo(SIGUSR2, see, 0);
	pid_t p = TRACEE({
		raise(SIGUSR1);
		ASSERT_EQ(seen.si_signo, SIGUSR2);
		ASSERT_EQ(seen.si_code, SI_USER);
		ASSERT_EQ(seen.si_pid, me);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	cont(p, SIGUSR2);
	expect_exit(p, 0);
}

TEST(pending_signals_can_be_peeked_at)
{
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args = {0, 0, 10};
	siginfo_t si[10];
	pid_t p = TRACEE({
		union sigval v = {.sival_int = 1};
		block_signal(SIGRTMIN);
		ASSERT_OK(sigqueue(getpid(), SIGRTMIN, v));
		v.sival_int = 2;
		ASSERT_OK(sigqueue(getpid(), SIGRTMIN, v));
		syscall(SYS_tkill, getpid(), SIGRTMIN);
		raise(SIGUSR1);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	ASSERT_EQ(TRACE(PTRACE_PEEKSIGINFO, p, &args, si), 1);
	ASSERT_EQ(si[0].si_code, SI_TKILL);
	args.flags = 1;
	ASSERT_EQ(TRACE(PTRACE_PEEKSIGINFO, p, &args, si), 2);
	ASSERT(si[0].si_int == 1 && si[1].si_int == 2);
	args.off = 1;
	ASSERT_EQ(TRACE(PTRACE_PEEKSIGINFO, p, &args, si), 1);
	ASSERT_EQ(si[0].si_int, 2);
	args.off = 2;
	ASSERT_EQ(TRACE(PTRACE_PEEKSIGINFO, p, &args, si), 0);
	args.flags = 2;
	ASSERT_ERR(TRACE(PTRACE_PEEKSIGINFO, p, &args, si), EINVAL);
	kill_and_reap(p);
}

TEST(the_mask_can_be_read_and_written)
{
	uint64_t mask = 0;
	pid_t p = TRACEE({
		block_signal(SIGUSR1);
		raise(SIGUSR2);
		sigset_t now;
		ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &now));
		ASSERT(sigismember(&now, SIGTERM) && !sigismember(&now, SIGUSR1));
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR2);
	ASSERT_OK(TRACE(PTRACE_GETSIGMASK, p, 8, &mask));
	ASSERT_EQ(mask, 1ull << (SIGUSR1 - 1));
	mask = 1ull << (SIGTERM - 1) | 1ull << (SIGKILL - 1);
	ASSERT_OK(TRACE(PTRACE_SETSIGMASK, p, 8, &mask));
	ASSERT_OK(TRACE(PTRACE_GETSIGMASK, p, 8, &mask));
	ASSERT_EQ(mask, 1ull << (SIGTERM - 1));
	ASSERT_ERR(TRACE(PTRACE_GETSIGMASK, p, 16, &mask), EINVAL);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_signal_that_became_blocked_waits)
{
	pid_t p = TRACEE({
		raise(SIGUSR1);
		ASSERT(is_pending(SIGUSR1));
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	uint64_t mask = 1ull << (SIGUSR1 - 1);
	ASSERT_OK(TRACE(PTRACE_SETSIGMASK, p, 8, &mask));
	cont(p, SIGUSR1);
	expect_exit(p, 0);
}

TEST(each_call_stops_twice)
{
	pid_t p = TRACEE(syscall(SYS_getppid));
	options(p, PTRACE_O_TRACESYSGOOD);
	run_to_call(p, SYS_getppid);
	ASSERT_EQ((long)regs_of(p).rax, -ENOSYS);
	siginfo_t si = info_of(p);
	ASSERT_EQ(si.si_signo, SIGTRAP);
	ASSERT_EQ(si.si_code, SYSCALL_STOP);
	ASSERT_EQ(message_of(p), 1);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	ASSERT_EQ(regs_of(p).rax, getpid());
	ASSERT_EQ(regs_of(p).orig_rax, SYS_getppid);
	ASSERT_EQ(message_of(p), 2);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(without_sysgood_a_call_is_a_plain_sigtrap)
{
	pid_t p = TRACEE(syscall(SYS_getppid));
	ASSERT_EQ(step_call(p), SIGTRAP);
	ASSERT_EQ(info_of(p).si_code, SIGTRAP);
	kill_and_reap(p);
}

TEST(number_arguments_and_result_can_be_changed)
{
	pid_t p = TRACEE({
		ASSERT_EQ(syscall(SYS_getppid), getpid());
		ASSERT_EQ(syscall(SYS_getuid), 4711);
		ASSERT_ERR(syscall(SYS_dup, 0), EBADF);
	});
	options(p, PTRACE_O_TRACESYSGOOD);
	run_to_call(p, SYS_getppid);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), SYS_getpid));
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	run_to_call(p, SYS_getuid);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rax), 4711));
	run_to_call(p, SYS_dup);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rdi), 99));
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(number_minus_one_skips_the_call)
{
	pid_t p = TRACEE({
		ASSERT_ERR(syscall(SYS_getppid), ENOSYS);
		ASSERT_EQ(syscall(SYS_getuid), 4711);
	});
	options(p, PTRACE_O_TRACESYSGOOD);
	run_to_call(p, SYS_getppid);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), -1));
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	run_to_call(p, SYS_getuid);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.orig_rax), -1));
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rax), 4711));
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(sysemu_runs_no_call)
{
	pid_t p = TRACEE({
		ASSERT_EQ(syscall(SYS_kill, getppid(), SIGKILL), 11);
		ASSERT_EQ(syscall(SYS_getuid), getuid());
	});
	long nr;
	do {
		ASSERT_OK(TRACE(PTRACE_SYSEMU, p, 0, 0));
		ASSERT_EQ(stop_of(p), SIGTRAP);
		nr = (long)regs_of(p).orig_rax;
		if (nr != SYS_kill) {
			/* raise() may ask for its own numbers or masks first. */
			ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rax),
					nr == SYS_getppid ? getpid() : 0));
		}
	} while (nr != SYS_kill);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, offsetof(struct user, regs.rax), 11));
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(syscall_info_says_what_the_stop_is)
{
	struct syscall_info si;
	pid_t p = TRACEE(syscall(SYS_dup, 77, 2, 3));
	options(p, PTRACE_O_TRACESYSGOOD);
	ASSERT_EQ(TRACE(PTRACE_GET_SYSCALL_INFO, p, sizeof si, &si), 24);
	ASSERT_EQ(si.op, 0);
	run_to_call(p, SYS_dup);
	struct user_regs_struct r = regs_of(p);
	ASSERT_EQ(TRACE(PTRACE_GET_SYSCALL_INFO, p, sizeof si, &si), 80);
	ASSERT_EQ(si.op, 1);
	ASSERT_EQ(si.arch, 0xc000003e);
	ASSERT(si.ip == r.rip && si.sp == r.rsp);
	ASSERT(si.nr == SYS_dup && si.args[0] == 77 && si.args[2] == 3);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	memset(&si, 0x55, sizeof si);
	ASSERT_EQ(TRACE(PTRACE_GET_SYSCALL_INFO, p, 32, &si), 33);
	ASSERT_EQ(si.op, 2);
	ASSERT_EQ((int64_t)si.nr, -EBADF);
	ASSERT_EQ(si.args[0], 0x5555555555555555);
	ASSERT_EQ(TRACE(PTRACE_GET_SYSCALL_INFO, p, 33, &si), 33);
	ASSERT_EQ(si.args[0] & 0xff, 1);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(an_interrupted_call_shows_that_it_will_restart)
{
	struct gate g = gate_new();
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t p = TRACEE(gate_wait(g));
	options(p, PTRACE_O_TRACESYSGOOD);
	run_to_call(p, SYS_read);
	ASSERT_OK(TRACE(PTRACE_SYSCALL, p, 0, 0));
	await_state(p, 'S');
	ASSERT_OK(kill(p, SIGUSR1));
	ASSERT_EQ(stop_of(p), SYSCALL_STOP);
	ASSERT_EQ((long)regs_of(p).rax, -512);
	ASSERT_EQ(step_call(p), SIGUSR1);
	ASSERT_EQ((long)regs_of(p).rax, -512);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	struct user_regs_struct r = regs_of(p);
	ASSERT_EQ(r.orig_rax, SYS_read);
	ASSERT_EQ((long)r.rax, -ENOSYS);
	gate_open(g);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_single_step_is_one_instruction)
{
	pid_t p = TRACEE({
		__asm__ volatile("int3; nop; nop; mov $39, %%eax; syscall; nop; nop" ::
					 : "rax", "rcx", "r11", "memory");
	});
	const unsigned char at[] = {1, 2, 7, 9, 10, 11};
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	unsigned long start = regs_of(p).rip;
	for (unsigned i = 0; i < sizeof at; i++) {
		ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, 0));
		ASSERT_EQ(stop_of(p), SIGTRAP);
		struct user_regs_struct r = regs_of(p);
		ASSERT_EQ(r.rip, start + at[i]);
		ASSERT_EQ(r.eflags & 0x100, 0);
		siginfo_t si = info_of(p);
		ASSERT_EQ(si.si_code, at[i] == 9 ? TRAP_BRKPT : TRAP_TRACE);
	}
	ASSERT_EQ(regs_of(p).rax, p);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(steps_end_with_cont)
{
	pid_t p = TRACEE({
		for (volatile int i = 0; i < 1000; i = i + 1)
			;
	});
	for (int i = 0; i < 100; i++) {
		ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, 0));
		ASSERT_EQ(stop_of(p), SIGTRAP);
	}
	cont(p, 0);
	expect_exit(p, 0);
}

static volatile unsigned long handler_flags;

static void note_flags(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	handler_flags = (unsigned long)((ucontext_t *)uc)->uc_mcontext.gregs[17];
}

TEST(a_step_into_a_handler_stops_at_its_first_instruction)
{
	on_siginfo(SIGUSR1, note_flags, 0);
	pid_t p = TRACEE({
		raise(SIGUSR1);
		ASSERT_EQ(handler_flags & 0x100, 0);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGUSR1);
	ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, SIGUSR1));
	ASSERT_EQ(stop_of(p), SIGTRAP);
	ASSERT_EQ(regs_of(p).rip, (unsigned long)note_flags);
	ASSERT_EQ(regs_of(p).rdi, SIGUSR1);
	ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, 0));
	ASSERT_EQ(stop_of(p), SIGTRAP);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(int3_tells_the_kernel_did_it)
{
	pid_t p = TRACEE(__asm__ volatile("int3"));
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	ASSERT_EQ(info_of(p).si_code, SI_KERNEL);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(a_breakpoint_is_set_hit_and_stepped_over)
{
	pid_t p = TRACEE({
		for (int i = 0; i < 3; i++)
			syscall(SYS_getppid);
	});
	long text = peek(p, (void *)syscall);
	for (int i = 0; i < 3; i++) {
		poke(p, (void *)syscall, (text & ~0xffl) | 0xcc);
		cont(p, 0);
		ASSERT_EQ(stop_of(p), SIGTRAP);
		struct user_regs_struct r = regs_of(p);
		ASSERT_EQ(r.rip, (unsigned long)syscall + 1);
		r.rip--;
		set_regs(p, &r);
		poke(p, (void *)syscall, text);
		ASSERT_OK(TRACE(PTRACE_SINGLESTEP, p, 0, 0));
		ASSERT_EQ(stop_of(p), SIGTRAP);
	}
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(sigkill_ends_a_stopped_tracee)
{
	pid_t p = TRACEE();
	ASSERT_OK(kill(p, SIGKILL));
	expect_killed(p, SIGKILL);
	p = TRACEE();
	ASSERT_OK(TRACE(PTRACE_KILL, p, 0, 0));
	expect_killed(p, SIGKILL);
}

TEST(detach_lets_it_go_with_a_signal)
{
	pid_t p = TRACEE();
	ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, SIGUSR1));
	expect_killed(p, SIGUSR1);
	p = TRACEE(raise(SIGCHLD));
	ASSERT_OK(TRACE(PTRACE_DETACH, p, 0, 0));
	expect_exit(p, 0);
}

TEST(faults_stop_before_they_kill)
{
	pid_t p = TRACEE(*(volatile int *)0x123000 = 1);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGSEGV);
	siginfo_t si = info_of(p);
	ASSERT_EQ(si.si_code, SEGV_MAPERR);
	ASSERT_EQ((uintptr_t)si.si_addr, 0x123000);
	cont(p, SIGSEGV);
	expect_killed(p, SIGSEGV);
}

TEST_MAIN()
