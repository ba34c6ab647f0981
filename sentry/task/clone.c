/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone(2): build the child privately, publish it in one step, start it.
 *
 * Until publish() nobody can see the child, so that every failure before it is
 * undone by dropping what was built.  Its thread is there by then, and waits.
 */
#include "sentry/task/clone.h"

#include <stdlib.h>
#include <string.h>

#include "sentry/ipc/sem.h"
#include "sentry/mm/mm.h"
#include "sentry/task/container.h"
#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pause.h"
#include "sentry/task/pidfd.h"
#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "sentry/task/tty_hooks.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"
#include "syscalls/abi/sched.h"

static int flags_check(const struct task *t, const struct clone_spec *s)
{
	uint64_t f = s->flags;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_NEWNS) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND))
		return -EINVAL;
	/* A sibling of init would be nobody's child. */
	if ((f & CLONE_PARENT) && t->group->is_init)
		return -EINVAL;
	if ((f & CLONE_NEWUSER) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	/* Threads are in one PID namespace. */
	if ((f & CLONE_THREAD) && t->ns->of[NS_PID] != &t->group->pid_ns->ns)
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	/* clone3 has two arguments for them, clone one: they must differ. */
	if ((f & CLONE_PIDFD) && (f & CLONE_PARENT_SETTID) && s->pidfd == s->parent_tid)
		return -EINVAL;
	if ((f & CLONE_SETTLS) && s->tls >= USER_TOP)
		return -EPERM;
	return 0;
}

/* RLIMIT_NPROC counts tasks of the real user; root may exceed it.  tasks_lock held. */
static int limits_check_locked(struct task *t)
{
	const struct cred *c = task_cred_self(t);
	if (!container_room_locked(t->group->container))
		return -EAGAIN;
	if (c->ruid == 0 || cred_capable(c, CAP_SYS_RESOURCE) || cred_capable(c, CAP_SYS_ADMIN))
		return 0;
	return task_count_uid_locked(c->ruid) >= task_rlimit(t, RLIMIT_NPROC) ? -EAGAIN : 0;
}

static int share_files(struct task *child, struct task *t, uint64_t flags)
{
	int err = 0;
	if (flags & CLONE_FILES)
		child->fds = fdtab_get_table(t->fds);
	else
		err = fdtab_copy(t->fds, &child->fds);
	if (err < 0)
		return err;
	if (flags & CLONE_FS)
		child->fs = fsctx_get(t->fs);
	else
		err = fsctx_copy(t->fs, &child->fs);
	return err;
}

static int new_user_ns(struct task *child, struct task *t)
{
	autoput(cred) struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	int err = c ? task_is_chrooted(t) : -ENOMEM;
	if (err == 0 && (err = user_ns_enter_new(c)) == 0) {
		cred_put(child->cred);
		child->cred = STEAL(c);
	}
	return err;
}

static int share_namespaces(struct task *child, struct task *t, uint64_t flags)
{
	int err = flags & CLONE_NEWUSER ? new_user_ns(child, t) : 0;
	if (err == 0)
		err = nsset_clone(t, flags, child->cred, &child->ns);
	if (err == 0 && !(flags & CLONE_THREAD)) {
		pid_ns_put(child->group->pid_ns);
		child->group->pid_ns = pid_ns_get(pid_ns_of(child->ns->of[NS_PID]));
	}
	if (err == 0 && (flags & CLONE_NEWNS))
		err = fsctx_unshare_mounts(child->fs, child->cred);
	return err;
}

static struct group *group_for_child(struct task *t, const struct clone_spec *s)
{
	struct group *g = group_alloc(), *from = t->group;
	if (!g)
		return NULL;
	if (s->flags & CLONE_SIGHAND)
		g->actions = sigactions_get(from->actions);
	else
		g->actions = sigactions_copy(from->actions);
	if (!g->actions) {
		group_put(g);
		return NULL;
	}
	if (s->flags & CLONE_CLEAR_SIGHAND)
		sigactions_clear(g->actions);
	lock(&from->rlimit_lock);
	memcpy(g->rlimits, from->rlimits, sizeof g->rlimits);
	unlock(&from->rlimit_lock);
	container_put(g->container);
	g->container = container_get(from->container);
	g->exit_signal = s->exit_signal;
	g->dumpable = __atomic_load_n(&from->dumpable, __ATOMIC_RELAXED);
	autoput(user_ns) struct user_ns *exec_ns = group_exec_ns(from);
	group_set_exec_ns(g, exec_ns);
	g->oom_score_adj = __atomic_load_n(&from->oom_score_adj, __ATOMIC_RELAXED);
	return g;
}

