/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of tasks and groups.
 *
 * A number is free when no task, no group (zombies count), no process group
 * and no session uses it; that is what makes kill(-pgid) safe after the
 * group's founder has gone.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sentry/task/task.h"

/* As Linux' default on small machines; /proc/sys/kernel/pid_max shows it. */
enum { PID_MAX = 32768, PID_RESERVED = 300 };

struct pid_slot {
	struct task *task;	/* our reference */
	struct group *group;	/* our reference */
	uint32_t ids;		/* groups that have it as pgid or sid */
};

struct kernel kernel;
static struct pid_slot *slots;	/* t */
static struct list groups = LIST_INIT(groups); /* t */

int pid_init(void)
{
	slots = calloc(PID_MAX, sizeof *slots);
	return slots ? 0 : -ENOMEM;
}

static bool slot_free(int nr)
{
	return !slots[nr].task && !slots[nr].group && slots[nr].ids == 0;
}

int pid_alloc_locked(void)
{
	lock_assert_held(&kernel.tasks_lock);
	int nr = kernel.last_pid;
	for (int tries = 0; tries < PID_MAX; tries++) {
		if (++nr >= PID_MAX)
			nr = PID_RESERVED;
		if (slot_free(nr)) {
			kernel.last_pid = nr;
			return nr;
		}
	}
	return -EAGAIN;
}

int pid_alloc_wish_locked(int wish)
{
	if (wish == 0)
		return pid_alloc_locked();
	if (wish < 0 || wish >= PID_MAX)
		return -EINVAL;
	return slot_free(wish) ? wish : -EEXIST;
}

void pid_set_locked(int nr, struct task *t, struct group *g)
{
	assert(nr > 0 && nr < PID_MAX);
	if (t) {
		assert(!slots[nr].task);
		slots[nr].task = task_get(t);
	}
	if (g) {
		assert(!slots[nr].group);
		slots[nr].group = group_get(g);
		list_append(&groups, &g->all);
	}
}

void pid_clear_task_locked(int nr)
{
	struct task *t = STEAL(slots[nr].task);
	if (t)
		task_put(t);
}

void pid_clear_group_locked(int nr)
{
	struct group *g = STEAL(slots[nr].group);
	if (!g)
		return;
	list_del(&g->all);
	group_put(g);
}

void group_set_ids_locked(struct group *g, int pgid, int sid)
{
	slots[pgid].ids++;
	slots[sid].ids++;
	if (g->pgid)
		slots[g->pgid].ids--;
	if (g->sid)
		slots[g->sid].ids--;
	g->pgid = pgid;
	g->sid = sid;
}

void group_drop_ids_locked(struct group *g)
{
	slots[g->pgid].ids--;
	slots[g->sid].ids--;
	g->pgid = g->sid = 0;
}

struct task *task_find_locked(int tid)
{
	lock_assert_held(&kernel.tasks_lock);
	return tid > 0 && tid < PID_MAX ? slots[tid].task : NULL;
}

struct group *group_find_locked(int tgid)
{
	lock_assert_held(&kernel.tasks_lock);
	return tgid > 0 && tgid < PID_MAX ? slots[tgid].group : NULL;
}

struct task *task_find(int tid)
{
	lock(&kernel.tasks_lock);
	struct task *t = task_find_locked(tid);
	if (t)
		task_get(t);
	unlock(&kernel.tasks_lock);
	return t;
}

struct group *group_find(int tgid)
{
	lock(&kernel.tasks_lock);
	struct group *g = group_find_locked(tgid);
	if (g)
		group_get(g);
	unlock(&kernel.tasks_lock);
	return g;
}

void group_for_each_locked(bool (*fn)(struct group *g, void *arg), void *arg)
{
	struct group *g, *next;
	lock_assert_held(&kernel.tasks_lock);
	list_for_each_safe(g, next, &groups, all)
		if (!fn(g, arg))
			break;
}

bool pgrp_exists_locked(int pgid, int sid)
{
	struct group *g;
	lock_assert_held(&kernel.tasks_lock);
	list_for_each(g, &groups, all)
		if (g->pgid == pgid && (sid == 0 || g->sid == sid))
			return true;
	return false;
}

unsigned task_count_uid_locked(uint32_t uid)
{
	struct group *g;
	struct task *t;
	unsigned n = 0;
	list_for_each(g, &groups, all) {
		list_for_each(t, &g->threads, threads) {
			lock(&t->cred_lock);
			n += t->cred->ruid == uid;
			unlock(&t->cred_lock);
		}
	}
	return n;
}
