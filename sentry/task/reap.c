/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/reap.h"

#include <assert.h>

#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/signal.h"
#include "sentry/task/tty_hooks.h"
#include "sentry/task/usage.h"

void group_reap_locked(struct group *g, bool waited)
{
	lock_assert_held(&kernel.tasks_lock);
	assert(g->zombie && g->nthreads == 0);
	if (g->leader && g->leader->tr.tracer)
		trace_cut_locked(g->leader);
	if (waited && g->parent)
		usage_inherit_locked(g->parent, g);
	list_del(&g->siblings);
	group_drop_ids_locked(g);
	struct task *leader = STEAL(g->leader);
	pid_clear_task_locked(g->tgid);
	if (leader)
		task_put(leader);
	kernel.ngroups--;
	pid_clear_group_locked(g->tgid);
}

/* The nearest ancestor that asked for orphans, or init. */
static struct group *reaper_of(struct group *g)
{
	for (struct group *p = g->parent; p && p->pid_ns == g->pid_ns; p = p->parent)
		if (p->subreaper && !p->zombie && !p->exiting)
			return p;
	return g->pid_ns->init ? g->pid_ns->init : kernel.init;
}

/* No process at all, or one that waits for nobody any more: pidns.c. */
static bool reaps_at_once(const struct group *parent)
{
	return parent->reaper || (parent->pid_ns->over && parent == parent->pid_ns->init);
}

static bool parent_ignores(struct group *parent)
{
	if (reaps_at_once(parent))
		return true;
	lock(&parent->siglock);
	struct sigactions *a = parent->actions;
	lock(&a->lock);
	const struct abi_sigaction *act = &a->action[SIGCHLD - 1];
	bool ignores = act->handler == ABI_SIG_IGN || (act->flags & SA_NOCLDWAIT);
	unlock(&a->lock);
	unlock(&parent->siglock);
	return ignores;
}

static void tell_parent_locked(struct group *g)
{
	int sig = WIFSIGNALED_STATUS(g->exit_code);
	if (!g->parent->reaper)
		group_notify_parent_locked(g, sig ? CLD_KILLED : CLD_EXITED,
					   sig ? sig : g->exit_code >> 8 & 0xff);
}

void group_announce_locked(struct group *g)
{
	if (g->dead_tracees)
		return;
	/* A tracer wants to know even if the parent does not; reaped is it by who waits. */
	if (g->leader && g->leader->tr.tracer) {
		if (trace_reparented_locked(g))
			trace_tell_end_locked(g->leader);
		else
			tell_parent_locked(g);
		return;
	}
	bool ignored = g->exit_signal == SIGCHLD && parent_ignores(g->parent);
	tell_parent_locked(g);
	struct group *parent = group_get(g->parent);
	if (ignored || reaps_at_once(parent))
		group_reap_locked(g, /*waited=*/false);
	waitq_wake(&parent->wait_wq, 0);
	group_put(parent);
}

static void send_pdeath_locked(struct group *child, struct group *parent)
{
	struct task *t;
	list_for_each (t, &child->threads, threads) {
		if (!t->pdeath_signal)
			continue;
		struct abi_siginfo info = {.signo = t->pdeath_signal, .code = SI_USER};
		info.kill.pid = pid_in_locked(child->pid_ns, parent->tgid);
		signal_send_group_locked(child, &info);
	}
}

static void reparent_children_locked(struct group *g)
{
	struct group *child, *next, *to = reaper_of(g);
	/* Pid 1 leaves its children to nobody: boot_wait() ends them. */
	if (to == g)
		return;
	list_for_each_safe (child, next, &g->children, siblings) {
		struct group *old = child->parent;
		child->parent = group_get(to);
		child->parent_tid = to->tgid;
		list_del(&child->siblings);
		list_append(&to->children, &child->siblings);
		facts_parent_locked(child);
		child->exit_signal = SIGCHLD;
		send_pdeath_locked(child, g);
		jobctl_orphan_check_locked(child->pgid, child->sid);
		if (child->zombie && !(child->leader && child->leader->tr.tracer))
			group_announce_locked(child);
		group_put(old);
	}
}

void thread_end_locked(struct group *g, const struct task *t)
{
	struct group *child;
	struct task *heir = list_first(&g->threads, struct task, threads);
	list_for_each (child, &g->children, siblings) {
		if (child->parent_tid != t->tid)
			continue;
		child->parent_tid = heir->tid;
		send_pdeath_locked(child, g);
	}
}

void group_end_locked(struct group *g)
{
	lock_assert_held(&kernel.tasks_lock);
	if (g->sid == g->tgid)
		tty_session_end_locked(g);
	g->zombie = true;
	reparent_children_locked(g);
	jobctl_orphan_check_locked(g->pgid, g->sid);
	if (g == kernel.main_group) {
		kernel.main_ended = true;
		kernel.exit_status = g->exit_code;
		waitq_wake(&kernel.ended, 0);
	}
	waitq_wake(&g->exit_wq, 0);
	if (g->parent)
		group_announce_locked(g);
}

void group_untraced_locked(struct group *g, bool was_reparented)
{
	if (was_reparented)
		group_announce_locked(g);
	else if (g->exit_signal == SIGCHLD && parent_ignores(g->parent))
		group_reap_locked(g, /*waited=*/false);
}

void group_notify_parent_locked(struct group *g, int code, int status)
{
	struct abi_siginfo info = {.signo = SIGCHLD, .code = code};
	int sig = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED ? g->exit_signal
										 : SIGCHLD;
	/* clone(2) takes any number of eight bits; those that are no signal send none. */
	if (g->parent && !g->parent->reaper && sig > 0 && sig <= NSIG) {
		info.signo = sig;
		info.child.pid = pid_in_locked(g->parent->pid_ns, g->tgid);
		if (g->leader) {
			struct cred *c = task_cred(g->leader);
			info.child.uid = group_uid_seen_locked(g->parent, c->ruid);
			cred_put(c);
		}
		info.child.status = status;
		info.child.utime = g->dead_utime_ns / 10000000;
		info.child.stime = g->dead_stime_ns / 10000000;
		signal_send_group_locked(g->parent, &info);
	}
	if (g->parent)
		waitq_wake(&g->parent->wait_wq, 0);
}
