/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks, dispositions, the alternate stack, and what clone, exec and exit do to
 * signals.
 */
#include "sentry/task/signal.h"

#include "sentry/task/ctimer.h"
#include "sentry/task/jobctl.h"
#include "sentry/task/ptimer.h"
#include "sentry/task/schedparam.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/sigset.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/sched.h"

/* Shared signals that t was to take and now will not: somebody else must look. */
static void retarget_locked(struct task *t, uint64_t set)
{
	struct group *g = t->group;
	struct task *other;

	if (!(g->pending.set & set))
		return;
	list_for_each (other, &g->threads, threads) {
		if (other == t || !other->ctx || !(g->pending.set & set & ~other->blocked))
			continue;
		set &= other->blocked;
		signal_wake_locked(other, /*kill=*/false);
	}
}

static uint64_t set_blocked(struct task *t, uint64_t mask)
{
	struct group *g = t->group;
	uint64_t old = t->blocked;

	mask &= ~SIGSET_ONLY;
	if (mask == old)
		return old;
	lock(&g->siglock);
	t->blocked = mask;
	/* Only who blocks more can leave others with work. */
	bool orphans = g->pending.set & mask & ~old;
	signal_recalc_locked(t);
	unlock(&g->siglock);
	if (orphans) {
		lock(&kernel.tasks_lock);
		lock(&g->siglock);
		retarget_locked(t, mask & ~old);
		unlock(&g->siglock);
		unlock(&kernel.tasks_lock);
	}
	return old;
}

uint64_t signal_set_blocked(struct task *t, uint64_t mask)
{
	return set_blocked(t, mask);
}

void signal_set_blocked_temporarily(struct task *t, uint64_t mask)
{
	t->saved_blocked = set_blocked(t, mask);
	t->restore_blocked = true;
}

void signal_restore_blocked(struct task *t)
{
	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	set_blocked(t, t->saved_blocked);
}

int signal_action(struct task *t, int sig, const struct abi_sigaction *act,
		  struct abi_sigaction *out_old)
{
	const uint64_t known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
			       SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER;
	struct group *g = t->group;
	struct task *other;

	if (act && (SIGBIT(sig) & SIGSET_ONLY))
		return -EINVAL;
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	lock(&g->actions->lock);
	struct abi_sigaction *slot = &g->actions->action[sig - 1];
	if (out_old)
		*out_old = *slot;
	if (act) {
		*slot = *act;
		/* SA_UNSUPPORTED must come back clear: how programs probe for flags. */
		slot->flags &= known;
		slot->mask &= ~SIGSET_ONLY;
	}
	unlock(&g->actions->lock);
	bool ignored = act && (act->handler == ABI_SIG_IGN ||
			       (act->handler == ABI_SIG_DFL && (SIGBIT(sig) & SIGSET_IGNORED)));
	if (ignored) {
		sigpending_drop(&g->pending, SIGBIT(sig));
		list_for_each (other, &g->threads, threads)
			sigpending_drop(&other->pending, SIGBIT(sig));
	}
	unlock(&g->siglock);
	unlock(&kernel.tasks_lock);
	return 0;
}

bool signal_on_altstack(const struct task *t, uint64_t sp)
{
	return sp > t->altstack.ss_sp && sp - t->altstack.ss_sp <= t->altstack.ss_size;
}

/* An SS_AUTODISARM stack is never "in use": it is taken off while its handler runs. */
static bool altstack_busy(const struct task *t, uint64_t sp)
{
	return !((uint32_t)t->altstack.ss_flags & SS_AUTODISARM) && signal_on_altstack(t, sp);
}

int signal_altstack(struct task *t, const struct abi_stack *ss, struct abi_stack *out_old,
		    uint64_t sp)
{
	struct abi_stack *cur = &t->altstack;

	if (out_old) {
		uint32_t mode = SS_DISABLE;
		if (cur->ss_size)
			mode = altstack_busy(t, sp) ? SS_ONSTACK : 0;
		*out_old = (struct abi_stack){
			.ss_sp = cur->ss_sp,
			.ss_size = cur->ss_size,
			.ss_flags = (int32_t)(mode | ((uint32_t)cur->ss_flags & SS_AUTODISARM)),
		};
	}
	if (!ss)
		return 0;
	if (altstack_busy(t, sp))
		return -EPERM;
	uint32_t mode = (uint32_t)ss->ss_flags & ~SS_AUTODISARM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	/* No change is no error, even where setting it now would be one. */
	if (ss->ss_sp == cur->ss_sp && ss->ss_size == cur->ss_size && ss->ss_flags == cur->ss_flags)
		return 0;
	if (mode == SS_DISABLE) {
		*cur = (struct abi_stack){.ss_flags = ss->ss_flags};
		return 0;
	}
	if (ss->ss_size < ABI_MINSIGSTKSZ)
		return -ENOMEM;
	*cur = (struct abi_stack){
		.ss_sp = ss->ss_sp, .ss_flags = ss->ss_flags, .ss_size = ss->ss_size};
	return 0;
}

void signal_clone_task(struct task *child, const struct task *parent, uint64_t clone_flags)
{
	sched_clone_task(child);
	child->blocked = parent->blocked;
	child->restore_blocked = false;
	child->restart_err = 0;
	child->restart_fn = NULL;
	sigpending_init(&child->pending);
	child->altstack = parent->altstack;
	if ((clone_flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		child->altstack = (struct abi_stack){.ss_flags = SS_DISABLE};
	/* Its first turn looks at what is pending for the group, and at a stop in progress. */
	waiter_flag(&child->waiter, WAITER_SIGNAL, 0);
}

int signal_exec(struct task *t)
{
	struct group *g = t->group;
	struct sigactions *own = sigactions_copy(g->actions), *old;

	if (!own)
		return -ENOMEM;
	sigactions_clear(own);
	ptimers_exit(g);
	lock(&g->siglock);
	old = g->actions;
	g->actions = own;
	unlock(&g->siglock);
	sigactions_put(old);
	t->altstack.ss_sp = t->altstack.ss_size = 0;
	t->restart_fn = NULL;
	return 0;
}

void signal_exit_task(struct task *t)
{
	struct group *g = t->group;
	struct task *other;
	bool left = false, busy = false;

	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	list_for_each (other, &g->threads, threads) {
		if (other == t || !other->ctx)
			continue;
		busy = true;
		left = left || !__atomic_load_n(&other->exiting, __ATOMIC_RELAXED);
	}
	/* From now on nobody chooses it. */
	__atomic_store_n(&t->exiting, 1, __ATOMIC_RELEASE);
	sigpending_flush(&t->pending);
	if (left)
		retarget_locked(t, ~t->blocked);
	else
		sigpending_flush(&g->pending);
	bool stopped = left && !g->exiting && jobctl_complete_locked(g, t);
	unlock(&g->siglock);
	if (stopped)
		jobctl_notify_locked(g, CLD_STOPPED);
	unlock(&kernel.tasks_lock);
	/* Who still has a ctx may be in a call that uses them. */
	if (!busy)
		timers_exit(g);
}
