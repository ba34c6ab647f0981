/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: what filters do with calls, who may install them, who inherits them. */
#include "filter.h"

#include <pthread.h>
#include <ucontext.h>

TEST(errno_is_what_the_filter_says)
{
	no_new_privs();
	FILTER(ON_CALL(SYS_getppid, ERRNO(4000)), ON_CALL(SYS_getuid, ERRNO(0)),
	       ON_CALL(SYS_dup, ERRNO(5000)), ALLOW);
	ASSERT_ERR(syscall(SYS_getppid), 4000);
	ASSERT_EQ(syscall(SYS_getuid), 0);
	ASSERT_ERR(syscall(SYS_dup, 0), 4095);
	ASSERT_EQ(syscall(SYS_getpid), getpid());
	ASSERT_EQ(status_field("Seccomp", 10), 2);
	ASSERT_EQ(status_field("Seccomp_filters", 10), 1);
	ASSERT_EQ(prctl(PR_GET_SECCOMP), 2);
}

TEST(filters_need_no_new_privs_or_a_capability)
{
	struct sock_fprog prog = PROG(ALLOW);
	ASSERT_EQ(status_field("Seccomp", 10), prctl(PR_GET_SECCOMP));
	if (getuid() != 0)
		SKIP("not root");
	JOIN(SPAWN(ASSERT_OK(install(0, prog))));
	ASSERT_OK(setresuid(NOBODY, NOBODY, NOBODY));
	ASSERT_ERR(install(0, prog), EACCES);
	ASSERT_ERR(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), EACCES);
	no_new_privs();
	ASSERT_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

TEST(the_data_is_number_architecture_address_and_arguments)
{
	no_new_privs();
	FILTER(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup2, 1, 0), ALLOW,
	       ST(BPF_LD | BPF_W | BPF_ABS, 4), JP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	       RET(ERRNO(1)), ST(BPF_LD | BPF_W | BPF_ABS, 12),
	       JP(BPF_JMP | BPF_JGE | BPF_K, 0x8000, 0, 1), RET(ERRNO(2)), LOAD_ARG(1),
	       JP(BPF_JMP | BPF_JEQ | BPF_K, 0x55667788, 1, 0), RET(ERRNO(3)),
	       ST(BPF_LD | BPF_W | BPF_ABS, 16 + 8 + 4),
	       JP(BPF_JMP | BPF_JEQ | BPF_K, 0x11223344, 1, 0), RET(ERRNO(4)),
	       ST(BPF_LD | BPF_W | BPF_LEN, 0), JP(BPF_JMP | BPF_JEQ | BPF_K, 64, 1, 0),
	       RET(ERRNO(5)), RET(ERRNO(77)));
	ASSERT_ERR(syscall(SYS_dup2, 1, 0x1122334455667788), 77);
	ASSERT_ERR(syscall(SYS_dup2, 1, 1), 3);
}

TEST(the_sternest_filter_wins)
{
	no_new_privs();
	FILTER(ON_CALL(SYS_getppid, ERRNO(1)), ON_CALL(SYS_getuid, ERRNO(1)), ALLOW);
	FILTER(ON_CALL(SYS_getppid, ERRNO(2)), ALLOW);
	FILTER(ON_CALL(SYS_getuid, SECCOMP_RET_ALLOW | 9), ALLOW);
	/* Of two alike the last one installed. */
	ASSERT_ERR(syscall(SYS_getppid), 2);
	ASSERT_ERR(syscall(SYS_getuid), 1);
	ASSERT_EQ(status_field("Seccomp_filters", 10), 3);
}

static siginfo_t seen;
static long seen_rax, seen_rip;

static void on_sys(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	seen = *si;
	seen_rax = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX];
	seen_rip = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX] = 4711;
}

TEST(trap_is_a_sigsys_that_tells_all)
{
	no_new_privs();
	on_siginfo(SIGSYS, on_sys, 0);
	FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_TRAP | 123), ALLOW);
	ASSERT_EQ(syscall(SYS_getppid), 4711);
	ASSERT_EQ(seen.si_signo, SIGSYS);
	ASSERT_EQ(seen.si_code, 1);
	ASSERT_EQ(seen.si_errno, 123);
	ASSERT_EQ(seen.si_syscall, SYS_getppid);
	ASSERT_EQ(seen.si_arch, AUDIT_ARCH_X86_64);
	ASSERT_EQ((long)seen.si_call_addr, seen_rip);
	ASSERT_EQ(seen_rax, SYS_getppid);
}

