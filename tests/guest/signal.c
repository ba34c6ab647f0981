/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: actions and their flags, masks, pending signals; see signal_wait.c and siginfo.c. */
#include "task.h"

#include <pthread.h>

struct ksigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

TEST(sigaction_returns_the_old_action)
{
	struct sigaction sa, old;
	on_signal(SIGUSR1, count_signal, SA_RESTART | SA_NODEFER);
	sa = (struct sigaction){.sa_handler = SIG_IGN};
	ASSERT_OK(sigaction(SIGUSR1, &sa, &old));
	ASSERT(old.sa_handler == count_signal);
	ASSERT_EQ(old.sa_flags & ~0x04000000, SA_RESTART | SA_NODEFER);
	ASSERT_OK(sigaction(SIGUSR1, NULL, &old));
	ASSERT(old.sa_handler == SIG_IGN);
}

TEST(sigaction_errors)
{
	struct ksigaction ign = {.handler = SIG_IGN};
	ASSERT_ERR(syscall(SYS_rt_sigaction, 0, &ign, NULL, 8), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigaction, 65, &ign, NULL, 8), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, &ign, NULL, 4), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, &ign, NULL, 16), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, 1, NULL, 8), EFAULT);
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, 1, 8), EFAULT);
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGKILL, &ign, NULL, 8), EINVAL);
}

TEST(sigkills_action_can_be_read)
{
	struct ksigaction old = {.handler = SIG_IGN};
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, 8));
	ASSERT(old.handler == SIG_DFL);
}

TEST(the_action_is_set_even_when_the_old_one_cannot_be_written)
{
	struct ksigaction ign = {.handler = SIG_IGN}, now;
	ASSERT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, &ign, 1, 8), EFAULT);
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8));
	ASSERT(now.handler == SIG_IGN);
}

TEST(unknown_flags_are_cleared)
{
	struct ksigaction sa = {.handler = SIG_IGN, .flags = 0x00ff0000 | SA_RESTART}, now;
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, &sa, NULL, 8));
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8));
	ASSERT_EQ(now.flags, SA_RESTART);
}

TEST(kill_and_stop_are_removed_from_the_handlers_mask)
{
	struct ksigaction sa = {.handler = SIG_IGN, .mask = ~0ul}, now;
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, &sa, NULL, 8));
	ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8));
	ASSERT_EQ(now.mask, ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1)));
}

static volatile int depth, deepest;

static void raise_again(int sig)
{
	depth = depth + 1;
	if (depth > deepest)
		deepest = depth;
	signal_count = signal_count + 1;
	if (signal_count < 3)
		raise(sig);
	depth = depth - 1;
}

TEST(a_signal_is_blocked_while_its_handler_runs)
{
	on_signal(SIGUSR1, raise_again, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 3);
	ASSERT_EQ(deepest, 1);
}

TEST(nodefer_lets_it_nest)
{
	on_signal(SIGUSR1, raise_again, SA_NODEFER);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 3);
	ASSERT_EQ(deepest, 3);
}

TEST(resethand_makes_it_default_after_one)
{
	struct sigaction sa;
	on_signal(SIGUSR1, count_signal, (int)SA_RESETHAND);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 1);
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == SIG_DFL);
	ASSERT_EQ(wait_status(SPAWN({ raise(SIGUSR1); })), SIGUSR1);
}

static sigset_t mask_inside;

static void note_mask(int sig)
{
	count_signal(sig);
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

TEST(the_actions_mask_is_added_during_the_handler)
{
	struct sigaction sa = {.sa_handler = note_mask};
	sigset_t after;
	sigaddset(&sa.sa_mask, SIGUSR2);
	block_signal(SIGHUP);
	ASSERT_OK(sigaction(SIGUSR1, &sa, NULL));
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(sigismember(&mask_inside, SIGUSR1));
	ASSERT(sigismember(&mask_inside, SIGUSR2));
	ASSERT(sigismember(&mask_inside, SIGHUP));
	ASSERT(!sigismember(&mask_inside, SIGINT));
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &after));
	ASSERT(!sigismember(&after, SIGUSR1));
	ASSERT(!sigismember(&after, SIGUSR2));
	ASSERT(sigismember(&after, SIGHUP));
}

static void block_inside(int sig)
{
	count_signal(sig);
	block_signal(SIGUSR2);
}

