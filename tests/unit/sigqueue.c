/* SPDX-License-Identifier: Apache-2.0 */
/* Sending, queueing, choosing a thread, job control: signals without a guest. */
#include "task_fixture.h"

enum { HANDLER = 0x1000, RT = 40 };

static void block_everywhere(struct family *f, uint64_t set)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		waiter_set_self(&f->t[i]->waiter);
		signal_set_blocked(f->t[i], set);
	}
	waiter_set_self(NULL);
}

static void standard_signals_coalesce(void **state)
{
	struct family *f = *state;
	struct abi_siginfo out;
	block_everywhere(f, SIGBIT(SIGUSR1));
	for (int i = 1; i <= 3; i++)
		assert_int_equal(send_value(f->group, SIGUSR1, SI_QUEUE, i), 0);
	assert_int_equal(signal_dequeue(f->t[1], ~0ull, &out), SIGUSR1);
	assert_int_equal(out.rt.value.sival_int, 1);
	assert_int_equal(signal_dequeue(f->t[1], ~0ull, &out), 0);
}

static void realtime_signals_queue_in_order(void **state)
{
	struct family *f = *state;
	struct abi_siginfo out;
	block_everywhere(f, SIGBIT(RT) | SIGBIT(RT + 1));
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(send_value(f->group, RT + 1, SI_QUEUE, 10 + i), 0);
		assert_int_equal(send_value(f->group, RT, SI_QUEUE, i), 0);
	}
	for (int i = 1; i <= 6; i++) {
		int sig = signal_dequeue(f->t[0], ~0ull, &out);
		assert_int_equal(sig, i <= 3 ? RT : RT + 1);
		assert_int_equal(out.rt.value.sival_int, i <= 3 ? i : 10 + i - 3);
	}
}

static void the_limit_refuses_realtime_and_forgets_the_rest(void **state)
{
	struct family *f = *state;
	struct abi_siginfo out;
	block_everywhere(f, ~0ull);
	f->group->rlimits[RLIMIT_SIGPENDING].rlim_cur = 2;
	assert_int_equal(send_value(f->group, RT, SI_QUEUE, 1), 0);
	assert_int_equal(send_value(f->group, RT, SI_QUEUE, 2), 0);
	assert_int_equal(send_value(f->group, RT, SI_QUEUE, 3), -EAGAIN);
	/* kill(2) of a real-time signal never fails; its siginfo may be lost. */
	assert_int_equal(send_value(f->group, RT + 1, SI_USER, 4), 0);
	assert_int_equal(send_value(f->group, SIGUSR1, SI_QUEUE, 5), 0);
	assert_int_equal(signal_dequeue(f->t[0], SIGBIT(RT + 1), &out), RT + 1);
	assert_int_equal(out.code, SI_USER);
	assert_int_equal(out.kill.pid, 0);
	assert_int_equal(signal_dequeue(f->t[0], SIGBIT(SIGUSR1), &out), SIGUSR1);
	assert_int_equal(out.kill.pid, 0);
	assert_int_equal(sigqueue_count(0), 2);
}

static void ignored_signals_are_dropped_unless_blocked(void **state)
{
	struct family *f = *state;
	assert_int_equal(send_value(f->group, SIGCHLD, SI_USER, 0), 0);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), 0);
	block_everywhere(f, SIGBIT(SIGCHLD));
	assert_int_equal(send_value(f->group, SIGCHLD, SI_USER, 0), 0);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), SIGBIT(SIGCHLD));
	/* Ignoring it now drops what is pending. */
	set_handler(f, SIGCHLD, ABI_SIG_IGN);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), 0);
}

static void one_thread_is_chosen(void **state)
{
	struct family *f = *state;
	set_handler(f, SIGUSR1, HANDLER);
	set_handler(f, SIGUSR2, HANDLER);
	assert_int_equal(send_value(f->group, SIGUSR1, SI_USER, 0), 0);
	assert_true(signal_pending(f->t[0]));
	assert_false(signal_pending(f->t[1]));
	assert_int_equal(interrupts, 1);
	/* The leader is busy with it: the next one goes to somebody else. */
	assert_int_equal(send_value(f->group, SIGUSR2, SI_USER, 0), 0);
	assert_true(signal_pending(f->t[1]));
	assert_false(signal_pending(f->t[2]));
}

