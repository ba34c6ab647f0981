/* SPDX-License-Identifier: Apache-2.0 */
/* Who traces whom.  Every change of a link is made under tasks_lock and the tracee's siglock. */
#include "sentry/task/jobctl.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/reap.h"
#include "sentry/task/signal.h"
#include "sentry/task/sigqueue.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"

/* PTRACE_O_SUSPEND_SECCOMP is for checkpoint and restore, by kernels built with it. */
#define OPTIONS_LINUX (0xffu | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP)

/* Both locks held. */
static void link_locked(struct task *p, struct task *tracer, bool seized, uint32_t options)
{
	p->tr.tracer = tracer;
	p->tr.seized = seized;
	p->tr.flags = 0;
	p->tr.stop_sig = 0;
	__atomic_store_n(&p->tr.options, options, __ATOMIC_RELAXED);
	p->tr.cred = task_cred(tracer);
	/* A stop of its group in progress: from now on this flag says so. */
	if (p->group->stop != GROUP_RUNNING &&
	    __atomic_load_n(&p->state, __ATOMIC_RELAXED) != TASK_STOPPED) {
		p->tr.flags |= TRACE_STOP_PENDING;
		p->tr.stop_sig = p->group->stop_sig;
	}
	list_append(&tracer->tracees, &p->tr.link);
	task_watch_locked(p, TRACED_PTRACE, 0);
}

static int options_check(bool seize, uint64_t addr, uint64_t options)
{
	if (!seize)
		return 0;
	if (addr || (options & ~(uint64_t)OPTIONS_LINUX))
		return -EIO;
	return options & PTRACE_O_SUSPEND_SECCOMP ? -EINVAL : 0;
}

/* A process that has stopped goes over into a stop of a tracee, and the tracer waits for it. */
static void take_over_stop_locked(struct task *p)
{
	if (__atomic_load_n(&p->state, __ATOMIC_RELAXED) != TASK_STOPPED)
		return;
	p->tr.flags |= TRACE_TRAP_STOP | TRACE_TRAPPING;
	p->tr.stop_sig = p->group->stop_sig;
	__atomic_store_n(&p->state, TASK_RUNNING, __ATOMIC_RELEASE);
	signal_wake_locked(p, /*kill=*/false);
	waitq_wake(&p->group->stop_wq, JOBCTL_EVENT);
}

static int attach_locked(struct task *t, struct task *p, bool seize, uint32_t options)
{
	lock(&p->group->siglock);
	bool dead = !p->ctx || __atomic_load_n(&p->exiting, __ATOMIC_ACQUIRE);
	int err = dead || p->tr.tracer ? -EPERM : 0;
	if (err == 0)
		link_locked(p, t, seize, options);
	unlock(&p->group->siglock);
	if (err < 0)
		return err;
	if (!seize) {
		struct abi_siginfo stop = {.signo = SIGSTOP, .code = SI_KERNEL};
		signal_send_task_locked(p, &stop);
	}
	lock(&p->group->siglock);
	take_over_stop_locked(p);
	unlock(&p->group->siglock);
	return 0;
}

static bool trapping(struct task *p)
{
	lock(&p->group->siglock);
	bool yes = (p->tr.flags & TRACE_TRAPPING) && !__atomic_load_n(&p->exiting, __ATOMIC_ACQUIRE);
	unlock(&p->group->siglock);
	return yes;
}

int trace_attach(struct task *t, int tid, bool seize, uint64_t addr, uint64_t options)
{
	lock(&kernel.tasks_lock);
	struct task *found = task_find_locked(tid);
	autoput(task) struct task *p = found ? task_get(found) : NULL;
	int err = p ? options_check(seize, addr, options) : -ESRCH;
	if (err == 0 && p->group == t->group)
		err = -EPERM;
	if (err == 0)
		err = task_may_access(t, p);
	if (err == 0)
		err = attach_locked(t, p, seize, seize ? (uint32_t)options : 0);
	unlock(&kernel.tasks_lock);
	if (err == 0)
		waitq_sleep(&p->group->stop_wq, JOBCTL_EVENT, WAIT_KILLABLE, WAIT_FOREVER,
			    !trapping(p));
	return err;
}

/* As capabilities(7) has it: the tracer must be able to all that it could make us do. */
static bool parent_may_trace(struct task *parent, const struct task *t)
{
	autoput(cred) struct cred *c = task_cred(parent);
	return (c->user_ns == t->cred->user_ns && cred_caps_within(t->cred, c)) ||
	       cred_capable_in(c, t->cred->user_ns, CAP_SYS_PTRACE);
}