TEST(trap_cannot_be_blocked)
{
	pid_t p = SPAWN({
		no_new_privs();
		on_siginfo(SIGSYS, on_sys, 0);
		block_signal(SIGSYS);
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_TRAP), ALLOW);
		syscall(SYS_getppid);
	});
	expect_killed(p, SIGSYS);
}

TEST(kill_process_is_sigsys_that_nothing_catches)
{
	const unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, 0x12340000};
	on_siginfo(SIGSYS, on_sys, 0);
	for (int i = 0; i < 3; i++) {
		pid_t p = SPAWN({
			no_new_privs();
			FILTER(ON_CALL(SYS_getppid, actions[i]), ALLOW);
			syscall(SYS_getppid);
		});
		expect_killed(p, SIGSYS);
	}
}

static void *ask_parent(void *arg)
{
	syscall(SYS_getppid);
	return arg;
}

TEST(kill_thread_kills_only_it)
{
	pthread_t t;
	pid_t p = SPAWN({
		no_new_privs();
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_KILL_THREAD), ALLOW);
		ASSERT_EQ(pthread_create(&t, NULL, ask_parent, NULL), 0);
		pthread_join(t, NULL);
		_exit(3);
	});
	expect_exit(p, 3);
	p = SPAWN({
		no_new_privs();
		FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_KILL_PROCESS), ALLOW);
		ASSERT_EQ(pthread_create(&t, NULL, ask_parent, NULL), 0);
		pthread_join(t, NULL);
		_exit(3);
	});
	expect_killed(p, SIGSYS);
}

TEST(log_runs_the_call_and_trace_without_a_tracer_is_enosys)
{
	no_new_privs();
	FILTER(ON_CALL(SYS_getppid, SECCOMP_RET_LOG), ON_CALL(SYS_getuid, SECCOMP_RET_TRACE),
	       ON_CALL(SYS_getgid, SECCOMP_RET_USER_NOTIF), ALLOW);
	ASSERT_EQ(syscall(SYS_getppid), getppid());
	ASSERT_ERR(syscall(SYS_getuid), ENOSYS);
	ASSERT_ERR(syscall(SYS_getgid), ENOSYS);
}

TEST(children_and_programs_inherit_filters)
{
	no_new_privs();
	FILTER(ON_CALL(SYS_getppid, ERRNO(99)), ALLOW);
	JOIN(SPAWN(ASSERT_ERR(syscall(SYS_getppid), 99)));
	pid_t p = SPAWN(execl("/proc/self/exe", "x", "parent", NULL));
	expect_exit(p, 99);
}

__attribute__((constructor)) static void ask_if_told(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "parent"))
		_exit(syscall(SYS_getppid) < 0 ? errno : 0);
}

TEST(strict_mode_knows_four_calls)
{
	char c = 'x';
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		ASSERT_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
		syscall(SYS_write, fd[1], &c, 1);
		syscall(SYS_read, fd[0], &c, 1);
		syscall(SYS_exit, 5);
	});
	expect_exit(p, 5);
	p = SPAWN({
		ASSERT_OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
		syscall(SYS_getpid);
	});
	expect_killed(p, SIGKILL);
	p = SPAWN({
		ASSERT_OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
		syscall(SYS_exit_group, 0);
	});
	expect_killed(p, SIGKILL);
}

TEST(modes_do_not_mix)
{
	no_new_privs();
	FILTER(ALLOW);
	ASSERT_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), EINVAL);
	ASSERT_ERR(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_SET_SECCOMP, 0, 0, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_SET_SECCOMP, 3, 0, 0, 0), EINVAL);
}

TEST(bad_operations_and_flags_are_einval)
{
	struct sock_fprog prog = PROG(ALLOW);
	no_new_privs();
	ASSERT_ERR(seccomp(99, 0, NULL), EINVAL);
	ASSERT_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	ASSERT_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 0, &prog), EINVAL);
	ASSERT_ERR(install(0x80, prog), EINVAL);
	ASSERT_ERR(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, prog), EINVAL);
	ASSERT_ERR(install(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, prog), EINVAL);
	ASSERT_ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
	ASSERT_ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8), EFAULT);
	ASSERT_OK(install(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, prog));
}

TEST(actions_can_be_asked_for)
{
	const unsigned known[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
				  SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE,
				  SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
	unsigned bad = 0x12340000;
	for (int i = 0; i < 7; i++) {
		unsigned a = known[i];
		ASSERT_OK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &a));
	}
	ASSERT_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &bad), EOPNOTSUPP);
	ASSERT_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &bad), EINVAL);
	ASSERT_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT);
}

