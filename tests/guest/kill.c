/* SPDX-License-Identifier: Apache-2.0 */
/* kill, tkill, tgkill: targets, permissions, signal numbers. */
#include "task.h"

#include <pthread.h>

static long tgkill_raw(pid_t tgid, pid_t tid, int sig)
{
	return syscall(SYS_tgkill, tgid, tid, sig);
}

static pid_t spawn_pauser(void)
{
	return SPAWN({
		for (;;)
			pause();
	});
}

TEST(signal_zero_only_checks)
{
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, 0));
	ASSERT_OK(kill(getpid(), 0));
	ASSERT_EQ(waitpid(p, NULL, WNOHANG), 0);
	kill_and_reap(p);
	ASSERT_ERR(kill(p, 0), ESRCH);
}

TEST(bad_signal_numbers_are_einval)
{
	ASSERT_ERR(kill(getpid(), 65), EINVAL);
	ASSERT_ERR(kill(getpid(), -1), EINVAL);
	ASSERT_ERR(kill(0, 65), EINVAL);
	ASSERT_ERR(tgkill_raw(getpid(), thread_id(), 65), EINVAL);
}

TEST(a_missing_target_is_esrch)
{
	pid_t gone = dead_pid();
	ASSERT_ERR(kill(gone, SIGTERM), ESRCH);
	ASSERT_ERR(kill(-gone, SIGTERM), ESRCH);
	ASSERT_ERR(kill(INT_MIN, SIGTERM), ESRCH);
}

TEST(zero_is_the_callers_group)
{
	pid_t p = spawn_pauser(), q = spawn_pauser();
	ASSERT_OK(setpgid(q, q));
	on_signal(SIGUSR1, count_signal, 0);
	ASSERT_OK(kill(0, SIGUSR1));
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(wait_status(p), SIGUSR1);
	ASSERT_EQ(waitpid(q, NULL, WNOHANG), 0);
	kill_and_reap(q);
}

TEST(a_negative_pid_is_a_group)
{
	pid_t p = spawn_pauser(), q = spawn_pauser(), r = spawn_pauser();
	ASSERT_OK(setpgid(p, p));
	ASSERT_OK(setpgid(q, p));
	ASSERT_OK(kill(-p, SIGTERM));
	ASSERT_EQ(wait_status(p), SIGTERM);
	ASSERT_EQ(wait_status(q), SIGTERM);
	ASSERT_EQ(waitpid(r, NULL, WNOHANG), 0);
	kill_and_reap(r);
}

TEST(a_group_lives_without_its_leader)
{
	pid_t p = spawn_pauser(), q = spawn_pauser();
	ASSERT_OK(setpgid(p, p));
	ASSERT_OK(setpgid(q, p));
	kill_and_reap(p);
	ASSERT_OK(kill(-p, 0));
	ASSERT_OK(kill(-p, SIGKILL));
	ASSERT_EQ(wait_status(q), SIGKILL);
	ASSERT_ERR(kill(-p, 0), ESRCH);
}

TEST(a_signal_to_oneself_is_delivered_before_kill_returns)
{
	on_signal(SIGUSR1, count_signal, 0);
	for (int i = 1; i <= 20; i++) {
		ASSERT_OK(kill(getpid(), SIGUSR1));
		ASSERT_EQ(signal_count, i);
	}
}

TEST(another_user_may_not_signal_root)
{
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(kill(me, 0), EPERM);
		ASSERT_ERR(kill(me, SIGTERM), EPERM);
		ASSERT_ERR(tgkill_raw(me, me, SIGTERM), EPERM);
	}));
}

TEST(the_same_user_may_signal)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		ASSERT_OK(setuid(54321));
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	JOIN(SPAWN({
		ASSERT_OK(setuid(54321));
		ASSERT_OK(kill(p, SIGTERM));
	}));
	ASSERT_EQ(wait_status(p), SIGTERM);
}

TEST(the_effective_id_of_the_sender_meets_the_saved_id_of_the_target)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		ASSERT_OK(setresuid(1001, 1002, 1003));
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	JOIN(SPAWN({
		ASSERT_OK(setresuid(2000, 1002, 2000));
		ASSERT_ERR(kill(p, 0), EPERM);
	}));
	JOIN(SPAWN({
		ASSERT_OK(setresuid(2000, 1003, 2000));
		ASSERT_OK(kill(p, 0));
	}));
	JOIN(SPAWN({
		ASSERT_OK(setresuid(1001, 2000, 2000));
		ASSERT_OK(kill(p, 0));
	}));
	kill_and_reap(p);
}

TEST(sigcont_is_allowed_within_a_session)
{
	pid_t p = spawn_pauser();
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(kill(p, SIGTERM), EPERM);
		ASSERT_OK(kill(p, SIGCONT));
	}));
	JOIN(SPAWN({
		ASSERT(setsid() > 0);
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(kill(p, SIGCONT), EPERM);
	}));
	kill_and_reap(p);
}

