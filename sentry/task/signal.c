/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending signals.
 *
 * send_locked() is the one way in: job control first (SIGCONT and the stop
 * signals cancel each other even when blocked or ignored), then what is ignored
 * is dropped, then the signal is queued, and one thread is chosen to take it.
 * A signal that will kill the group anyhow kills it here and now.
 */
#include "sentry/task/signal.h"

#include <string.h>

#include "sentry/task/jobctl.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/sigset.h"
#include "sentry/task/stubborn.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

bool signal_pending(struct task *t)
{
	return waiter_signalled(&t->waiter);
}

void signal_info_user(struct abi_siginfo *info, int sig, int code, const struct task *from)
{
	memset(info, 0, sizeof *info);
	info->signo = sig;
	info->code = code;
	info->kill.pid = from->group->nr;
	info->kill.uid = uid_seen(task_user_ns(from), from->cred->ruid);
}

void signal_wake_locked(struct task *t, bool kill)
{
	uint32_t flags = WAITER_SIGNAL | (kill ? WAITER_KILLED : 0);
	waiter_flag(&t->waiter, flags, 0);
	/* The task itself looks at its flags before it goes back to the guest. */
	if (t->ctx && waiter_self() != &t->waiter)
		platform->interrupt(t->ctx);
}

void signal_recalc_locked(struct task *t)
{
	struct group *g = t->group;
	bool kill = __atomic_load_n(&t->exiting, __ATOMIC_RELAXED);
	uint64_t ready = (t->pending.set | g->pending.set) & ~t->blocked;
	uint32_t set = 0;

	if (kill)
		set = WAITER_SIGNAL | WAITER_KILLED;
	else if (ready || (task_is_traced(t) ? trace_must_stop_locked(t) : g->stop != GROUP_RUNNING))
		set = WAITER_SIGNAL;
	waiter_flag(&t->waiter, set, ~set & (WAITER_SIGNAL | WAITER_KILLED));
}

static bool task_alive(const struct task *t)
{
	return t->ctx && !__atomic_load_n(&t->exiting, __ATOMIC_RELAXED);
}

/* The thread whose mask decides whether a signal to the group is blocked. */
static struct task *group_head_locked(struct group *g)
{
	if (g->leader && task_alive(g->leader))
		return g->leader;
	struct task *t;
	list_for_each (t, &g->threads, threads)
		if (task_alive(t))
			return t;
	return NULL;
}

static bool info_forced(const struct abi_siginfo *info)
{
	/* Nobody inside can send such, but to itself: signal_seen_locked, kill.c. */
	return info->code == SI_KERNEL ||
	       ((info->code == SI_USER || info->code == SI_TKILL) && info->kill.pid == 0);
}

static bool group_ignores(struct group *g, const struct abi_siginfo *info)
{
	int sig = info->signo;
	uint64_t handler = sigactions_read(g->actions, sig).handler;

	if (handler == ABI_SIG_IGN)
		return true;
	if (handler != ABI_SIG_DFL)
		return false;
	if (g->is_init && !(info_forced(info) && (SIGBIT(sig) & SIGSET_ONLY)))
		return true;
	return SIGBIT(sig) & SIGSET_IGNORED;
}

/* Stop signals and SIGCONT cancel each other, whoever they were sent to. */
static int jobctl_prepare_locked(struct group *g, int sig)
{
	uint64_t drop = 0;
	struct task *t;

	if (SIGBIT(sig) & SIGSET_STOP)
		drop = SIGBIT(SIGCONT);
	else if (sig == SIGCONT)
		drop = SIGSET_STOP;
	if (!drop)
		return 0;
	sigpending_drop(&g->pending, drop);
	list_for_each (t, &g->threads, threads) {
		sigpending_drop(&t->pending, drop);
		if (sig == SIGCONT && task_is_traced(t))
			trace_continued_locked(t);
	}
	return sig == SIGCONT ? jobctl_continue_locked(g) : 0;
}

/* 0, or -EAGAIN when nothing was queued. */
static int queue_locked(struct task *head, struct sigpending *p, const struct abi_siginfo *info,
			struct sigqueue *timer)
{
	int sig = info->signo;
	bool realtime = sig >= ABI_SIGRTMIN;

	/* Timers queue their own entries even beside an equal one. */
	if (!realtime && !timer && (p->set & SIGBIT(sig)))
		return 0;
	if (sig == SIGKILL) {
		sigpending_add(p, sig, NULL);
		return 0;
	}
	struct sigqueue *q = timer;
	if (!timer)
		q = sigqueue_new(head, !realtime && info->code >= 0);
	if (!q && realtime && info->code != SI_USER)
		return -EAGAIN;
	if (q)
		q->info = *info;
	sigpending_add(p, sig, q);
	return 0;
}

static void kill_group_locked(struct group *g, int code)
{
	g->exiting = true;
	g->exit_code = code;
	jobctl_continue_locked(g);
	g->cont_pending = false;
	signal_kill_threads_locked(g, NULL);
}

/* True if this thread is a good one to wake for the signal. */
static bool task_wants(const struct task *t, int sig)
{
	if (!task_alive(t) || (t->blocked & SIGBIT(sig)))
		return false;
	if (sig == SIGKILL)
		return true;
	uint8_t state = __atomic_load_n(&t->state, __ATOMIC_RELAXED);
	return state != TASK_STOPPED && state != TASK_TRACED && !waiter_signalled(&t->waiter);
}

static struct task *choose_locked(struct group *g, struct task *first, bool shared, int sig)
{
	struct task *t;

	if (task_wants(first, sig))
		return first;
	if (shared)
		list_for_each (t, &g->threads, threads)
			if (task_wants(t, sig))
				return t;
	return NULL;
}