int trace_me(struct task *t)
{
	struct group *g = t->group;
	int err = 0;

	lock(&kernel.tasks_lock);
	struct task *parent = g->parent ? task_by_id_locked(g->parent_tid) : NULL;
	if (t->tr.tracer)
		err = -EPERM;
	else if (parent && parent->group == g->parent && !parent_may_trace(parent, t))
		err = -EPERM;
	/* One that is about to end would let go of us at once. */
	if (err == 0 && parent && parent->group == g->parent &&
	    !__atomic_load_n(&parent->exiting, __ATOMIC_ACQUIRE)) {
		lock(&g->siglock);
		link_locked(t, parent, /*seized=*/false, 0);
		unlock(&g->siglock);
	}
	unlock(&kernel.tasks_lock);
	return err;
}

void trace_clone_locked(struct task *child, struct task *t)
{
	struct group *g = child->group;

	if (!t->tr.tracer)
		return;
	lock(&g->siglock);
	link_locked(child, t->tr.tracer, t->tr.seized, t->tr.options);
	cred_put(child->tr.cred);
	child->tr.cred = cred_get(t->tr.cred);
	if (t->tr.seized)
		child->tr.flags |= TRACE_TRAP_STOP;
	else
		sigpending_add(&child->pending, SIGSTOP, NULL);
	unlock(&g->siglock);
}

bool trace_allows_gain_locked(const struct task *t)
{
	return !t->tr.tracer || cred_capable_in(t->tr.cred, t->cred->user_ns, CAP_SYS_PTRACE);
}

/* A thread that is dead and waited for. */
static void bury_thread_locked(struct task *p)
{
	struct group *g = p->group;

	p->tr.zombie = false;
	p->state = TASK_DEAD;
	g->dead_tracees--;
	pid_clear_task_locked(p->tid);
	if (g->zombie && !g->dead_tracees)
		group_announce_locked(g);
}

void trace_cut_locked(struct task *p)
{
	struct group *g = p->group;

	lock_assert_held(&kernel.tasks_lock);
	list_del(&p->tr.link);
	lock(&g->siglock);
	bool was_trapping = p->tr.flags & TRACE_TRAPPING;
	p->tr.tracer = NULL;
	p->tr.flags &= TRACE_DYING;
	task_watch_locked(p, 0, TRACED_PTRACE | TRACED_SYSCALL | TRACED_EMU | TRACED_STEP);
	if (__atomic_load_n(&p->state, __ATOMIC_RELAXED) == TASK_TRACED)
		trace_resume_locked(p, p->tr.code);
	/* It takes part in the stop of its group like any other now. */
	if (p->ctx && g->stop != GROUP_RUNNING)
		signal_wake_locked(p, /*kill=*/false);
	unlock(&g->siglock);
	cred_put(STEAL(p->tr.cred));
	if (was_trapping)
		waitq_wake(&g->stop_wq, JOBCTL_EVENT);
}

void trace_unlink_locked(struct task *p)
{
	struct group *g = p->group;
	bool reparented = p == g->leader && trace_reparented_locked(g);
	bool zombie = p->tr.zombie;

	task_get(p); /* the link's reference goes */
	trace_cut_locked(p);
	if (zombie)
		bury_thread_locked(p);
	else if (p == g->leader && g->zombie && !g->dead_tracees)
		group_untraced_locked(g, reparented);
	task_put(p);
}

int trace_detach(struct task *p, int code)
{
	lock(&kernel.tasks_lock);
	lock(&p->group->siglock);
	bool stopped = p->tr.tracer == task_current() && trace_stopped_locked(p);
	if (stopped)
		p->tr.code = code;
	unlock(&p->group->siglock);
	if (stopped)
		trace_unlink_locked(p);
	unlock(&kernel.tasks_lock);
	return stopped ? 0 : -ESRCH;
}

void trace_end_tracer(struct task *t)
{
	struct abi_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};

	lock(&kernel.tasks_lock);
	/* Each may take others with it: the end of a thread that of its process. */
	while (!list_empty(&t->tracees)) {
		struct task *p = list_first(&t->tracees, struct task, tr.link);
		if (p->tr.options & PTRACE_O_EXITKILL)
			signal_send_task_locked(p, &kill);
		trace_unlink_locked(p);
	}
	unlock(&kernel.tasks_lock);
}
