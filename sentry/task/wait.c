/* SPDX-License-Identifier: Apache-2.0 */
/* wait4(2) and waitid(2): what a parent may learn of its children, and when. */
#include <errno.h>

#include "sentry/task/exit.h"
#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/reap.h"
#include "sentry/task/signal.h"
#include "sentry/task/usage.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/wait.h"

static bool matches(const struct task *caller, const struct group *g, const struct wait_request *r)
{
	switch (r->which) {
	case ABI_P_PID:
		if (g->tgid != r->id)
			return false;
		break;
	case ABI_P_PGID:
		if (g->pgid != (r->id ? r->id : caller->group->pgid))
			return false;
		break;
	default:
		break;
	}
	if ((r->options & __WNOTHREAD) && g->parent_tid != caller->tid)
		return false;
	if (r->options & __WALL)
		return true;
	/* A "clone child" is one that does not report with SIGCHLD. */
	bool clone_child = g->exit_signal != SIGCHLD;
	return clone_child == !!(r->options & __WCLONE);
}

static void fill(struct wait_result *out, const struct task *by, struct group *g, int code, int status, int wstatus)
{
	*out = (struct wait_result){
		.pid = pid_in_locked(by->group->pid_ns, g->tgid), .code = code, .status = status, .wstatus = wstatus};
	if (g->leader) {
		struct cred *c = task_cred(g->leader);
		out->uid = uid_seen(task_user_ns(by), c->ruid);
		cred_put(c);
	}
	usage_of_zombie_locked(g, &out->usage);
}

static bool take_zombie(const struct task *by, struct group *g, int options, struct wait_result *out)
{
	/* Its tracers come first. */
	if (!g->zombie || !(options & WEXITED) || g->dead_tracees || trace_reparented_locked(g))
		return false;
	int sig = WIFSIGNALED_STATUS(g->exit_code);
	fill(out, by, g, sig ? CLD_KILLED : CLD_EXITED, sig ? sig : g->exit_code >> 8 & 0xff,
	     g->exit_code);
	if (!(options & WNOWAIT))
		group_reap_locked(g, /*waited=*/true);
	return true;
}

static bool take_stopped(const struct task *by, struct group *g, int options, struct wait_result *out)
{
	lock(&g->siglock);
	bool found = (options & WUNTRACED) && g->stop == GROUP_STOPPED && !g->stop_reported;
	int sig = g->stop_sig;
	if (found && !(options & WNOWAIT))
		g->stop_reported = true;
	unlock(&g->siglock);
	if (found)
		fill(out, by, g, CLD_STOPPED, sig, sig << 8 | 0x7f);
	return found;
}

static bool take_continued(const struct task *by, struct group *g, int options, struct wait_result *out)
{
	lock(&g->siglock);
	bool found = (options & WCONTINUED) && g->cont_pending;
	if (found && !(options & WNOWAIT))
		g->cont_pending = false;
	unlock(&g->siglock);
	if (found)
		fill(out, by, g, CLD_CONTINUED, SIGCONT, 0xffff);
	return found;
}

/* A child that the caller's group traces too is seen as its tracee only, not twice. */
static bool is_own_tracee(const struct group *g)
{
	return g->leader && g->leader->tr.tracer && !trace_reparented_locked(g);
}

/* 1 with a result, 0 nothing yet, -ECHILD. */
static int scan(struct task *t, const struct wait_request *r, struct wait_result *out)
{
	struct group *g, *next;
	int ret = -ECHILD;

	lock(&kernel.tasks_lock);
	list_for_each_safe (g, next, &t->group->children, siblings) {
		if (!matches(t, g, r))
			continue;
		ret = 0;
		if ((!is_own_tracee(g) && (take_zombie(t, g, r->options, out) ||
					   take_stopped(t, g, r->options, out))) ||
		    take_continued(t, g, r->options, out)) {
			ret = 1;
			break;
		}
	}
	int traced = ret > 0 ? ret : trace_wait_locked(t, r, out);
	if (traced != -ECHILD)
		ret = traced;
	unlock(&kernel.tasks_lock);
	return ret;
}

int task_wait(struct task *t, const struct wait_request *r, struct wait_result *out)
{
	int ret = 0;
	*out = (struct wait_result){0};
	if (r->options & WNOHANG) {
		ret = scan(t, r, out);
		return ret < 0 ? ret : 0;
	}
	int err = waitq_sleep(&t->group->wait_wq, 0, WAIT_INTR, WAIT_FOREVER,
			      (ret = scan(t, r, out)) != 0);
	return ret < 0 ? ret : ret > 0 ? 0 : err;
}