/* Somebody who may take it looks at it; nobody does if all block it or have been woken already. */
static void complete_locked(struct group *g, struct task *first, bool shared, int sig)
{
	struct task *t = choose_locked(g, first, shared, sig);
	waitq_wake(signal_wq(g), EPOLLIN);
	if (!t)
		return;
	bool deadly = !(SIGBIT(sig) & (SIGSET_IGNORED | SIGSET_STOP)) &&
		      sigactions_read(g->actions, sig).handler == ABI_SIG_DFL;
	/* A tracer has its say about all others. */
	deadly = deadly && (sig == SIGKILL || !task_is_traced(first));
	/* A signal that init had blocked is dropped at delivery, unless it is SIGKILL. */
	if (deadly && (!g->is_init || sig == SIGKILL))
		kill_group_locked(g, sig);
	else
		signal_wake_locked(t, /*kill=*/false);
}

/*
 * t NULL: to the group.  *out_cld: what jobctl_notify_locked must be told once
 * siglock has been released.  tasks_lock and siglock held.
 */
static int send_locked(struct group *g, struct task *t, const struct abi_siginfo *info,
		       struct sigqueue *timer, int *out_cld)
{
	bool shared = !t;
	struct task *head = t ? t : group_head_locked(g);
	int sig = info->signo;

	lock_assert_held(&kernel.tasks_lock);
	*out_cld = 0;
	if (sig == SIGKILL)
		trace_kill_dying_locked(g);
	if (sig == SIGKILL && g->exiting)
		stubborn_watch_locked(g); /* by itself, perhaps, until now */
	if (!head || !task_alive(head) || (g->exiting && !g->exec_task))
		return 0;
	*out_cld = jobctl_prepare_locked(g, sig);
	/* Tracers see what is ignored, too. */
	bool shown = task_is_traced(head) && sig != SIGKILL;
	if (!shown && !(head->blocked & SIGBIT(sig)) && group_ignores(g, info))
		return SIGNAL_DROPPED;
	int err = queue_locked(head, shared ? &g->pending : &head->pending, info, timer);
	if (err == 0)
		complete_locked(g, head, shared, sig);
	return err;
}

static int send(struct group *g, struct task *t, const struct abi_siginfo *info)
{
	int cld;

	if (info->signo == 0)
		return 0;
	lock(&g->siglock);
	int err = send_locked(g, t, info, NULL, &cld);
	unlock(&g->siglock);
	if (cld)
		jobctl_notify_locked(g, cld);
	return err < 0 ? err : 0;
}

int signal_send_timer_locked(struct group *g, struct task *t, struct sigqueue *q, int *out_cld)
{
	struct abi_siginfo info = q->info;
	return send_locked(g, t, &info, q, out_cld);
}

int signal_send_locked(struct group *g, const struct abi_siginfo *info, int *out_cld)
{
	return send_locked(g, NULL, info, NULL, out_cld);
}

int signal_send_task_locked(struct task *t, const struct abi_siginfo *info)
{
	return send(t->group, t, info);
}

int signal_send_group_locked(struct group *g, const struct abi_siginfo *info)
{
	return send(g, NULL, info);
}

int signal_send_task(struct task *t, const struct abi_siginfo *info)
{
	lock(&kernel.tasks_lock);
	int err = signal_send_task_locked(t, info);
	unlock(&kernel.tasks_lock);
	return err;
}

int signal_send_group(struct group *g, const struct abi_siginfo *info)
{
	lock(&kernel.tasks_lock);
	int err = signal_send_group_locked(g, info);
	unlock(&kernel.tasks_lock);
	return err;
}

struct pgrp_send {
	int pgid;
	const struct abi_siginfo *info;
	int err;
};

static bool pgrp_send_one(struct group *g, void *arg)
{
	struct pgrp_send *s = arg;
	if (g->pgid == s->pgid) {
		signal_send_group_locked(g, s->info);
		s->err = 0;
	}
	return true;
}

int signal_send_pgrp_locked(int pgid, const struct abi_siginfo *info)
{
	struct pgrp_send s = {.pgid = pgid, .info = info, .err = -ESRCH};
	group_for_each_locked(pgrp_send_one, &s);
	return s.err;
}

int signal_send_pgrp(int pgid, const struct abi_siginfo *info)
{
	lock(&kernel.tasks_lock);
	int err = signal_send_pgrp_locked(pgid, info);
	unlock(&kernel.tasks_lock);
	return err;
}

void signal_kernel_group(struct group *g, int sig)
{
	struct abi_siginfo info = {.signo = sig, .code = SI_KERNEL};
	signal_send_group(g, &info);
}

void signal_kernel_task(struct task *t, int sig)
{
	struct abi_siginfo info = {.signo = sig, .code = SI_KERNEL};
	if (sig == SIGPIPE || sig == SIGXFSZ)
		signal_info_user(&info, sig, SI_USER, t);
	signal_send_task(t, &info);
}

void signal_kill_threads_locked(struct group *g, struct task *except)
{
	struct task *t;
	bool some = false;

	lock_assert_held(&g->siglock);
	list_for_each (t, &g->threads, threads) {
		if (t == except)
			continue;
		__atomic_store_n(&t->exiting, 1, __ATOMIC_RELEASE);
		signal_wake_locked(t, /*kill=*/true);
		some = true;
	}
	if (some)
		stubborn_watch_locked(g);
	/* Whoever has stopped must see it too. */
	waitq_wake(&g->stop_wq, JOBCTL_EVENT);
}

void signal_kill_threads(struct group *g, struct task *except)
{
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	signal_kill_threads_locked(g, except);
	unlock(&g->siglock);
	unlock(&kernel.tasks_lock);
}

struct waitq *signal_wq(struct group *g)
{
	return &g->stop_wq;
}
