/* SPDX-License-Identifier: Apache-2.0 */
/* getrlimit(2), prlimit(2), getrusage(2). */
#include "syscalls/abi/resource.h"

#include "sentry/task/cpulimit.h"
#include "sentry/task/exec.h"
#include "sentry/task/task.h"
#include "sentry/task/usage.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { NR_OPEN_MAX = 1048576 }; /* /proc/sys/fs/nr_open */

/* CAP_SYS_RESOURCE, or exactly the same user and group on both sides. */
static int may_change(struct task *t, struct task *target)
{
	const struct cred *c = t->cred;

	if (target == t)
		return 0;
	autoput(cred) struct cred *to = task_cred(target);
	if (task_capable_in(t, to->user_ns, CAP_SYS_RESOURCE))
		return 0;
	bool same = c->ruid == to->euid && c->ruid == to->suid && c->ruid == to->ruid &&
		    c->rgid == to->egid && c->rgid == to->sgid && c->rgid == to->rgid;
	return same ? 0 : -EPERM;
}

static int change(struct task *t, struct task *target, unsigned which,
		  const struct abi_rlimit *value, struct abi_rlimit *out_old)
{
	struct group *g = target->group;
	int err = 0;

	if (value && value->rlim_cur > value->rlim_max)
		return -EINVAL;
	if (value && which == RLIMIT_NOFILE && value->rlim_max > NR_OPEN_MAX)
		return -EPERM;
	lock(&g->rlimit_lock);
	*out_old = g->rlimits[which];
	if (value && value->rlim_max > out_old->rlim_max && !task_capable(t, CAP_SYS_RESOURCE))
		err = -EPERM;
	else if (value)
		g->rlimits[which] = *value;
	unlock(&g->rlimit_lock);
	if (err == 0 && value && which == RLIMIT_CPU)
		cpulimit_changed(g);
	if (err == 0 && value && which == RLIMIT_STACK && g == t->group)
		task_stack_limit(t);
	return err;
}

long sys_prlimit64(struct task *t, int pid, uint32_t resource, uaddr_t new_rlim, uaddr_t old_rlim)
{
	struct abi_rlimit value, old;

	if (new_rlim && copy_in(t->mm, &value, new_rlim, sizeof value) < 0)
		return -EFAULT;
	autoput(task) struct task *target = pid ? task_find(pid) : task_get(t);
	if (!target)
		return -ESRCH;
	int err = may_change(t, target);
	if (err < 0)
		return err;
	if (resource >= ABI_RLIM_NLIMITS)
		return -EINVAL;
	err = change(t, target, resource, new_rlim ? &value : NULL, &old);
	if (err < 0)
		return err;
	return old_rlim ? copy_out(t->mm, old_rlim, &old, sizeof old) : 0;
}

long sys_getrlimit(struct task *t, uint32_t resource, uaddr_t rlim)
{
	struct abi_rlimit old;

	if (resource >= ABI_RLIM_NLIMITS)
		return -EINVAL;
	int err = change(t, t, resource, NULL, &old);
	return err < 0 ? err : copy_out(t->mm, rlim, &old, sizeof old);
}

long sys_setrlimit(struct task *t, uint32_t resource, uaddr_t rlim)
{
	struct abi_rlimit value, old;

	if (copy_in(t->mm, &value, rlim, sizeof value) < 0)
		return -EFAULT;
	if (resource >= ABI_RLIM_NLIMITS)
		return -EINVAL;
	return change(t, t, resource, &value, &old);
}

long sys_getrusage(struct task *t, int who, uaddr_t usage)
{
	struct abi_rusage u;

	switch (who) {
	case RUSAGE_SELF:
		usage_update(t, /*thread=*/false);
		usage_of_group(t->group, &u);
		break;
	case RUSAGE_CHILDREN:
		usage_of_children(t->group, &u);
		break;
	case RUSAGE_THREAD:
		usage_update(t, /*thread=*/true);
		usage_of_thread(t, &u);
		break;
	default:
		return -EINVAL;
	}
	return copy_out(t->mm, usage, &u, sizeof u);
}