static void blocking_it_passes_it_on(void **state)
{
	struct family *f = *state;
	set_handler(f, SIGUSR1, HANDLER);
	assert_int_equal(send_value(f->group, SIGUSR1, SI_USER, 0), 0);
	assert_false(signal_pending(f->t[1]));
	signal_set_blocked(f->t[0], SIGBIT(SIGUSR1));
	assert_false(signal_pending(f->t[0]));
	assert_true(signal_pending(f->t[1]));
	signal_set_blocked(f->t[0], 0);
	assert_true(signal_pending(f->t[0]));
}

static void a_deadly_signal_ends_all_threads(void **state)
{
	struct family *f = *state;
	assert_int_equal(send_value(f->group, SIGTERM, SI_USER, 0), 0);
	assert_true(f->group->exiting);
	assert_int_equal(f->group->exit_code, SIGTERM);
	for (int i = 0; i < TASKS_MAX; i++)
		assert_int_equal(f->t[i]->waiter.word & (WAITER_SIGNAL | WAITER_KILLED),
				 WAITER_SIGNAL | WAITER_KILLED);
	/* Nothing more is queued for it. */
	assert_int_equal(send_value(f->group, RT, SI_QUEUE, 1), 0);
	assert_int_equal(sigqueue_count(0), 1);
}

static void init_is_protected_from_inside(void **state)
{
	struct family *f = *state;
	struct abi_siginfo outside = {.signo = SIGKILL, .code = SI_USER};
	f->group->is_init = true;
	assert_int_equal(send_value(f->group, SIGTERM, SI_USER, 0), 0);
	assert_int_equal(send_value(f->group, SIGKILL, SI_USER, 0), 0);
	assert_int_equal(send_value(f->group, SIGSTOP, SI_USER, 0), 0);
	assert_false(f->group->exiting);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), 0);
	set_handler(f, SIGTERM, HANDLER);
	assert_int_equal(send_value(f->group, SIGTERM, SI_USER, 0), 0);
	assert_true(signal_pending(f->t[0]));
	assert_int_equal(signal_send_group(f->group, &outside), 0);
	assert_true(f->group->exiting);
}

static void stop_and_continue_cancel_each_other(void **state)
{
	struct family *f = *state;
	block_everywhere(f, SIGBIT(SIGTSTP) | SIGBIT(SIGCONT));
	assert_int_equal(send_value(f->group, SIGTSTP, SI_USER, 0), 0);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), SIGBIT(SIGTSTP));
	assert_int_equal(send_value(f->group, SIGCONT, SI_USER, 0), 0);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), SIGBIT(SIGCONT));
	assert_int_equal(send_value(f->group, SIGTTIN, SI_USER, 0), 0);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), SIGBIT(SIGTTIN));
}

/* All threads but the last join; then the last one exits instead. */
static void a_stop_is_complete_when_the_last_one_has_stopped(void **state)
{
	struct family *f = *state;
	struct group *g = f->group;
	struct abi_siginfo out;

	waiter_set_self(NULL);
	signal_set_blocked(f->parent->leader, SIGBIT(SIGCHLD));
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	jobctl_begin_locked(g, f->t[0], SIGSTOP);
	for (int i = 0; i < TASKS_MAX - 1; i++)
		assert_false(jobctl_join_locked(f->t[i]));
	unlock(&g->siglock);
	unlock(&kernel.tasks_lock);
	assert_int_equal(g->stop, GROUP_STOPPING);
	f->t[TASKS_MAX - 1]->ctx = NULL;
	signal_exit_task(f->t[TASKS_MAX - 1]);
	assert_int_equal(g->stop, GROUP_STOPPED);
	assert_int_equal(signal_dequeue(f->parent->leader, ~0ull, &out), SIGCHLD);
	assert_int_equal(out.code, CLD_STOPPED);
	assert_int_equal(out.child.pid, 20);
	assert_int_equal(out.child.status, SIGSTOP);

	assert_int_equal(send_value(g, SIGCONT, SI_USER, 0), 0);
	assert_int_equal(g->stop, GROUP_RUNNING);
	assert_true(g->cont_pending);
	assert_int_equal(f->t[0]->state, TASK_RUNNING);
	assert_int_equal(signal_dequeue(f->parent->leader, ~0ull, &out), SIGCHLD);
	assert_int_equal(out.code, CLD_CONTINUED);
	assert_int_equal(out.child.status, SIGCONT);
}

