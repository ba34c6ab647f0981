/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of tasks and groups, and their numbers: pidns.h.
 *
 * An id is free when no task, no group (zombies count), no process group and no
 * session uses it; that is what makes kill(-pgid) safe after the group's founder
 * has gone.  What its numbers were is remembered until it is given out again, for
 * those who have noted down the id of somebody who has ended (SO_PEERCRED, IPC).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sentry/task/container.h"
#include "sentry/task/pidns.h"

/* PID_MAX: as Linux' default on small machines; /proc/sys/kernel/pid_max shows it. */
enum { PID_RESERVED = 300, ID_MAX = 2 * PID_MAX };

/* A number in a namespace that is not the first. */
struct pid_up {
	uint64_t ino;	/* of the namespace: it may have ended */
	int nr;
};

struct pid_slot {
	struct task *task;	/* our reference */
	struct group *group;	/* our reference */
	uint32_t ids;		/* groups that have it as pgid or sid */
	uint32_t nups;
	struct pid_up *ups;	/* innermost first; of who had the id last */
	struct pid_ns *ns;	/* the innermost; our reference while in use; NULL: the first */
};

struct kernel kernel;
static struct pid_slot *slots;	/* t */
static struct list groups = LIST_INIT(groups); /* t */
static int last_high = PID_MAX - 1; /* t */

int pid_init(void)
{
	slots = calloc(ID_MAX, sizeof *slots);
	return slots ? 0 : -ENOMEM;
}

static bool slot_free(int id)
{
	return !slots[id].task && !slots[id].group && slots[id].ids == 0;
}

/* The number is free again in all namespaces. */
static void slot_release_locked(int id)
{
	struct pid_slot *s = &slots[id];
	struct pid_ns *n = slot_free(id) ? STEAL(s->ns) : NULL, *innermost = n;
	for (uint32_t i = 0; n && i < s->nups; i++, n = n->parent) {
		n->ids[s->ups[i].nr] = 0;
		n->used--;
	}
	if (innermost)
		pid_ns_put(innermost);
}

static int next_free_locked(const struct pid_ns *n)
{
	int nr = n->last;
	for (int tries = 0; tries < PID_MAX; tries++) {
		if (++nr >= PID_MAX)
			nr = PID_RESERVED;
		if (n->ids ? !n->ids[nr] : slot_free(nr))
			return nr;
	}
	return -EAGAIN;
}

/* 0: any. */
static int choose_locked(const struct pid_ns *n, int wish)
{
	if (wish == 0)
		return next_free_locked(n);
	if (wish < 0 || wish >= PID_MAX)
		return -EINVAL;
	/* Its first process is number 1, by which it is found. */
	if (n->ids && n->used == 0 && wish != 1)
		return -EINVAL;
	return (n->ids ? !n->ids[wish] : slot_free(wish)) ? wish : -EEXIST;
}

static int high_free_locked(void)
{
	int id = last_high;
	for (int tries = 0; tries < ID_MAX - PID_MAX; tries++) {
		if (++id >= ID_MAX)
			id = PID_MAX;
		if (slot_free(id))
			return last_high = id;
	}
	return -EAGAIN;
}

static void commit_locked(int id, struct pid_ns *innermost, const struct pid_up *ups, uint32_t nups)
{
	struct pid_ns *n = innermost;
	for (uint32_t i = 0; i < nups; i++, n = n->parent) {
		n->ids[ups[i].nr] = id;
		n->last = ups[i].nr;
		n->used++;
	}
	if (n)
		n->last = id;
	if (nups)
		slots[id].ns = pid_ns_get(innermost);
}

/* Room for what is remembered of an id. */
static int remember_locked(int id, const struct pid_up *ups, uint32_t nups)
{
	struct pid_up *copy = nups ? malloc(nups * sizeof *copy) : NULL;
	if (nups && !copy)
		return -ENOMEM;
	for (uint32_t i = 0; i < nups; i++)
		copy[i] = ups[i];
	free(slots[id].ups);
	slots[id].ups = copy;
	slots[id].nups = nups;
	return 0;
}