TEST(the_mask_is_restored_when_the_handler_returns)
{
	sigset_t after;
	on_signal(SIGUSR1, block_inside, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &after));
	ASSERT(!sigismember(&after, SIGUSR2));
}

TEST(a_blocked_signal_is_delivered_when_unblocked)
{
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(is_pending(SIGUSR1));
	ASSERT_EQ(signal_count, 0);
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 1);
	ASSERT(!is_pending(SIGUSR1));
}

TEST(standard_signals_do_not_queue)
{
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	for (int i = 0; i < 5; i++)
		ASSERT_OK(kill(getpid(), SIGUSR1));
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 1);
}

TEST(one_for_the_thread_and_one_for_the_process_are_two)
{
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(raise(SIGUSR1));
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 2);
}

TEST(real_time_signals_queue)
{
	on_signal(SIGRTMIN, count_signal, 0);
	block_signal(SIGRTMIN);
	for (int i = 0; i < 7; i++)
		ASSERT_OK(kill(getpid(), SIGRTMIN));
	unblock_signal(SIGRTMIN);
	ASSERT_EQ(signal_count, 7);
}

TEST(setting_ignore_discards_what_is_pending)
{
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(kill(getpid(), SIGUSR1));
	on_signal(SIGUSR1, SIG_IGN, 0);
	ASSERT(!is_pending(SIGUSR1));
}

TEST(setting_default_discards_what_is_ignored_by_default)
{
	on_signal(SIGCHLD, count_signal, 0);
	block_signal(SIGCHLD);
	ASSERT_OK(raise(SIGCHLD));
	ASSERT(is_pending(SIGCHLD));
	on_signal(SIGCHLD, SIG_DFL, 0);
	ASSERT(!is_pending(SIGCHLD));
}

/* The kernel wins: a blocked signal is kept even if it is ignored now. */
TEST(an_ignored_signal_that_is_blocked_becomes_pending)
{
	on_signal(SIGUSR1, SIG_IGN, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(is_pending(SIGUSR1));
	on_signal(SIGUSR1, count_signal, 0);
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 1);
}

static int order[16], order_len;

static void note_order(int sig)
{
	if (order_len < 16)
		order[order_len++] = sig;
}

/* Handlers stack up: the one delivered last runs first, so mask everything to see the order. */
static void on_ordered(int sig)
{
	struct sigaction sa = {.sa_handler = note_order};
	sigfillset(&sa.sa_mask);
	ASSERT_OK(sigaction(sig, &sa, NULL));
	block_signal(sig);
}

TEST(lower_numbers_are_delivered_first)
{
	const int sent[] = {SIGRTMAX, SIGRTMIN, SIGUSR2, SIGHUP, SIGUSR1};
	static const int want[] = {SIGHUP, SIGUSR1, SIGUSR2, 0, 0};
	sigset_t none = set_of(0);
	for (int i = 0; i < 5; i++)
		on_ordered(sent[i]);
	for (int i = 0; i < 5; i++)
		ASSERT_OK(raise(sent[i]));
	ASSERT_OK(sigprocmask(SIG_SETMASK, &none, NULL));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(order[i], want[i]);
	ASSERT_EQ(order[3], SIGRTMIN);
	ASSERT_EQ(order[4], SIGRTMAX);
}

TEST(faults_come_before_lower_numbers)
{
	sigset_t none = set_of(0);
	on_ordered(SIGHUP);
	on_ordered(SIGSEGV);
	on_ordered(SIGBUS);
	ASSERT_OK(raise(SIGHUP));
	ASSERT_OK(raise(SIGSEGV));
	ASSERT_OK(raise(SIGBUS));
	ASSERT_OK(sigprocmask(SIG_SETMASK, &none, NULL));
	ASSERT_EQ(order[0], SIGBUS);
	ASSERT_EQ(order[1], SIGSEGV);
	ASSERT_EQ(order[2], SIGHUP);
}

TEST(the_threads_own_signals_come_before_the_processes)
{
	sigset_t none = set_of(0);
	on_ordered(SIGHUP);
	on_ordered(SIGUSR2);
	ASSERT_OK(kill(getpid(), SIGHUP));
	ASSERT_OK(raise(SIGUSR2));
	ASSERT_OK(sigprocmask(SIG_SETMASK, &none, NULL));
	ASSERT_EQ(order[0], SIGUSR2);
	ASSERT_EQ(order[1], SIGHUP);
}

