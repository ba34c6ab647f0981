/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a process takes back: SEM_UNDO. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/private.h"
#include "syscalls/abi/sched.h"

static struct sem_undo_list *list_new(void)
{
	struct sem_undo_list *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->users = 1;
	list_init(&l->undos);
	return l;
}

static void undo_free(struct sem_undo *u)
{
	list_del(&u->of_set);
	list_del(&u->of_list);
	free(u);
}

struct sem_undo *undo_find_locked(struct task *t, struct sem_set *s)
{
	struct sem_undo *u;
	if (!t->sem_undos && !(t->sem_undos = list_new()))
		return NULL;
	list_for_each (u, &t->sem_undos->undos, of_list)
		if (u->set == s)
			return u;
	u = calloc(1, sizeof *u + s->n * sizeof *u->adjust);
	if (!u)
		return NULL;
	u->set = s;
	list_append(&s->undos, &u->of_set);
	list_append(&t->sem_undos->undos, &u->of_list);
	return u;
}

void undo_forget_locked(struct sem_set *s, size_t num)
{
	struct sem_undo *u;
	list_for_each (u, &s->undos, of_set)
		u->adjust[num] = 0;
}

void undo_drop_set_locked(struct sem_set *s)
{
	struct sem_undo *u, *next;
	list_for_each_safe (u, next, &s->undos, of_set)
		undo_free(u);
}

int sem_clone(struct task *child, struct task *t, uint64_t flags)
{
	if (!(flags & CLONE_SYSVSEM))
		return 0;
	lock(&semids_lock);
	if (!t->sem_undos)
		t->sem_undos = list_new();
	if (t->sem_undos)
		t->sem_undos->users++;
	child->sem_undos = t->sem_undos;
	unlock(&semids_lock);
	return child->sem_undos ? 0 : -ENOMEM;
}

static void take_back_locked(const struct task *t, struct sem_undo *u)
{
	struct sem_set *s = u->set;
	for (size_t i = 0; i < s->n; i++) {
		int value = s->sems[i].value + u->adjust[i];
		if (u->adjust[i] == 0)
			continue;
		/* Others have changed it since: as far as it goes. */
		s->sems[i].value = (uint16_t)(value < 0 ? 0 : value > SEMVMX ? SEMVMX : value);
		s->sems[i].pid = t->group->tgid;
	}
	undo_free(u);
	sem_wake_locked(s, /*now=*/true);
}

void sem_exit(struct task *t)
{
	struct sem_undo *u, *next;
	struct sem_undo_list *l = STEAL(t->sem_undos);
	if (!l)
		return;
	lock(&semids_lock);
	bool last = --l->users == 0;
	if (last)
		list_for_each_safe (u, next, &l->undos, of_list)
			take_back_locked(t, u);
	unlock(&semids_lock);
	if (last)
		free(l);
}
