/* SPDX-License-Identifier: Apache-2.0 */
/* What sem.c, semop.c and undo.c share; all of it needs semids_lock. */
#pragma once

#include "sentry/ipc/sem.h"

struct sem {
	uint16_t value;
	int pid; /* who changed it last */
};

struct sem_set {
	struct ipc_perm perm;
	int64_t otime, ctime;
	struct list waiting; /* struct sem_wait, in order of arrival */
	struct list undos;   /* struct sem_undo.of_set */
	size_t n;	     /* I */
	struct sem sems[];
};

/* One process's debts to one set. */
struct sem_undo {
	struct list of_set, of_list;
	struct sem_set *set;
	int16_t adjust[];
};

struct sem_undo_list {
	unsigned users;	   /* tasks that share it */
	struct list undos; /* struct sem_undo.of_list */
};

/* One who sleeps, or tries; on its own stack. */
struct sem_wait {
	struct list link;
	struct waiter *waiter;
	const struct abi_sembuf *ops;
	size_t nops;
	struct sem_undo *undo;		   /* NULL: nothing to take back */
	const struct abi_sembuf *blocking; /* the one that cannot be done yet */
	int pid;
	int result; /* > 0: not known yet */
};

static inline struct sem_set *sem_set_of(struct ipc_perm *p)
{
	return container_of(p, struct sem_set, perm);
}

/* Those who can go on do; now: something has changed, so that otime is brought up to date. */
void sem_wake_locked(struct sem_set *s, bool now);
/* The caller's debts to s, made if there are none yet; NULL: no memory. */
struct sem_undo *undo_find_locked(struct task *t, struct sem_set *s);
void undo_forget_locked(struct sem_set *s, size_t num); /* its value was set */
void undo_drop_set_locked(struct sem_set *s);
