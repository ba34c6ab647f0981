/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Affinity, policies, priorities: sched_setaffinity(2), sched_setscheduler(2),
 * setpriority(2).  Rules and values are Linux'; the host schedules all guest
 * threads alike, so that nothing of it changes who runs when (table.def says so).
 */
#include "syscalls/abi/sched.h"

#include "sentry/res/resources.h"
#include "sentry/task/clock.h"
#include "sentry/task/facts.h"
#include "sentry/task/schedparam.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { MASK_SIZE = sizeof(uint64_t), RR_SLICE_NS = 100000000, FAIR_SLICE_NS = 3000000 };

static struct task *find(struct task *t, int pid)
{
	return pid ? task_find(pid) : task_get(t);
}

long sys_sched_getaffinity(struct task *t, int pid, uint32_t len, uaddr_t mask)
{
	/* Linux counts bits in 32 bits: 0x20000000 bytes are none. */
	if (len * 8 < MASK_SIZE * 8 || len % MASK_SIZE)
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	autoput(task) struct task *target = find(t, pid);
	if (!target)
		return -ESRCH;
	uint64_t cpus = __atomic_load_n(&target->cpus_allowed, __ATOMIC_RELAXED);
	cpus = resources_cpus_allowed(cpus);
	return copy_out(t->mm, mask, &cpus, sizeof cpus) < 0 ? -EFAULT : MASK_SIZE;
}

long sys_sched_setaffinity(struct task *t, int pid, uint32_t len, uaddr_t mask)
{
	uint64_t cpus = 0;

	if (copy_in(t->mm, &cpus, mask, min_u64(len, sizeof cpus)) < 0)
		return -EFAULT;
	if (pid < 0)
		return -ESRCH;
	autoput(task) struct task *target = find(t, pid);
	if (!target)
		return -ESRCH;
	autoput(cred) struct cred *c = task_cred(target);
	if (!sched_same_owner(t, target) && !task_capable_in(t, c->user_ns, CAP_SYS_NICE))
		return -EPERM;
	cpus &= resources_cpu_mask();
	if (!cpus)
		return -EINVAL;
	__atomic_store_n(&target->cpus_allowed, cpus, __ATOMIC_RELAXED);
	facts_affinity(target);
	return 0;
}

static long set_params(struct task *t, int pid, const struct sched_params *p)
{
	if (pid < 0)
		return -EINVAL;
	autoput(task) struct task *target = find(t, pid);
	return target ? sched_params_set(t, target, p) : -ESRCH;
}

long sys_sched_setscheduler(struct task *t, int pid, int policy, uaddr_t param)
{
	struct abi_sched_param in;

	if (policy < 0 || !param || pid < 0)
		return -EINVAL;
	if (copy_in(t->mm, &in, param, sizeof in) < 0)
		return -EFAULT;
	const struct sched_params p = {
		.policy = policy,
		.rt_priority = in.sched_priority,
		.keep_nice = true,
	};
	return set_params(t, pid, &p);
}

long sys_sched_setparam(struct task *t, int pid, uaddr_t param)
{
	struct abi_sched_param in;

	if (!param || pid < 0)
		return -EINVAL;
	if (copy_in(t->mm, &in, param, sizeof in) < 0)
		return -EFAULT;
	const struct sched_params p = {
		.rt_priority = in.sched_priority, .keep_policy = true, .keep_nice = true};
	return set_params(t, pid, &p);
}

long sys_sched_getscheduler(struct task *t, int pid)
{
	if (pid < 0)
		return -EINVAL;
	autoput(task) struct task *target = find(t, pid);
	return target ? __atomic_load_n(&target->policy, __ATOMIC_RELAXED) : -ESRCH;
}

long sys_sched_getparam(struct task *t, int pid, uaddr_t param)
{
	if (!param || pid < 0)
		return -EINVAL;
	autoput(task) struct task *target = find(t, pid);
	if (!target)
		return -ESRCH;
	const struct abi_sched_param out = {
		.sched_priority = __atomic_load_n(&target->rt_priority, __ATOMIC_RELAXED)};
	return copy_out(t->mm, param, &out, sizeof out);
}

