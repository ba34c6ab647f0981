/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/schedparam.h"

#include "syscalls/abi/errno.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/sched.h"

enum { RT_MAX = 99 };

bool sched_is_rt(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

int sched_level(const struct task *t)
{
	int policy = __atomic_load_n(&t->policy, __ATOMIC_RELAXED);
	if (sched_is_rt(policy))
		return RT_MAX - __atomic_load_n(&t->rt_priority, __ATOMIC_RELAXED);
	return 120 + __atomic_load_n(&t->nice, __ATOMIC_RELAXED);
}

void sched_clone_task(struct task *child)
{
	if (!(child->policy & SCHED_RESET_ON_FORK))
		return;
	child->policy &= ~SCHED_RESET_ON_FORK;
	if (sched_is_rt(child->policy)) {
		child->policy = SCHED_NORMAL;
		child->rt_priority = 0;
		child->nice = 0;
	} else if (child->nice < 0) {
		child->nice = 0;
	}
}

bool sched_same_owner(const struct task *t, struct task *target)
{
	autoput(cred) struct cred *c = task_cred(target);
	return t->cred->euid == c->euid || t->cred->euid == c->ruid;
}

/* RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20). */
static bool may_nice(struct task *t, struct task *target, int nice)
{
	return (uint64_t)(NICE_MAX + 1 - nice) <= task_rlimit(target, RLIMIT_NICE) ||
	       task_capable(t, CAP_SYS_NICE);
}

static int valid(const struct sched_params *p, int policy)
{
	switch (policy & ~SCHED_RESET_ON_FORK) {
	case SCHED_FIFO:
	case SCHED_RR:
		return p->rt_priority >= 1 && p->rt_priority <= RT_MAX ? 0 : -EINVAL;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return p->rt_priority == 0 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int permitted(struct task *t, struct task *target, const struct sched_params *p, int policy,
		     int nice)
{
	int old = __atomic_load_n(&target->policy, __ATOMIC_RELAXED);
	int old_rt = __atomic_load_n(&target->rt_priority, __ATOMIC_RELAXED);
	int old_nice = __atomic_load_n(&target->nice, __ATOMIC_RELAXED);

	if (task_capable(t, CAP_SYS_NICE))
		return 0;
	if ((old & SCHED_RESET_ON_FORK) && !(policy & SCHED_RESET_ON_FORK))
		return -EPERM;
	if (!sched_is_rt(policy) && nice < old_nice && !may_nice(t, target, nice))
		return -EPERM;
	if (sched_is_rt(policy)) {
		uint64_t limit = task_rlimit(target, RLIMIT_RTPRIO);
		if (policy != old && !limit)
			return -EPERM;
		if (p->rt_priority > old_rt && (uint64_t)p->rt_priority > limit)
			return -EPERM;
	}
	if (old == SCHED_IDLE && policy != SCHED_IDLE && !may_nice(t, target, old_nice))
		return -EPERM;
	return sched_same_owner(t, target) ? 0 : -EPERM;
}

static int clamp_nice(int nice)
{
	return nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
}

int sched_params_set(struct task *t, struct task *target, const struct sched_params *p)
{
	int policy = p->policy, nice = clamp_nice(p->nice);

	if (p->keep_policy)
		policy = __atomic_load_n(&target->policy, __ATOMIC_RELAXED);
	if (p->keep_nice)
		nice = __atomic_load_n(&target->nice, __ATOMIC_RELAXED);
	int err = valid(p, policy);
	if (err == 0)
		err = permitted(t, target, p, policy, nice);
	if (err < 0)
		return err;
	__atomic_store_n(&target->policy, policy, __ATOMIC_RELAXED);
	__atomic_store_n(&target->rt_priority, p->rt_priority, __ATOMIC_RELAXED);
	if (!sched_is_rt(policy))
		__atomic_store_n(&target->nice, nice, __ATOMIC_RELAXED);
	return 0;
}

int sched_nice_set(struct task *t, struct task *target, int nice)
{
	nice = clamp_nice(nice);
	autoput(cred) struct cred *c = task_cred(target);
	if (c->ruid != t->cred->euid && c->euid != t->cred->euid &&
	    !task_capable_in(t, c->user_ns, CAP_SYS_NICE))
		return -EPERM;
	if (nice < __atomic_load_n(&target->nice, __ATOMIC_RELAXED) && !may_nice(t, target, nice))
		return -EACCES;
	__atomic_store_n(&target->nice, nice, __ATOMIC_RELAXED);
	return 0;
}
