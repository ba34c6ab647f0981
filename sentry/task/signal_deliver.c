/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: what happens to pending signals before a task goes back to the guest.
 *
 *	next_signal()	takes signals one by one: drops ignored ones, runs default
 *			actions, joins stops, until a handler must run or none is left
 *	handle()	builds the frame of one handler
 *	signal_deliver	repeats both, so several frames stack up as on Linux: the
 *			last one built runs first
 *
 * An interrupted call (t->restart_err) is finished by the first handler or,
 * without one, restarted: rip steps back over the two bytes of `syscall`.
 */
#include "sentry/task/signal.h"

#include "sentry/task/cpulimit.h"
#include "sentry/task/fault_x86.h"
#include "sentry/task/jobctl.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/sigset.h"
#include "syscalls/abi/errno.h"

enum {
	SYSCALL_SIZE = 2,
	NR_RESTART_SYSCALL = 219,
	EFLAGS_TF = 0x100,
	EFLAGS_DF = 0x400,
	EFLAGS_RF = 0x10000,
};

static bool task_exiting(const struct task *t)
{
	return __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE);
}

bool signal_attention(struct task *t)
{
	return waiter_attention(&t->waiter) || t->restart_err || t->restore_blocked;
}

/* The handler of a signal just taken; SA_RESETHAND strikes here.  siglock held. */
static struct abi_sigaction take_action_locked(struct group *g, int sig)
{
	struct sigactions *a = g->actions;

	lock(&a->lock);
	struct abi_sigaction act = a->action[sig - 1];
	if ((act.flags & SA_RESETHAND) && act.handler != ABI_SIG_DFL && act.handler != ABI_SIG_IGN)
		a->action[sig - 1].handler = ABI_SIG_DFL;
	unlock(&a->lock);
	return act;
}

static int take_locked(struct task *t, struct sigtaken *out)
{
	int sig = sigpending_take_fault(&t->pending, t->blocked, out);
	if (!sig)
		sig = sigpending_take(&t->pending, t->blocked, out);
	if (!sig && (sig = sigpending_take(&t->group->pending, t->blocked, out)))
		out->shared = true;
	return sig;
}

enum step {
	STEP_NONE,   /* nothing more is pending */
	STEP_TRAP,   /* a tracer wants it to stop */
	STEP_SHOW,   /* a tracer wants to see the signal */
	STEP_AGAIN,  /* dropped */
	STEP_HANDLE, /* its handler must run */
	STEP_STOP,   /* the group stops */
	STEP_EXIT,   /* the signal kills */
};

static enum step default_step_locked(struct task *t, int sig, bool forced)
{
	struct group *g = t->group;

	if (SIGBIT(sig) & SIGSET_IGNORED)
		return STEP_AGAIN;
	if (g->is_init && !forced && !(SIGBIT(sig) & SIGSET_ONLY))
		return STEP_AGAIN;
	if (!(SIGBIT(sig) & SIGSET_STOP))
		return STEP_EXIT;
	if (sig != SIGSTOP && jobctl_orphaned_locked(g->pgid, g->sid))
		return STEP_AGAIN;
	bool traced = task_is_traced(t);
	/* SIGCONT came while the tracer looked at it. */
	if (traced && !(t->tr.flags & TRACE_STOP_DEQUEUED))
		return STEP_AGAIN;
	jobctl_begin_locked(g, t, sig);
	return traced ? STEP_TRAP : STEP_STOP;
}

/* Takes one signal, unless the tracer has `chosen` the one in *s; both locks held. */
static enum step step_locked(struct task *t, bool chosen, struct sigtaken *s,
			     struct abi_sigaction *act)
{
	bool traced = task_is_traced(t);
	int sig = chosen ? s->info.signo : 0;

	if (task_exiting(t))
		return STEP_NONE;
	if (!chosen) {
		if (traced ? trace_must_stop_locked(t) : t->group->stop != GROUP_RUNNING)
			return traced ? STEP_TRAP : STEP_STOP;
		sig = take_locked(t, s);
		if (!sig)
			return STEP_NONE;
		if (traced && sig != SIGKILL)
			return STEP_SHOW;
	}
	*act = take_action_locked(t->group, sig);
	if (act->handler == ABI_SIG_DFL)
		return default_step_locked(t, sig, s->forced);
	return act->handler == ABI_SIG_IGN ? STEP_AGAIN : STEP_HANDLE;
}

/* A signal whose handler must run; 0: none is left, or the task must exit. */
static int next_signal(struct task *t, struct sigtaken *s, struct abi_sigaction *act)
	NO_LOCK_ANALYSIS /* the stops of a tracee begin under the locks and give them up */
{
	struct group *g = t->group;
	bool chosen = false;
	enum step step;

	task_settle(t);
	do {
		lock(&kernel.tasks_lock);
		lock(&g->siglock);
		step = step_locked(t, chosen, s, act);
		chosen = false;
		if (step == STEP_TRAP || step == STEP_SHOW) {
			if (step == STEP_TRAP)
				trace_trap(t);
			else
				chosen = trace_signal(t, s);
			continue;
		}
		bool tell = step == STEP_STOP && jobctl_join_locked(t);
		signal_recalc_locked(t);
		unlock(&g->siglock);
		if (tell)
			jobctl_notify_locked(g, CLD_STOPPED);
		unlock(&kernel.tasks_lock);
		if (step == STEP_STOP)
			jobctl_sleep(t);
		if (step == STEP_EXIT)
			task_exit_group(t, s->info.signo);
	} while (step != STEP_NONE && step != STEP_HANDLE && step != STEP_EXIT);
	return step == STEP_HANDLE ? s->info.signo : 0;
}