/* A struct that grows: a longer one must be zero where we know nothing of it. */
static int attr_copy_in(struct task *t, uaddr_t at, struct abi_sched_attr *out)
{
	const uint32_t known = sizeof *out;
	unsigned char rest[256];
	uint32_t size;

	*out = (struct abi_sched_attr){0};
	if (copy_in(t->mm, &size, at, sizeof size) < 0)
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) {
		copy_out(t->mm, at, &known, sizeof known);
		return -E2BIG;
	}
	if (copy_in(t->mm, out, at, min_u64(size, sizeof *out)) < 0)
		return -EFAULT;
	for (uint32_t done = sizeof *out; done < size;) {
		uint32_t n = (uint32_t)min_u64(size - done, sizeof rest);
		if (copy_in(t->mm, rest, at + done, n) < 0)
			return -EFAULT;
		for (uint32_t i = 0; i < n; i++)
			if (rest[i])
				return copy_out(t->mm, at, &known, sizeof known), -E2BIG;
		done += n;
	}
	return 0;
}

long sys_sched_setattr(struct task *t, int pid, uaddr_t attr, uint32_t flags)
{
	const uint64_t flags_known =
		SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS;
	struct abi_sched_attr a;

	if (!attr || pid < 0 || flags)
		return -EINVAL;
	int err = attr_copy_in(t, attr, &a);
	if (err < 0)
		return err;
	if ((int)a.sched_policy < 0 || (a.sched_policy & SCHED_RESET_ON_FORK) ||
	    (a.sched_flags & ~flags_known))
		return -EINVAL;
	const struct sched_params p = {
		.policy = (int)(a.sched_policy & ~(uint32_t)SCHED_RESET_ON_FORK) |
			  (a.sched_flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0),
		.rt_priority = (int)a.sched_priority,
		.nice = a.sched_nice,
		.keep_policy = a.sched_flags & SCHED_FLAG_KEEP_POLICY,
		.keep_nice = a.sched_flags & SCHED_FLAG_KEEP_PARAMS,
	};
	return set_params(t, pid, &p);
}

long sys_sched_getattr(struct task *t, int pid, uaddr_t attr, uint32_t size, uint32_t flags)
{
	if (!attr || pid < 0 || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	autoput(task) struct task *target = find(t, pid);
	if (!target)
		return -ESRCH;
	struct abi_sched_attr a = {
		.size = (uint32_t)min_u64(size, sizeof a),
		.sched_policy = (uint32_t)__atomic_load_n(&target->policy, __ATOMIC_RELAXED),
		.sched_nice = __atomic_load_n(&target->nice, __ATOMIC_RELAXED),
		.sched_priority = (uint32_t)__atomic_load_n(&target->rt_priority, __ATOMIC_RELAXED),
	};
	if (a.sched_policy & SCHED_RESET_ON_FORK) {
		a.sched_policy &= ~(uint32_t)SCHED_RESET_ON_FORK;
		a.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	}
	if (sched_is_rt((int)a.sched_policy))
		a.sched_nice = 0;
	return copy_out(t->mm, attr, &a, a.size);
}

static long priority_bound(int policy, long rt)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return rt;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_sched_get_priority_max(struct task *t, int policy)
{
	(void)t;
	return priority_bound(policy, 99);
}

long sys_sched_get_priority_min(struct task *t, int policy)
{
	(void)t;
	return priority_bound(policy, 1);
}

long sys_sched_rr_get_interval(struct task *t, int pid, uaddr_t interval)
{
	if (pid < 0)
		return -EINVAL;
	autoput(task) struct task *target = find(t, pid);
	if (!target)
		return -ESRCH;
	int policy = __atomic_load_n(&target->policy, __ATOMIC_RELAXED) & ~SCHED_RESET_ON_FORK;
	int64_t ns = policy == SCHED_RR ? RR_SLICE_NS : policy == SCHED_FIFO ? 0 : FAIR_SLICE_NS;
	return timespec_copy_out(t->mm, interval, ns);
}
