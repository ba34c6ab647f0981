/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/jobctl.h"

#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/limits.h"

static bool task_alive(const struct task *t)
{
	return t->ctx && !__atomic_load_n(&t->exiting, __ATOMIC_RELAXED);
}

static uint8_t task_state(const struct task *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_RELAXED);
}

static void task_set_state(struct task *t, enum task_state s)
{
	__atomic_store_n(&t->state, (uint8_t)s, __ATOMIC_RELAXED);
}

void jobctl_begin_locked(struct group *g, struct task *by, int sig)
{
	struct task *t;

	if (g->stop != GROUP_STOPPED)
		g->stop_sig = sig;
	if (g->stop == GROUP_RUNNING)
		g->stop = GROUP_STOPPING;
	list_for_each (t, &g->threads, threads) {
		if (!task_alive(t) || task_state(t) == TASK_STOPPED)
			continue;
		if (task_is_traced(t))
			trace_stopping_locked(t, sig);
		else if (t != by)
			signal_wake_locked(t, /*kill=*/false);
	}
}

int jobctl_continue_locked(struct group *g)
{
	struct task *t;

	if (g->stop == GROUP_RUNNING)
		return 0;
	/* A stop that SIGCONT cut short is told as a stop: the parent sees both, as on Linux. */
	int cld = g->stop == GROUP_STOPPED ? CLD_CONTINUED : CLD_STOPPED;
	g->stop = GROUP_RUNNING;
	g->stop_sig = 0;
	g->cont_pending = true;
	list_for_each (t, &g->threads, threads)
		if (task_state(t) == TASK_STOPPED)
			task_set_state(t, TASK_RUNNING);
	waitq_wake(&g->stop_wq, JOBCTL_EVENT);
	return cld;
}

/* A tracee that has taken part may run again while the others stay. */
static bool has_stopped(const struct task *t)
{
	if (task_is_traced(t))
		return !(t->tr.flags & TRACE_STOP_PENDING);
	return task_state(t) == TASK_STOPPED;
}

bool jobctl_complete_locked(struct group *g, const struct task *except)
{
	struct task *t;

	if (g->stop != GROUP_STOPPING)
		return false;
	list_for_each (t, &g->threads, threads)
		if (t != except && task_alive(t) && !has_stopped(t))
			return false;
	g->stop = GROUP_STOPPED;
	g->stop_reported = false;
	g->cont_pending = false;
	return true;
}

static int64_t ticks(int64_t ns)
{
	return ns / (NSEC_PER_SEC / ABI_CLK_TCK);
}

void jobctl_tell_locked(struct group *to, struct task *t, int id, int cld, int status)
{
	struct abi_siginfo info = {.signo = SIGCHLD, .code = cld};

	lock_assert_held(&kernel.tasks_lock);
	info.child.pid = pid_in_locked(to->pid_ns, id);
	info.child.status = status;
	if (t) {
		struct cred *c = task_cred(t);
		info.child.uid = group_uid_seen_locked(to, c->ruid);
		cred_put(c);
		info.child.utime = ticks(__atomic_load_n(&t->utime_ns, __ATOMIC_RELAXED));
		info.child.stime = ticks(__atomic_load_n(&t->stime_ns, __ATOMIC_RELAXED));
	}
	lock(&to->siglock);
	struct abi_sigaction act = sigactions_read(to->actions, SIGCHLD);
	unlock(&to->siglock);
	if (act.handler != ABI_SIG_IGN && !(act.flags & SA_NOCLDSTOP))
		signal_send_group_locked(to, &info);
	waitq_wake(&to->wait_wq, EPOLLIN);
}

void jobctl_notify_locked(struct group *g, int cld)
{
	struct group *parent = g->parent;
	struct task *t = g->leader;

	if (trace_reparented_locked(g))
		trace_tell_locked(t, cld);
	if (!parent || parent->zombie || parent->reaper)
		return;
	if (!t && !list_empty(&g->threads))
		t = list_first(&g->threads, struct task, threads);
	jobctl_tell_locked(parent, t, g->tgid, cld, cld == CLD_CONTINUED ? SIGCONT : g->stop_sig);
}

static bool stop_is_over(struct task *t)
{
	return task_state(t) != TASK_STOPPED || __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE);
}

bool jobctl_join_locked(struct task *t)
{
	task_set_state(t, TASK_STOPPED);
	return jobctl_complete_locked(t->group, NULL);
}

void jobctl_sleep(struct task *t)
{
	waitq_sleep(&t->group->stop_wq, JOBCTL_EVENT, WAIT_KILLABLE, WAIT_FOREVER, stop_is_over(t));
	/* Only a kill leaves the state to us. */
	task_set_state(t, TASK_RUNNING);
}

struct orphan_scan {
	int pgid, sid;
	bool tied, stopped;
};

static bool orphan_scan_one(struct group *g, void *arg)
{
	struct orphan_scan *s = arg;
	struct group *parent = g->parent;

	if (g->pgid != s->pgid || g->zombie)
		return true;
	s->stopped = s->stopped || g->stop == GROUP_STOPPED;
	if (parent && parent->pgid != s->pgid && parent->sid == s->sid)
		s->tied = true;
	return true;
}

static struct orphan_scan orphan_scan(int pgid, int sid)
{
	struct orphan_scan s = {.pgid = pgid, .sid = sid};
	group_for_each_locked(orphan_scan_one, &s);
	return s;
}

bool jobctl_orphaned_locked(int pgid, int sid)
{
	return !orphan_scan(pgid, sid).tied;
}

void jobctl_orphan_check_locked(int pgid, int sid)
{
	struct orphan_scan s = orphan_scan(pgid, sid);
	struct abi_siginfo hup = {.signo = SIGHUP, .code = SI_KERNEL};
	struct abi_siginfo cont = {.signo = SIGCONT, .code = SI_KERNEL};

	if (s.tied || !s.stopped)
		return;
	signal_send_pgrp_locked(pgid, &hup);
	signal_send_pgrp_locked(pgid, &cont);
}