static int share_memory(struct task *child, struct task *t, uint64_t flags)
{
	if (!(flags & CLONE_VM))
		return mm_fork(t->mm, t->ctx, &child->mm, &child->ctx);
	int err = platform->ctx_create(t->ctx, &child->ctx);
	if (err < 0)
		return err == -ESRCH ? -EAGAIN : err;
	child->mm = mm_get(t->mm);
	mm_use(child->mm);
	return 0;
}

static void copy_scalars(struct task *child, const struct task *t, const struct clone_spec *s)
{
	child->in_syscall = true; /* what its registers say, and a tracer sees */
	memcpy(child->comm, t->comm, sizeof child->comm);
	child->cred = cred_get(t->cred);
	child->nice = t->nice;
	child->ioprio = t->ioprio;
	child->policy = t->policy;
	child->rt_priority = t->rt_priority;
	child->cpus_allowed = t->cpus_allowed;
	child->timer_slack_ns = child->default_slack_ns = t->timer_slack_ns;
	child->personality = t->personality;
	child->no_tsc = t->no_tsc; /* and so has its ctx */
	if (s->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = s->child_tid;
	if (s->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = s->child_tid;
	if (!(s->flags & CLONE_VM))
		child->rseq = t->rseq;
	signal_clone_task(child, t, s->flags);
}

void task_discard(struct task *child)
{
	if (child->ctx)
		platform->ctx_destroy(child->ctx);
	child->ctx = NULL;
	if (child->mm) {
		mm_unuse(child->mm);
		mm_put(child->mm);
	}
	sem_exit(child);
	if (child->fds)
		fdtab_put(child->fds);
	if (child->fs)
		fsctx_put(child->fs);
	child->mm = NULL;
	task_put(child);
}

static int build(struct task *t, const struct clone_spec *s, struct task **out)
{
	struct task *child = task_alloc();
	if (!child)
		return -ENOMEM;
	child->group = s->flags & CLONE_THREAD ? group_get(t->group) : group_for_child(t, s);
	if (!child->group) {
		task_put(child);
		return -ENOMEM;
	}
	copy_scalars(child, t, s);
	int err = sem_clone(child, t, s->flags);
	if (err == 0)
		err = share_files(child, t, s->flags);
	if (err == 0)
		err = share_namespaces(child, t, s->flags);
	if (err == 0)
		err = share_memory(child, t, s->flags);
	if (err < 0) {
		task_discard(child);
		return err;
	}
	*out = child;
	return 0;
}

static void join_family_locked(struct task *child, struct task *t, const struct clone_spec *s)
{
	struct group *g = child->group;
	struct group *parent = s->flags & CLONE_PARENT ? t->group->parent : t->group;
	g->tgid = child->tid;
	g->nr = child->nr;
	if (g->pid_ns->ids && g->nr == 1) {
		g->pid_ns->init = g;
		g->is_init = true;
	}
	g->leader = task_get(child);
	g->parent = group_get(parent);
	g->parent_tid = s->flags & CLONE_PARENT ? t->group->parent_tid : t->tid;
	list_append(&parent->children, &g->siblings);
	if (s->flags & CLONE_PARENT)
		g->exit_signal = t->group->exit_signal;
	g->has_subreaper = t->group->has_subreaper || t->group->subreaper;
	if (t->group->tty)
		tty_share_locked(g, t->group);
	kernel.ngroups++;
	pid_set_locked(child->tid, NULL, g);
	group_set_ids_locked(g, t->group->pgid, t->group->sid);
}

/* The one step in which the child becomes visible. */
static int publish(struct task *child, struct task *t, const struct clone_spec *s, bool traced)
{
	struct group *g = child->group;
	lock(&kernel.tasks_lock);
	int err = limits_check_locked(t);
	lock(&t->group->siglock);
	/* A group that is ending takes no new members, and a kill must not miss one. */
	if (err == 0 && (t->group->exiting || __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE)))
		err = -ERESTARTNOINTR;
	/*
	 * A signal to the process group (Ctrl-C) goes to all its members under tasks_lock: it
	 * has either come before, then the parent takes it first, or finds the child in the group.
	 */
	if (err == 0 && !(s->flags & CLONE_THREAD) && waiter_signalled(&t->waiter))
		err = -ERESTARTNOINTR;
	seccomp_clone_locked(child, t);
	unlock(&t->group->siglock);
	/* Its first process has ended: nobody could look after this one. */
	if (err == 0 && g->pid_ns->over)
		err = -ENOMEM;
	int id = err < 0 ? err : pid_alloc_locked(g->pid_ns, s->set_tid, s->set_tids);
	if (id < 0) {
		unlock(&kernel.tasks_lock);
		return id;
	}
	child->tid = id;
	child->nr = pid_in_locked(g->pid_ns, id);
	if (!(s->flags & CLONE_THREAD))
		join_family_locked(child, t, s);
	list_append(&g->threads, &child->threads);
	__atomic_store_n(&g->nthreads, g->nthreads + 1, __ATOMIC_RELEASE);
	container_add_task_locked(g->container);
	kernel.forks++;
	pid_set_locked(id, child, NULL);
	if (traced)
		trace_clone_locked(child, t);
	facts_tell_locked(child);
	pause_inherit_locked(child);
	unlock(&kernel.tasks_lock);
	return id;
}

static void wait_for_vfork(struct task *t, struct vfork_wait *v, int id)
{
	int err = waitq_sleep(&v->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
			      __atomic_load_n(&v->done, __ATOMIC_ACQUIRE));
	vfork_wait_put(v);
	if (err == 0)
		trace_event_id(t, PTRACE_EVENT_VFORK_DONE, id);
}

/* The event that a tracer of t wants of this call, or 0. */
static int event_of(const struct task *t, const struct clone_spec *s)
{
	int event = s->flags & CLONE_VFORK	? PTRACE_EVENT_VFORK
		    : s->exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE
						: PTRACE_EVENT_FORK;
	return !(s->flags & CLONE_UNTRACED) && trace_wants_event(t, event) ? event : 0;
}

/* Everything the caller must be told before the child can run. */
static int tell_parent(struct task *t, struct task *child, const struct clone_spec *s, int pidfd)
{
	int tid = pid_in(t->group->pid_ns, child->tid);
	if ((s->flags & CLONE_PARENT_SETTID))
		copy_out(t->mm, s->parent_tid, &tid, sizeof tid); /* Linux ignores a bad pointer */
	if (pidfd >= 0)
		return copy_out(t->mm, s->pidfd, &pidfd, sizeof pidfd);
	return 0;
}

static void child_regs(struct task *t, const struct clone_spec *s, struct regs *out)
{
	*out = *platform->regs(t->ctx);
	trace_child_regs(t, out);
	out->rax = 0;
	if (s->stack)
		out->rsp = s->stack;
	if (s->flags & CLONE_SETTLS)
		out->fs_base = s->tls;
}

static int pidfd_reserve(struct task *t, const struct clone_spec *s)
{
	int fd = -1;
	if (!(s->flags & CLONE_PIDFD))
		return -1;
	/* -EFAULT is found out before there is a child. */
	int err = copy_out(t->mm, s->pidfd, &fd, sizeof fd);
	if (err == 0)
		err = fd_reserve(t->fds, 1, 0, task_rlimit(t, RLIMIT_NOFILE), &fd);
	return err < 0 ? err - 1 : fd; /* -1 means "none", so errors are shifted by one */
}

long task_clone(struct task *t, const struct clone_spec *s)
{
	struct task *child;
	struct vfork_wait *v = NULL;
	struct regs regs;
	struct file *pidfile = NULL;
	struct task_begin *begin;

	int err = flags_check(t, s);
	if (err < 0)
		return err;
	int pidfd = pidfd_reserve(t, s);
	if (pidfd < -1)
		return pidfd + 1;
	err = build(t, s, &child);
	if (err < 0)
		goto undo_pidfd;
	if ((s->flags & CLONE_VFORK) && !(v = vfork_wait_new())) {
		err = -ENOMEM;
		goto undo_child;
	}
	if (pidfd >= 0 && (err = pidfd_file_new(child->group, child, t->cred, 0, &pidfile)) < 0)
		goto undo_child;
	if ((err = task_prepare(child, &begin)) < 0)
		goto undo_child;
	int event = event_of(t, s);
	if ((err = publish(child, t, s, event || (s->flags & CLONE_PTRACE))) < 0) {
		task_drop(begin, task_discard);
		goto undo_files;
	}
	/* Nothing below can fail. */
	int id = child->tid, nr = pid_in(t->group->pid_ns, id);
	t->nproc_exceeded = false; /* it has just been looked at */
	if (pidfile)
		fd_publish(t->fds, pidfd, pidfile, /*cloexec=*/true);
	tell_parent(t, child, s, pidfd);
	if (v) {
		ref_get(&v->ref);
		child->vfork = v;
	}
	child_regs(t, s, &regs);
	task_begin(begin, &regs);
	task_put(child);
	if (event)
		trace_event_id(t, event, id);
	if (v)
		wait_for_vfork(t, v, id);
	return nr;

undo_child:
	task_discard(child);
undo_files:
	if (pidfile)
		file_put(pidfile);
	if (v)
		vfork_wait_put(v);
undo_pidfd:
	if (pidfd >= 0)
		fd_unreserve(t->fds, pidfd);
	return err;
}