static void a_kill_ends_a_stop(void **state)
{
	struct family *f = *state;
	struct group *g = f->group;

	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	jobctl_begin_locked(g, f->t[0], SIGSTOP);
	for (int i = 0; i < TASKS_MAX; i++)
		jobctl_join_locked(f->t[i]);
	unlock(&g->siglock);
	unlock(&kernel.tasks_lock);
	assert_int_equal(g->stop, GROUP_STOPPED);
	/* Others wait until it continues. */
	assert_int_equal(send_value(g, SIGTERM, SI_USER, 0), 0);
	assert_false(g->exiting);
	assert_int_equal(send_value(g, SIGKILL, SI_USER, 0), 0);
	assert_true(g->exiting);
	assert_int_equal(g->exit_code, SIGKILL);
	assert_int_equal(g->stop, GROUP_RUNNING);
}

static void nocldstop_and_ignore_keep_quiet(void **state)
{
	struct family *f = *state;
	const struct abi_sigaction quiet = {.handler = HANDLER, .flags = SA_NOCLDSTOP};
	struct task *parent = f->parent->leader;

	signal_action(parent, SIGCHLD, &quiet, NULL);
	lock(&kernel.tasks_lock);
	jobctl_notify_locked(f->group, CLD_STOPPED);
	unlock(&kernel.tasks_lock);
	assert_int_equal(signal_pending_set(parent, ~0ull), 0);
}

static void the_alternate_stack_follows_the_rules(void **state)
{
	struct task *t = ((struct family *)*state)->t[0];
	const struct abi_stack small = {.ss_sp = 0x10000, .ss_size = 2047};
	const struct abi_stack good = {.ss_sp = 0x10000, .ss_size = 8192};
	const struct abi_stack odd = {.ss_sp = 0x10000, .ss_size = 8192, .ss_flags = 4};
	struct abi_stack old;

	assert_int_equal(signal_altstack(t, &small, &old, 0), -ENOMEM);
	assert_int_equal(old.ss_flags, SS_DISABLE);
	assert_int_equal(signal_altstack(t, &odd, NULL, 0), -EINVAL);
	assert_int_equal(signal_altstack(t, &good, NULL, 0), 0);
	assert_int_equal(signal_altstack(t, &good, &old, 0x10800), -EPERM);
	assert_int_equal(old.ss_flags, SS_ONSTACK);
	assert_int_equal(signal_altstack(t, NULL, &old, 0x20000), 0);
	assert_int_equal(old.ss_flags, 0);
	assert_int_equal(old.ss_size, 8192);
}

static void pending_signals_come_lowest_first_but_faults_before_all(void **state)
{
	struct family *f = *state;
	struct abi_siginfo out;
	static const int order[] = {SIGSEGV, SIGHUP, SIGUSR1, RT};
	block_everywhere(f, ~0ull);
	for (size_t i = ARRAY_SIZE(order); i-- > 0;)
		assert_int_equal(send_value(f->group, order[i], SI_USER, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_int_equal(signal_dequeue(f->t[0], ~0ull, &out), order[i]);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, family_setup, family_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(standard_signals_coalesce),
		T(realtime_signals_queue_in_order),
		T(the_limit_refuses_realtime_and_forgets_the_rest),
		T(ignored_signals_are_dropped_unless_blocked),
		T(one_thread_is_chosen),
		T(blocking_it_passes_it_on),
		T(a_deadly_signal_ends_all_threads),
		T(init_is_protected_from_inside),
		T(stop_and_continue_cancel_each_other),
		T(a_stop_is_complete_when_the_last_one_has_stopped),
		T(a_kill_ends_a_stop),
		T(nocldstop_and_ignore_keep_quiet),
		T(the_alternate_stack_follows_the_rules),
		T(pending_signals_come_lowest_first_but_faults_before_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
