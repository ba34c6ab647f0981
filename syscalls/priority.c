/* SPDX-License-Identifier: Apache-2.0 */
/* getpriority(2), setpriority(2). */
#include "sentry/task/pidns.h"
#include "sentry/task/schedparam.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/resource.h"
#include "syscalls/chosen.h"
#include "syscalls/sys.h"

/* The kernel's answer is 40 .. 1 for nice -20 .. 19: never taken for an error. */
enum { NICE_ZERO = 20 };

struct choice {
	int which;
	uint32_t who;
	chosen_fn visit;
	void *arg;
	bool found;
};

static bool matches(const struct choice *c, struct group *g, struct task *each)
{
	if (!pid_here_locked(g->tgid))
		return false;
	if (c->which == PRIO_PGRP)
		return (uint32_t)g->pgid == c->who;
	autoput(cred) struct cred *cred = task_cred(each);
	return cred->ruid == c->who;
}

static void visit(struct choice *c, struct task *each)
{
	c->found = true;
	c->visit(c->arg, each);
}

static bool visit_group(struct group *g, void *arg)
{
	struct choice *c = arg;
	struct task *each;

	list_for_each (each, &g->threads, threads)
		if (matches(c, g, each))
			visit(c, each);
	return true;
}

int tasks_chosen(struct task *t, int which, int who, chosen_fn fn, void *arg)
{
	struct choice c = {.which = which, .who = (uint32_t)who, .visit = fn, .arg = arg};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	lock(&kernel.tasks_lock);
	if (which == PRIO_PROCESS) {
		struct task *target = who ? task_find_locked(who) : t;
		if (target)
			visit(&c, target);
	} else {
		if (which == PRIO_PGRP && who)
			c.who = (uint32_t)pid_id_here_locked(who);
		else if (who)
			c.who = uid_meant(task_user_ns(t), c.who);
		else
			c.who = which == PRIO_PGRP ? (uint32_t)t->group->pgid : t->cred->ruid;
		group_for_each_locked(visit_group, &c);
	}
	unlock(&kernel.tasks_lock);
	return c.found ? 0 : -ESRCH;
}

static void best_nice(void *arg, struct task *each)
{
	int *best = arg, value = NICE_ZERO - __atomic_load_n(&each->nice, __ATOMIC_RELAXED);
	*best = value > *best ? value : *best;
}

long sys_getpriority(struct task *t, int which, int who)
{
	int best = 0;
	int err = tasks_chosen(t, which, who, best_nice, &best);
	return err < 0 ? err : best;
}

struct nice {
	struct task *t;
	int nice, err;
};

static void set_nice(void *arg, struct task *each)
{
	struct nice *n = arg;
	int err = sched_nice_set(n->t, each, n->nice);
	if (err < 0)
		n->err = err;
}

long sys_setpriority(struct task *t, int which, int who, int nice)
{
	struct nice n = {.t = t, .nice = nice};
	int err = tasks_chosen(t, which, who, set_nice, &n);
	return err < 0 ? err : n.err;
}