TEST(filters_grow_to_a_limit)
{
	no_new_privs();
	struct sock_filter *f = calloc(4096, sizeof *f);
	for (int i = 0; i < 4096; i++)
		f[i] = (struct sock_filter)ST(BPF_LD | BPF_IMM, 0);
	f[4095] = (struct sock_filter)ALLOW;
	struct sock_fprog prog = {.len = 4096, .filter = f};
	int n = 0;
	while (n < 10 && install(0, prog) == 0)
		n++;
	ASSERT_EQ(errno, ENOMEM);
	ASSERT(n >= 5 && n <= 8);
}

static struct gate sync_gate;
static pid_t sync_tid;
static volatile int sync_up;

static void *sync_main(void *arg)
{
	sync_tid = thread_id();
	sync_up = 1;
	gate_wait(sync_gate);
	errno = 0;
	return (void *)(intptr_t)(syscall(SYS_getppid) < 0 ? errno : 0) + (arg ? 0 : 0);
}

static pthread_t sync_thread(void)
{
	pthread_t t;
	sync_gate = gate_new();
	sync_up = 0;
	ASSERT_EQ(pthread_create(&t, NULL, sync_main, NULL), 0);
	while (!sync_up)
		nap(1);
	return t;
}

TEST(tsync_reaches_all_threads)
{
	void *r;
	pthread_t t = sync_thread();
	no_new_privs();
	ASSERT_EQ(install(SECCOMP_FILTER_FLAG_TSYNC, PROG(ON_CALL(SYS_getppid, ERRNO(88)), ALLOW)), 0);
	ASSERT_EQ(status_of(sync_tid, "Seccomp"), 2);
	ASSERT_EQ(status_of(sync_tid, "NoNewPrivs"), 1);
	gate_open(sync_gate);
	pthread_join(t, &r);
	ASSERT_EQ((intptr_t)r, 88);
}

TEST(without_tsync_only_the_caller_is_bound)
{
	void *r;
	pthread_t t = sync_thread();
	no_new_privs();
	FILTER(ON_CALL(SYS_getppid, ERRNO(88)), ALLOW);
	gate_open(sync_gate);
	pthread_join(t, &r);
	ASSERT_EQ((intptr_t)r, 0);
}

static volatile int busy_stop;

static void *busy_main(void *arg)
{
	sync_up = 1;
	while (!busy_stop)
		;
	return (void *)(intptr_t)(syscall(SYS_getppid) < 0 ? errno : 0) + (arg ? 0 : 0);
}

TEST(tsync_reaches_threads_that_make_no_call)
{
	pthread_t t;
	void *r;
	ASSERT_EQ(pthread_create(&t, NULL, busy_main, NULL), 0);
	while (!sync_up)
		nap(1);
	no_new_privs();
	ASSERT_EQ(install(SECCOMP_FILTER_FLAG_TSYNC, PROG(ON_CALL(SYS_getppid, ERRNO(88)), ALLOW)), 0);
	busy_stop = 1;
	pthread_join(t, &r);
	ASSERT_EQ((intptr_t)r, 88);
}

static void *own_filter(void *arg)
{
	FILTER(ALLOW);
	return sync_main(arg);
}

TEST(tsync_names_the_thread_that_differs)
{
	pthread_t t;
	no_new_privs();
	sync_gate = gate_new();
	ASSERT_EQ(pthread_create(&t, NULL, own_filter, NULL), 0);
	while (!sync_up)
		nap(1);
	struct sock_fprog prog = PROG(ALLOW);
	ASSERT_EQ(install(SECCOMP_FILTER_FLAG_TSYNC, prog), sync_tid);
	ASSERT_ERR(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, prog), ESRCH);
	ASSERT_EQ(prctl(PR_GET_SECCOMP), 0);
	gate_open(sync_gate);
	pthread_join(t, NULL);
}

TEST(a_restarted_call_is_filtered_as_what_it_is)
{
	struct gate g = gate_new();
	no_new_privs();
	on_signal(SIGUSR1, count_signal, 0);
	pid_t p = SPAWN({
		struct timespec ts = {0, 300000000};
		FILTER(ON_CALL(SYS_restart_syscall, ERRNO(55)), ALLOW);
		gate_open(g);
		ASSERT_ERR(syscall(SYS_nanosleep, &ts, NULL), 55);
	});
	gate_wait(g);
	await_state(p, 'S');
	ASSERT_OK(kill(p, SIGSTOP));
	await_state(p, 'T');
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

TEST_MAIN()