int pid_alloc_locked(struct pid_ns *ns, const int *wish, unsigned nwish)
{
	struct pid_up ups[PID_NS_LEVELS + 1];
	uint32_t nups = 0;
	int id = 0;

	lock_assert_held(&kernel.tasks_lock);
	for (struct pid_ns *n = ns; n; n = n->parent) {
		int nr = choose_locked(n, nups < nwish ? wish[nups] : 0);
		if (nr < 0)
			return nr;
		if (n->ids)
			ups[nups++] = (struct pid_up){n->ns.ino, nr};
		else
			id = nr;
	}
	if (id == 0 && (id = high_free_locked()) < 0)
		return id;
	int err = remember_locked(id, ups, nups);
	if (err < 0)
		return err;
	commit_locked(id, ns, ups, nups);
	return id;
}

int pid_in_locked(const struct pid_ns *n, int id)
{
	lock_assert_held(&kernel.tasks_lock);
	if (!n->ids)
		return id < PID_MAX ? id : 0;
	for (uint32_t i = 0; id > 0 && id < ID_MAX && i < slots[id].nups; i++)
		if (slots[id].ups[i].ino == n->ns.ino)
			return slots[id].ups[i].nr;
	return 0;
}

int pid_in(const struct pid_ns *n, int id)
{
	if (!n->ids)
		return id < PID_MAX ? id : 0;
	lock(&kernel.tasks_lock);
	int nr = pid_in_locked(n, id);
	unlock(&kernel.tasks_lock);
	return nr;
}

int pid_here_locked(int id)
{
	return pid_in_locked(pid_ns_here(), id);
}

int pid_here(int id)
{
	return pid_in(pid_ns_here(), id);
}

int pid_id_locked(const struct pid_ns *n, int nr)
{
	lock_assert_held(&kernel.tasks_lock);
	if (nr <= 0 || nr >= PID_MAX)
		return 0;
	return n->ids ? n->ids[nr] : nr;
}

int pid_id_here_locked(int nr)
{
	return pid_id_locked(pid_ns_here(), nr);
}

void pid_set_locked(int id, struct task *t, struct group *g)
{
	assert(id > 0 && id < ID_MAX);
	if (t) {
		assert(!slots[id].task);
		slots[id].task = task_get(t);
	}
	if (g) {
		assert(!slots[id].group);
		slots[id].group = group_get(g);
		g->container->ngroups++;
		list_append(&groups, &g->all);
	}
}

void pid_clear_task_locked(int id)
{
	struct task *t = STEAL(slots[id].task);
	slot_release_locked(id);
	if (t)
		task_put(t);
}

void pid_clear_group_locked(int id)
{
	struct group *g = STEAL(slots[id].group);
	if (!g)
		return;
	slot_release_locked(id);
	list_del(&g->all);
	for (struct pid_ns *n = g->pid_ns; n && n->ids; n = n->parent)
		waitq_wake(&n->emptied, 0);
	if (--g->container->ngroups == 0)
		waitq_wake(&g->container->wq, 0);
	group_put(g);
}

static void drop_id_locked(int id)
{
	if (id == 0)
		return;
	slots[id].ids--;
	slot_release_locked(id);
}

void group_set_ids_locked(struct group *g, int pgid, int sid)
{
	slots[pgid].ids++;
	slots[sid].ids++;
	drop_id_locked(g->pgid);
	drop_id_locked(g->sid);
	g->pgid = pgid;
	g->sid = sid;
}

void group_drop_ids_locked(struct group *g)
{
	drop_id_locked(g->pgid);
	drop_id_locked(g->sid);
	g->pgid = g->sid = 0;
}

struct task *task_by_id_locked(int id)
{
	lock_assert_held(&kernel.tasks_lock);
	return id > 0 && id < ID_MAX ? slots[id].task : NULL;
}

struct group *group_by_id_locked(int id)
{
	lock_assert_held(&kernel.tasks_lock);
	return id > 0 && id < ID_MAX ? slots[id].group : NULL;
}

struct task *task_find_locked(int nr)
{
	return task_by_id_locked(pid_id_here_locked(nr));
}

struct group *group_find_locked(int nr)
{
	return group_by_id_locked(pid_id_here_locked(nr));
}

struct task *task_find(int nr)
{
	lock(&kernel.tasks_lock);
	struct task *t = task_find_locked(nr);
	if (t)
		task_get(t);
	unlock(&kernel.tasks_lock);
	return t;
}

struct group *group_find(int nr)
{
	lock(&kernel.tasks_lock);
	struct group *g = group_find_locked(nr);
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
