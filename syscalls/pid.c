/* SPDX-License-Identifier: Apache-2.0 */
/* Process ids, process groups, sessions: getpid(2), setpgid(2), setsid(2). */
#include "sentry/task/jobctl.h"
#include "sentry/task/pidns.h"
#include "sentry/task/task.h"
#include "sentry/task/tty_hooks.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_getpid(struct task *t)
{
	return t->group->nr;
}

long sys_gettid(struct task *t)
{
	return t->nr;
}

long sys_getppid(struct task *t)
{
	lock(&kernel.tasks_lock);
	const struct group *parent = t->group->parent;
	int pid = parent ? pid_here_locked(parent->tgid) : 0;
	unlock(&kernel.tasks_lock);
	return pid;
}

/* Any thread's number will do; a zombie still has its group and session. */
static struct group *group_of_locked(struct task *t, int pid)
{
	if (pid == 0)
		return t->group;
	struct task *found = task_find_locked(pid);
	return found ? found->group : group_find_locked(pid);
}

static long get_ids(struct task *t, int pid, bool session)
{
	lock(&kernel.tasks_lock);
	const struct group *g = group_of_locked(t, pid);
	long id = g ? pid_here_locked(session ? g->sid : g->pgid) : -ESRCH;
	unlock(&kernel.tasks_lock);
	return id;
}

long sys_getpgid(struct task *t, int pid)
{
	return get_ids(t, pid, /*session=*/false);
}

long sys_getpgrp(struct task *t)
{
	return get_ids(t, 0, /*session=*/false);
}

long sys_getsid(struct task *t, int pid)
{
	return get_ids(t, pid, /*session=*/true);
}

static int setpgid_check_locked(struct group *self, struct group *g, int pgid)
{
	if (g->parent == self) {
		if (g->sid != self->sid)
			return -EPERM;
		if (g->did_exec)
			return -EACCES;
	} else if (g != self) {
		return -ESRCH;
	}
	/* A session leader keeps its group. */
	if (g->sid == g->tgid)
		return -EPERM;
	if (pgid != g->tgid && !pgrp_exists_locked(pgid, self->sid))
		return -EPERM;
	return 0;
}

long sys_setpgid(struct task *t, int pid, int pgid)
{
	struct group *self = t->group;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return -EINVAL;
	lock(&kernel.tasks_lock);
	struct group *g = group_of_locked(t, pid);
	int err = g ? 0 : -ESRCH;
	if (g && pid != 0 && g->tgid != pid_id_here_locked(pid))
		err = -EINVAL; /* a thread's number */
	int id = err < 0 ? 0 : pgid == 0 ? g->tgid : pid_id_here_locked(pgid);
	if (err == 0)
		err = setpgid_check_locked(self, g, id);
	if (err == 0 && g->pgid != id)
		group_set_ids_locked(g, id, g->sid);
	unlock(&kernel.tasks_lock);
	return err;
}

long sys_setsid(struct task *t)
{
	struct group *g = t->group;
	long ret = g->nr;

	lock(&kernel.tasks_lock);
	if (g->sid == g->tgid || pgrp_exists_locked(g->tgid, 0)) {
		ret = -EPERM;
	} else {
		group_set_ids_locked(g, g->tgid, g->tgid);
		tty_leave_locked(g);
	}
	unlock(&kernel.tasks_lock);
	return ret;
}