TEST(without_masks_the_last_handler_set_up_runs_first)
{
	sigset_t none = set_of(0);
	static const int sigs[] = {SIGHUP, SIGUSR1, SIGUSR2};
	for (int i = 0; i < 3; i++) {
		on_signal(sigs[i], note_order, 0);
		block_signal(sigs[i]);
		ASSERT_OK(raise(sigs[i]));
	}
	ASSERT_OK(sigprocmask(SIG_SETMASK, &none, NULL));
	ASSERT_EQ(order[0], SIGUSR2);
	ASSERT_EQ(order[1], SIGUSR1);
	ASSERT_EQ(order[2], SIGHUP);
}

TEST(sigprocmask_blocks_unblocks_and_sets)
{
	sigset_t a = set_of(SIGUSR1), b = set_of(SIGUSR2), now;
	ASSERT_OK(sigprocmask(SIG_SETMASK, &a, NULL));
	ASSERT_OK(sigprocmask(SIG_BLOCK, &b, &now));
	ASSERT(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
	ASSERT_OK(sigprocmask(SIG_UNBLOCK, &a, &now));
	ASSERT(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	ASSERT_OK(sigprocmask(SIG_SETMASK, NULL, &now));
	ASSERT(!sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
}

TEST(sigprocmask_errors)
{
	unsigned long set = 0;
	ASSERT_ERR(syscall(SYS_rt_sigprocmask, 3, &set, NULL, 8), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 1, NULL, 8), EFAULT);
	ASSERT_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, 1, 8), EFAULT);
	/* How is not looked at without a set. */
	ASSERT_OK(syscall(SYS_rt_sigprocmask, 77, NULL, &set, 8));
}

TEST(kill_and_stop_are_silently_not_blocked)
{
	unsigned long all = ~0ul, now = 0;
	ASSERT_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8));
	ASSERT_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, 8));
	ASSERT_EQ(now, ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1)));
}

TEST(sigpending_takes_a_short_size_and_no_long_one)
{
	unsigned long set = ~0ul;
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(syscall(SYS_rt_sigpending, &set, 4));
	ASSERT_EQ(set, 0xffffffff00000000ul | 1ul << (SIGUSR1 - 1));
	ASSERT_ERR(syscall(SYS_rt_sigpending, &set, 9), EINVAL);
}

static void *raise_in_thread(void *arg)
{
	sigset_t *set = arg;
	raise(SIGUSR1);
	sigpending(set);
	return NULL;
}

TEST(a_thread_inherits_the_mask_and_has_its_own_pending_set)
{
	sigset_t theirs;
	pthread_t t;
	block_signal(SIGUSR1);
	ASSERT_EQ(pthread_create(&t, NULL, raise_in_thread, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT(sigismember(&theirs, SIGUSR1));
	ASSERT(!is_pending(SIGUSR1));
}

static void *see_pending(void *arg)
{
	sigpending(arg);
	return NULL;
}

TEST(every_thread_sees_what_is_pending_for_the_process)
{
	sigset_t theirs;
	pthread_t t;
	block_signal(SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(pthread_create(&t, NULL, see_pending, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT(sigismember(&theirs, SIGUSR1));
}

TEST(a_new_thread_starts_with_nothing_pending_of_its_own)
{
	sigset_t theirs;
	pthread_t t;
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(pthread_create(&t, NULL, see_pending, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT(!sigismember(&theirs, SIGUSR1));
}

TEST(sigpipe_is_sent_with_epipe)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	close(fd[0]);
	on_signal(SIGPIPE, count_signal, 0);
	ASSERT_ERR(write(fd[1], "x", 1), EPIPE);
	ASSERT_EQ(signal_count, 1);
	on_signal(SIGPIPE, SIG_IGN, 0);
	ASSERT_ERR(write(fd[1], "x", 1), EPIPE);
	ASSERT_EQ(wait_status(SPAWN({
			  on_signal(SIGPIPE, SIG_DFL, 0);
			  ASSERT_EQ(write(fd[1], "x", 1), 1);
		  })),
		  SIGPIPE);
}

TEST(abort_kills_even_if_ignored)
{
	ASSERT_EQ(wait_status(SPAWN({
			  on_signal(SIGABRT, SIG_IGN, 0);
			  abort();
		  })) & 0x7f,
		  SIGABRT);
}

TEST_MAIN()
