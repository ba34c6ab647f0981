/* SPDX-License-Identifier: Apache-2.0 */
/* Sets: made, found, looked at, set.  Operations: semop.c. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/private.h"
#include "sentry/task/pidns.h"

struct lock semids_lock = LOCK_INIT(RANK_PIPE);

static bool sems_left(const struct ipc_ns *n, size_t more)
{
	lock(&semids_lock);
	bool left = n->sem.total + more <= (uint64_t)ipc_limit(n, semmns);
	unlock(&semids_lock);
	return left;
}

static int set_make(struct task *t, const void *arg, struct ipc_perm **out)
{
	size_t n = (size_t) * (const int *)arg;
	if (n == 0)
		return -EINVAL;
	if (!sems_left(task_ipc(t), n))
		return -ENOSPC;
	struct sem_set *s = calloc(1, sizeof *s + n * sizeof *s->sems);
	if (!s)
		return -ENOMEM;
	list_init(&s->waiting);
	list_init(&s->undos);
	s->n = n;
	s->ctime = ipc_now();
	*out = &s->perm;
	return 0;
}

static void set_unmake(struct ipc_perm *p)
{
	free(sem_set_of(p));
}

static int set_fits(const struct ipc_perm *p, const void *arg)
{
	const struct sem_set *s = container_of(p, const struct sem_set, perm);
	return s->n < (size_t) * (const int *)arg ? -EINVAL : 0;
}

static void set_numbered(struct ipc_perm *p)
{
	p->ids->total += sem_set_of(p)->n;
}

int sem_get(struct task *t, int32_t key, int nsems, uint32_t flags)
{
	static const struct ipc_maker maker = {set_make, set_unmake, set_fits, set_numbered};
	if (nsems < 0 || nsems > ipc_limit(task_ipc(t), semmsl))
		return -EINVAL;
	return ipc_get(&task_ipc(t)->sem, &semids_lock, &maker, t, key, flags, &nsems);
}

static int set_find_locked(struct task *t, int id, uint32_t want, struct sem_set **out)
{
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->sem, id);
	int err = p ? ipc_permission(t, p, want) : -EINVAL;
	if (err == 0)
		*out = sem_set_of(p);
	return err;
}

static void stat_locked(const struct sem_set *s, struct abi_semid_ds *out)
{
	*out = (struct abi_semid_ds){.otime = s->otime, .ctime = s->ctime, .nsems = s->n};
	ipc_stat(&s->perm, &out->perm);
}

int sem_stat(struct task *t, int id, int cmd, struct abi_semid_ds *out)
{
	lock(&semids_lock);
	const struct ipc_ids *ids = &task_ipc(t)->sem;
	struct ipc_perm *p = cmd == IPC_STAT ? ipc_find_locked(ids, id) : ipc_at_locked(ids, id);
	int ret = p ? 0 : -EINVAL;
	if (p && cmd != SEM_STAT_ANY)
		ret = ipc_permission(t, p, 0444);
	if (ret == 0) {
		stat_locked(sem_set_of(p), out);
		ret = cmd == IPC_STAT ? 0 : p->id;
	}
	unlock(&semids_lock);
	return ret;
}

int sem_set(struct task *t, int id, const struct abi_ipc_perm *in)
{
	lock(&semids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->sem, id);
	int err = p ? ipc_owner(t, p) : -EINVAL;
	if (err == 0 && (err = ipc_set(p, in)) == 0)
		sem_set_of(p)->ctime = ipc_now();
	unlock(&semids_lock);
	return err;
}

static void set_destroy_locked(struct sem_set *s)
{
	struct sem_wait *w, *next;
	list_for_each_safe (w, next, &s->waiting, link) {
		list_del(&w->link);
		w->result = -EIDRM;
		waiter_wake(w->waiter);
	}
	undo_drop_set_locked(s);
	s->perm.ids->total -= s->n;
	ipc_remove_locked(&s->perm);
	free(s);
}

int sem_remove(struct task *t, int id)
{
	lock(&semids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->sem, id);
	int err = p ? ipc_owner(t, p) : -EINVAL;
	if (err == 0)
		set_destroy_locked(sem_set_of(p));
	unlock(&semids_lock);
	return err;
}

/* Who sleeps on this one for more (or for zero). */
static int sleepers(const struct sem_set *s, int num, bool zero)
{
	const struct sem_wait *w;
	int count = 0;
	list_for_each (w, &s->waiting, link)
		count += w->blocking->num == num && (w->blocking->op == 0) == zero;
	return count;
}

