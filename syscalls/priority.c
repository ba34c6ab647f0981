/* SPDX-License-Identifier: Apache-2.0 */
/* getpriority(2), setpriority(2). */
#include "sentry/task/pidns.h"
#include "sentry/task/schedparam.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/resource.h"
#include "syscalls/sys.h"

/* The kernel's answer is 40 .. 1 for nice -20 .. 19: never taken for an error. */
enum { NICE_ZERO = 20 };

struct priority {
	struct task *t;
	int which;
	uint32_t who;
	bool set;
	int nice; /* to set */
	int best; /* the highest found, in the kernel's form */
	int err;
	bool found;
};

static void visit(struct priority *p, struct task *target)
{
	p->found = true;
	if (!p->set) {
		int value = NICE_ZERO - __atomic_load_n(&target->nice, __ATOMIC_RELAXED);
		p->best = value > p->best ? value : p->best;
		return;
	}
	int err = sched_nice_set(p->t, target, p->nice);
	if (err < 0)
		p->err = err;
}

static bool matches(const struct priority *p, struct group *g, struct task *each)
{
	if (!pid_here_locked(g->tgid))
		return false;
	if (p->which == PRIO_PGRP)
		return (uint32_t)g->pgid == p->who;
	autoput(cred) struct cred *c = task_cred(each);
	return c->ruid == p->who;
}

static bool visit_group(struct group *g, void *arg)
{
	struct priority *p = arg;
	struct task *each;

	list_for_each (each, &g->threads, threads)
		if (matches(p, g, each))
			visit(p, each);
	return true;
}

static long run(struct priority *p)
{
	struct task *t = p->t;

	if (p->which < PRIO_PROCESS || p->which > PRIO_USER)
		return -EINVAL;
	lock(&kernel.tasks_lock);
	if (p->which == PRIO_PROCESS) {
		struct task *target = p->who ? task_find_locked((int)p->who) : t;
		if (target)
			visit(p, target);
	} else {
		if (p->which == PRIO_PGRP && p->who)
			p->who = (uint32_t)pid_id_here_locked((int)p->who);
		else if (!p->who)
			p->who = p->which == PRIO_PGRP ? (uint32_t)t->group->pgid : t->cred->ruid;
		group_for_each_locked(visit_group, p);
	}
	unlock(&kernel.tasks_lock);
	if (!p->found)
		return -ESRCH;
	return p->set ? p->err : p->best;
}

long sys_getpriority(struct task *t, int which, int who)
{
	struct priority p = {.t = t, .which = which, .who = (uint32_t)who};
	return run(&p);
}

long sys_setpriority(struct task *t, int which, int who, int nice)
{
	struct priority p = {
		.t = t, .which = which, .who = (uint32_t)who, .set = true, .nice = nice};
	return run(&p);
}