TEST(a_group_signal_succeeds_if_one_member_may_be_signalled)
{
	struct gate up = gate_new();
	pid_t root = spawn_pauser();
	ASSERT_OK(setpgid(root, root));
	pid_t user = SPAWN({
		ASSERT_OK(setpgid(0, root));
		ASSERT_OK(setuid(NOBODY));
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_OK(kill(-root, SIGTERM));
	}));
	ASSERT_EQ(wait_status(user), SIGTERM);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(kill(-root, SIGTERM), EPERM);
	}));
	kill_and_reap(root);
}

TEST(sigkill_and_sigstop_cannot_be_caught_blocked_or_ignored)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};
	ASSERT_ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
	ASSERT_ERR(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	pid_t p = SPAWN({
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		for (;;)
			pause();
	});
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, NULL, WUNTRACED), p);
	kill_and_reap(p);
}

static struct gate thread_up;
static volatile pid_t handler_tid;

static void note_thread(int sig)
{
	count_signal(sig);
	handler_tid = thread_id();
}

static void *wait_for_signal(void *arg)
{
	*(pid_t *)arg = thread_id();
	gate_open(thread_up);
	while (!signal_count)
		nap(1);
	return NULL;
}

TEST(tgkill_reaches_one_thread)
{
	pthread_t t;
	pid_t tid;
	thread_up = gate_new();
	on_signal(SIGUSR1, note_thread, 0);
	ASSERT_EQ(pthread_create(&t, NULL, wait_for_signal, &tid), 0);
	gate_wait(thread_up);
	ASSERT_OK(tgkill_raw(getpid(), tid, SIGUSR1));
	pthread_join(t, NULL);
	ASSERT_EQ(handler_tid, tid);
	ASSERT_EQ(signal_count, 1);
}

TEST(kill_accepts_a_thread_id)
{
	pthread_t t;
	pid_t tid;
	thread_up = gate_new();
	on_signal(SIGUSR1, note_thread, 0);
	ASSERT_EQ(pthread_create(&t, NULL, wait_for_signal, &tid), 0);
	gate_wait(thread_up);
	/* The signal goes to the process; the kernel wins over the manual, which knows only pids.
	 */
	ASSERT_OK(kill(tid, SIGUSR1));
	pthread_join(t, NULL);
}

TEST(a_process_signal_goes_to_a_thread_that_does_not_block_it)
{
	pthread_t t;
	pid_t tid;
	thread_up = gate_new();
	on_signal(SIGUSR1, note_thread, 0);
	ASSERT_EQ(pthread_create(&t, NULL, wait_for_signal, &tid), 0);
	gate_wait(thread_up);
	block_signal(SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	pthread_join(t, NULL);
	ASSERT_EQ(handler_tid, tid);
}

TEST(tgkill_wants_the_right_group)
{
	pid_t p = spawn_pauser();
	ASSERT_ERR(tgkill_raw(getpid(), p, 0), ESRCH);
	ASSERT_ERR(tgkill_raw(0, p, 0), EINVAL);
	ASSERT_ERR(tgkill_raw(p, 0, 0), EINVAL);
	ASSERT_ERR(tgkill_raw(p, -1, 0), EINVAL);
	ASSERT_OK(tgkill_raw(p, p, 0));
	kill_and_reap(p);
}

TEST(tkill_takes_only_a_thread)
{
	ASSERT_OK(syscall(SYS_tkill, thread_id(), 0));
	ASSERT_ERR(syscall(SYS_tkill, 0, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_tkill, -1, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_tkill, dead_pid(), 0), ESRCH);
}

static int dies_of(int sig)
{
	pid_t p = SPAWN({
		ASSERT_OK(raise(sig));
		_exit(0);
	});
	return wait_status(p) & 0x7f;
}

TEST(default_actions_that_kill)
{
	static const int kills[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
				    SIGBUS,  SIGFPE,	SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,
				    SIGALRM, SIGTERM,	SIGXCPU, SIGXFSZ, SIGPROF, SIGVTALRM,
				    SIGIO,   SIGSTKFLT, SIGPWR,	 SIGSYS,  34,	   64};
	for (size_t i = 0; i < sizeof kills / sizeof *kills; i++)
		ASSERT_EQ(dies_of(kills[i]), kills[i]);
}

TEST(default_actions_that_do_nothing)
{
	static const int ignored[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		ASSERT_EQ(dies_of(ignored[i]), 0);
}

TEST(default_actions_that_stop)
{
	static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
		pid_t p = spawn_pauser();
		int st;
		ASSERT_OK(kill(p, stops[i]));
		ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
		ASSERT_EQ(st, stops[i] << 8 | 0x7f);
		kill_and_reap(p);
	}
}

TEST_MAIN()