static void restart_call(struct task *t, uint64_t nr)
{
	struct regs *r = platform->regs_mut(t->ctx);
	r->rax = nr;
	r->rip -= SYSCALL_SIZE;
}

static int take_restart(struct task *t)
{
	int err = t->restart_err < 0 ? -t->restart_err : t->restart_err;
	t->restart_err = 0;
	/* What sigreturn put into rax may look like one of ours: it is the guest's number. */
	if (err && !t->in_syscall) {
		platform->regs_mut(t->ctx)->rax = (uint64_t)-err;
		err = 0;
	}
	return err;
}

static void finish_without_handler(struct task *t)
{
	int err = take_restart(t);
	if (err == ERESTART_RESTARTBLOCK)
		restart_call(t, NR_RESTART_SYSCALL);
	else if (err)
		restart_call(t, t->restart_nr);
	signal_restore_blocked(t);
}

static void finish_for_handler(struct task *t, const struct abi_sigaction *act)
{
	int err = take_restart(t);
	if (!err)
		return;
	if (err == ERESTARTNOINTR || (err == ERESTARTSYS && (act->flags & SA_RESTART)))
		restart_call(t, t->restart_nr);
	else
		platform->regs_mut(t->ctx)->rax = (uint64_t)-EINTR;
}

/* A frame that cannot be built is a fault of the task; for SIGSEGV itself it is the end. */
static void frame_failed(struct task *t, int sig)
{
	struct abi_siginfo info = {.signo = SIGSEGV, .code = SI_KERNEL};

	if (sig == SIGSEGV)
		task_exit_group(t, SIGSEGV);
	else
		signal_force(t, &info);
}

static void handle(struct task *t, int sig, const struct sigtaken *s,
		   const struct abi_sigaction *act)
{
	finish_for_handler(t, act);
	/* What sigreturn puts back: for sigsuspend and the like the mask from before the call. */
	uint64_t mask = t->restore_blocked ? t->saved_blocked : t->blocked;
	trace_hide_step(t);
	if (sigframe_push(t, s, act, mask) < 0) {
		frame_failed(t, sig);
		return;
	}
	platform->regs_mut(t->ctx)->eflags &= ~(uint64_t)(EFLAGS_TF | EFLAGS_DF | EFLAGS_RF);
	platform->fpu_reset(t->ctx);
	t->restore_blocked = false;
	uint64_t during = t->blocked | act->mask;
	if (!(act->flags & SA_NODEFER))
		during |= SIGBIT(sig);
	signal_set_blocked(t, during);
	if ((uint32_t)t->altstack.ss_flags & SS_AUTODISARM)
		t->altstack = (struct abi_stack){.ss_flags = SS_DISABLE};
	trace_handler(t);
}

void signal_deliver(struct task *t)
{
	struct sigtaken s;
	struct abi_sigaction act;

	waiter_stand(&t->waiter);
	/* Its first turn: the limit it has inherited counts from now. */
	if (t->syscalls == 0 && t == t->group->leader)
		cpulimit_changed(t->group);
	while (waiter_signalled(&t->waiter)) {
		int sig = next_signal(t, &s, &act);
		if (!sig)
			break;
		handle(t, sig, &s, &act);
	}
	if (!task_exiting(t))
		finish_without_handler(t);
}

/* t->blocked and the disposition give way: the fault is delivered, or it kills. */
static void force(struct task *t, const struct abi_siginfo *info, uint64_t trapno, uint64_t error)
{
	struct group *g = t->group;
	int sig = info->signo;
	struct sigqueue *q;

	lock(&g->siglock);
	bool blocked = t->blocked & SIGBIT(sig);
	lock(&g->actions->lock);
	struct abi_sigaction *act = &g->actions->action[sig - 1];
	if (blocked || act->handler == ABI_SIG_IGN)
		act->handler = ABI_SIG_DFL;
	unlock(&g->actions->lock);
	t->blocked &= ~SIGBIT(sig);
	/* An older one of that number would hide what happened. */
	sigpending_drop(&t->pending, SIGBIT(sig));
	q = sigqueue_new(t, /*override=*/true);
	if (q) {
		q->info = *info;
		q->forced = true;
		q->trapno = trapno;
		q->error = error;
	}
	sigpending_add(&t->pending, sig, q);
	signal_recalc_locked(t);
	unlock(&g->siglock);
}

void signal_force(struct task *t, const struct abi_siginfo *info)
{
	force(t, info, 0, 0);
}

void signal_fault(struct task *t, const struct event *ev)
{
	struct abi_siginfo info = {.signo = ev->signo, .code = ev->code};
	struct event full = *ev;

	info.fault.addr = ev->addr;
	fault_complete(t, &full);
	force(t, &info, full.trapno, full.error);
}

int signal_dequeue(struct task *t, uint64_t set, struct abi_siginfo *out)
{
	struct group *g = t->group;
	struct sigtaken s = {0};

	lock(&g->siglock);
	int sig = sigpending_take(&t->pending, ~set | SIGSET_ONLY, &s);
	if (!sig)
		sig = sigpending_take(&g->pending, ~set | SIGSET_ONLY, &s);
	if (sig)
		signal_recalc_locked(t);
	unlock(&g->siglock);
	if (sig)
		*out = s.info;
	return sig;
}

uint64_t signal_pending_set(struct task *t, uint64_t set)
{
	struct group *g = t->group;

	lock(&g->siglock);
	uint64_t pending = (t->pending.set | g->pending.set) & set;
	unlock(&g->siglock);
	return pending;
}
