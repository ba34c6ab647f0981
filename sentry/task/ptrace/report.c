/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tracer learns of its tracees.
 *
 * Any thread of its group may wait for them, by thread number and whatever the child's exit
 * signal.  A dead tracee belongs to its tracer first; the real parent sees it after that.
 */
#include "sentry/task/exit.h"
#include "sentry/task/jobctl.h"
#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/reap.h"
#include "sentry/task/signal.h"
#include "sentry/task/usage.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/wait.h"

bool trace_reparented_locked(const struct group *g)
{
	const struct task *tracer = g->leader ? g->leader->tr.tracer : NULL;
	return tracer && tracer->group != g->parent;
}

void trace_tell_locked(struct task *t, int cld)
{
	struct task *tracer = t->tr.tracer;
	int status = t->tr.code & 0x7f;

	if (!tracer)
		return;
	if (cld == CLD_STOPPED)
		status = t->group->stop_sig & 0x7f;
	else if (cld == CLD_CONTINUED)
		status = SIGCONT;
	jobctl_tell_locked(tracer->group, t, t->tid, cld, status);
}

static int end_status(const struct task *p)
{
	struct group *g = p->group;
	lock(&g->siglock);
	int status = g->exiting || p == g->leader ? g->exit_code : p->exit_code;
	unlock(&g->siglock);
	return status;
}

void trace_tell_end_locked(struct task *t)
{
	struct task *tracer = t->tr.tracer;
	int status = end_status(t), sig = WIFSIGNALED_STATUS(status);
	struct abi_siginfo info = {.signo = SIGCHLD, .code = sig ? CLD_KILLED : CLD_EXITED};
	struct cred *c = task_cred(t);

	info.child.pid = pid_in_locked(tracer->group->pid_ns, t->tid);
	info.child.uid = group_uid_seen_locked(tracer->group, c->ruid);
	info.child.status = sig ? sig : status >> 8 & 0xff;
	cred_put(c);
	signal_send_group_locked(tracer->group, &info);
	waitq_wake(&tracer->group->wait_wq, 0);
}

static bool matches(const struct task *t, const struct task *p, const struct wait_request *r)
{
	switch (r->which) {
	case ABI_P_PID:
		return p->tid == r->id;
	case ABI_P_PGID:
		return p->group->pgid == (r->id ? r->id : t->group->pgid);
	default:
		return true;
	}
}

static void fill(struct wait_result *out, struct task *by, struct task *p, int code, int status, int wstatus)
{
	struct cred *c = task_cred(p);

	*out = (struct wait_result){.pid = pid_in_locked(by->group->pid_ns, p->tid),
				    .uid = uid_seen(task_user_ns(by), c->ruid),
				    .code = code,
				    .status = status,
				    .wstatus = wstatus};
	cred_put(c);
	usage_of_zombie_locked(p->group, &out->usage);
}

static bool is_zombie(const struct task *p)
{
	const struct group *g = p->group;
	if (p->tr.zombie)
		return true;
	return p == g->leader && g->zombie && !g->dead_tracees;
}

static bool take_zombie(struct task *by, struct task *p, int options, struct wait_result *out)
{
	struct group *g = p->group;

	if (!(options & WEXITED) || !is_zombie(p))
		return false;
	int status = end_status(p), sig = WIFSIGNALED_STATUS(status);
	fill(out, by, p, sig ? CLD_KILLED : CLD_EXITED, sig ? sig : status >> 8 & 0xff, status);
	if (options & WNOWAIT)
		return true;
	/* A leader that is its tracer's own child is reaped; all else goes on from here. */
	if (p == g->leader && !trace_reparented_locked(g))
		group_reap_locked(g, /*waited=*/true);
	else
		trace_unlink_locked(p);
	return true;
}

static bool take_stop(struct task *by, struct task *p, int options, struct wait_result *out)
{
	lock(&p->group->siglock);
	int code = trace_stopped_locked(p) ? p->tr.code : 0;
	if (code && !(options & WNOWAIT))
		p->tr.code = 0;
	unlock(&p->group->siglock);
	if (code)
		fill(out, by, p, CLD_TRAPPED, code, code << 8 | 0x7f);
	return code;
}

static int scan_tracer(struct task *t, struct task *tracer, const struct wait_request *r,
		       struct wait_result *out)
{
	struct task *p, *next;
	int ret = -ECHILD;

	list_for_each_safe (p, next, &tracer->tracees, tr.link) {
		if (!matches(t, p, r))
			continue;
		ret = 0;
		if (take_zombie(t, p, r->options, out) || take_stop(t, p, r->options, out))
			return 1;
	}
	return ret;
}

int trace_wait_locked(struct task *t, const struct wait_request *r, struct wait_result *out)
{
	struct task *tracer;
	int ret = -ECHILD;

	list_for_each (tracer, &t->group->threads, threads) {
		if ((r->options & __WNOTHREAD) && tracer != t)
			continue;
		int one = scan_tracer(t, tracer, r, out);
		if (one > 0)
			return one;
		if (one == 0)
			ret = 0;
	}
	return ret;
}