int sem_query(struct task *t, int id, int num, int cmd)
{
	struct sem_set *s;
	lock(&semids_lock);
	int ret = set_find_locked(t, id, 0444, &s);
	if (ret == 0 && (num < 0 || (size_t)num >= s->n))
		ret = -EINVAL;
	if (ret == 0) {
		switch (cmd) {
		case GETVAL:
			ret = s->sems[num].value;
			break;
		case GETPID:
			ret = pid_here(s->sems[num].pid);
			break;
		default:
			ret = sleepers(s, num, cmd == GETZCNT);
			break;
		}
	}
	unlock(&semids_lock);
	return ret;
}

static void value_set_locked(struct task *t, struct sem_set *s, size_t num, int val)
{
	s->sems[num].value = (uint16_t)val;
	s->sems[num].pid = t->group->tgid;
	undo_forget_locked(s, num);
}

int sem_setval(struct task *t, int id, int num, int val)
{
	struct sem_set *s;
	if (val < 0 || val > SEMVMX)
		return -ERANGE;
	lock(&semids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->sem, id);
	int err = !p || num < 0 || (size_t)num >= sem_set_of(p)->n ? -EINVAL : 0;
	if (err == 0)
		err = set_find_locked(t, id, 0222, &s);
	if (err == 0) {
		value_set_locked(t, s, (size_t)num, val);
		s->ctime = ipc_now();
		sem_wake_locked(s, /*now=*/false);
	}
	unlock(&semids_lock);
	return err;
}

int sem_count(struct task *t, int id, uint32_t want)
{
	struct sem_set *s;
	lock(&semids_lock);
	int ret = set_find_locked(t, id, want, &s);
	if (ret == 0)
		ret = (int)s->n;
	unlock(&semids_lock);
	return ret;
}

int sem_getall(struct task *t, int id, uint16_t *val, size_t n)
{
	struct sem_set *s;
	lock(&semids_lock);
	int err = set_find_locked(t, id, 0444, &s);
	if (err == 0 && s->n != n)
		err = -EINVAL;
	for (size_t i = 0; err == 0 && i < n; i++)
		val[i] = s->sems[i].value;
	unlock(&semids_lock);
	return err;
}

int sem_setall(struct task *t, int id, const uint16_t *val, size_t n)
{
	struct sem_set *s;
	for (size_t i = 0; i < n; i++)
		if (val[i] > SEMVMX)
			return -ERANGE;
	lock(&semids_lock);
	int err = set_find_locked(t, id, 0222, &s);
	if (err == 0 && s->n != n)
		err = -EINVAL;
	if (err == 0) {
		for (size_t i = 0; i < n; i++)
			value_set_locked(t, s, i, val[i]);
		s->ctime = ipc_now();
		sem_wake_locked(s, /*now=*/false);
	}
	unlock(&semids_lock);
	return err;
}

int sem_usage(const struct ipc_ns *n, unsigned *out_sets, unsigned *out_sems)
{
	lock(&semids_lock);
	int top = ipc_top_locked(&n->sem);
	*out_sets = n->sem.used;
	*out_sems = (unsigned)n->sem.total;
	unlock(&semids_lock);
	return top;
}

bool sem_next(const struct ipc_ns *n, int *index, int *out_id, struct abi_semid_ds *out)
{
	bool found = false;
	lock(&semids_lock);
	while (*index < (int)n->sem.room && !found) {
		struct ipc_perm *p = ipc_at_locked(&n->sem, (*index)++);
		if (!p)
			continue;
		*out_id = p->id;
		stat_locked(sem_set_of(p), out);
		found = true;
	}
	unlock(&semids_lock);
	return found;
}

static void set_destroy(struct ipc_perm *p)
{
	lock(&semids_lock);
	set_destroy_locked(sem_set_of(p));
	unlock(&semids_lock);
}

void sem_clear(struct ipc_ns *n)
{
	ipc_clear(&n->sem, set_destroy);
}
