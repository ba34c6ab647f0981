/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How tasks and groups end.
 *
 * Nothing is torn down from outside: whoever wants a task gone sets flags and
 * gets its attention, and the task gives everything back on its own thread.
 * The last thread of a group turns it into a zombie, in one step under
 * tasks_lock: children go to the reaper, the parent is told.
 */
#include "sentry/task/exit.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/sem.h"
#include "sentry/mm/mm.h"
#include "sentry/task/errand.h"
#include "sentry/task/futex.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/futex_pi.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pause.h"
#include "sentry/task/pidns.h"
#include "sentry/task/reap.h"
#include "sentry/task/signal.h"
#include "sentry/task/usage.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"

struct vfork_wait *vfork_wait_new(void)
{
	struct vfork_wait *v = calloc(1, sizeof *v);
	if (!v)
		return NULL;
	ref_init(&v->ref);
	waitq_init(&v->wq);
	return v;
}

void vfork_wait_put(struct vfork_wait *v)
{
	if (!ref_put(&v->ref))
		return;
	waitq_destroy(&v->wq);
	free(v);
}

void vfork_done(struct task *t)
{
	struct vfork_wait *v = STEAL(t->vfork);
	if (!v)
		return;
	__atomic_store_n(&v->done, 1, __ATOMIC_RELEASE);
	waitq_wake(&v->wq, 0);
	vfork_wait_put(v);
}

void task_exit_self(struct task *t, int code)
{
	t->exit_code = code;
	__atomic_store_n(&t->exiting, 1, __ATOMIC_RELEASE);
}

void task_exit_group(struct task *t, int code)
{
	struct group *g = t->group;
	lock(&g->siglock);
	if (!g->exiting) {
		g->exiting = true;
		g->exit_code = code;
	}
	t->exit_code = g->exit_code;
	unlock(&g->siglock);
	signal_kill_threads(g, t);
	__atomic_store_n(&t->exiting, 1, __ATOMIC_RELEASE);
}

static bool last_thread(const struct task *t)
{
	return __atomic_load_n(&t->group->nthreads, __ATOMIC_RELAXED) == 1;
}

void task_ctx_destroy(struct ctx *ctx)
{
	if (platform->answered && (syscall_trace & TRACE_SUMMARY))
		platform->answered(ctx, syscall_answered);
	platform->ctx_destroy(ctx);
}

/* Resources a dying task shares with others: each goes by itself, the task has no use for them. */
static void drop_resources(struct task *t)
{
	struct ctx *ctx;
	struct usage used;
	/* The stub tells at its end, if that is now; else it is asked while it still obeys. */
	if (t->mm && ref_count(&t->mm->ref) > 1 && last_thread(t))
		usage_update(t, /*thread=*/false);
	lock(&t->group->siglock);
	ctx = STEAL(t->ctx);
	unlock(&t->group->siglock);
	errand_refuse(t);
	if (ctx)
		task_ctx_destroy(ctx);

	lock(&kernel.tasks_lock);
	struct mm *mm = STEAL(t->mm);
	struct fdtab *fds = STEAL(t->fds);
	struct fsctx *fs = STEAL(t->fs);
	struct nsset *ns = STEAL(t->ns);
	unlock(&kernel.tasks_lock);
	if (fds)
		fdtab_put(fds);
	if (fs)
		fsctx_put(fs);
	if (ns)
		nsset_put(ns);
	if (mm) {
		mm_unuse(mm);
		if (mm_put_usage(mm, &used))
			usage_note(t->group, &used);
	}
}

void task_leave_memory(struct task *t)
{
	bool over = __atomic_load_n(&t->exiting, __ATOMIC_RELAXED);
	if (t->mm && t->ctx)
		futex_exit_robust(t);
	futex_exit_pi(t, over);
	if (!t->mm || !t->ctx)
		return;
	if (t->clear_child_tid && __atomic_load_n(&t->mm->users, __ATOMIC_RELAXED) > 1) {
		uint32_t zero = 0;
		if (copy_out(t->mm, t->clear_child_tid, &zero, sizeof zero) == 0)
			futex_wake_addr(t->mm, t->clear_child_tid);
	}
	t->clear_child_tid = 0;
}

void task_unlink_locked(struct task *t)
{
	struct group *g = t->group;
	list_del(&t->threads);
	__atomic_store_n(&g->nthreads, g->nthreads - 1, __ATOMIC_RELEASE);
	usage_dead_locked(g, t);
	if (g->nthreads > 0)
		thread_end_locked(g, t);
	/* Every thread has left by itself: the last one's status counts, since Linux 5.17. */
	if (g->nthreads == 0 && !g->exiting)
		g->exit_code = t->exit_code;
	if (t == g->leader) {
		t->state = TASK_ZOMBIE;
	} else if (t->tr.tracer) {
		/* Its number stays until the tracer has waited. */
		t->state = TASK_ZOMBIE;
		t->tr.zombie = true;
		g->dead_tracees++;
		trace_tell_end_locked(t);
	} else {
		t->state = TASK_DEAD;
		pid_clear_task_locked(t->tid);
	}
}

void task_exit(struct task *t)
{
	struct group *g = t->group;

	pause_leave(t);
	trace_exit(t);
	trace_end_tracer(t);
	task_account(t);
	task_leave_memory(t);
	/* A vfork parent goes on only when the child no longer touches their memory. */
	struct vfork_wait *v = STEAL(t->vfork);
	sem_exit(t);
	drop_resources(t);
	t->vfork = v;
	vfork_done(t);
	signal_exit_task(t);

	lock(&kernel.tasks_lock);
	if (g->nthreads == 1 && g == g->pid_ns->init)
		pid_ns_end_locked(t);
	task_unlink_locked(t);
	if (g->nthreads == 0)
		group_end_locked(g);
	unlock(&kernel.tasks_lock);
	waitq_wake(&g->exit_wq, 0);
}
