/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPC namespaces; and of SysV IPC what its three kinds of objects have in common.
 *
 * Objects of a kind are in one table of their IPC namespace; one lock a kind guards those
 * of all namespaces, because what SEM_UNDO and attachments hold may be of several.  A number is an
 * index and a sequence number, so that one whose object is gone is not that of the next object for
 * a long time.  Semaphores, messages and segments embed struct ipc_perm as their first thing to be
 * found by.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/ipc.h"

struct ipc_ns;

struct ipc_perm {
	struct ipc_ids *ids; /* ids->lock: NULL: in no table (any more) */
	int id; /* I once in the table */
	int32_t key;
	uint32_t uid, gid, cuid, cgid;
	uint32_t mode; /* permission bits, and the kind's own above them */
	uint16_t seq;  /* I */
};

struct ipc_ids {
	struct ipc_perm **slot; /* the kind's lock */
	unsigned room, used;	/* lock */
	uint64_t total;		/* lock: semaphores of all sets; pages of all segments */
	const int *max;		/* I  objects at most: ENOSPC; one of its namespace's limits */
	int last;		/* lock: index given out last */
	uint16_t seq;		/* lock */
};
/* The kinds' locks, RANK_PIPE: the tables and all their objects. */
extern struct lock shmids_lock, semids_lock, msgids_lock;

/* What /proc/sys/kernel tells and sets; a.  Objects there are stay, however low a limit gets. */
struct ipc_limits {
	uint64_t shmmax, shmall;
	int shmmni, msgmax, msgmnb, msgmni;
	int semmsl, semmns, semopm, semmni;
	int mq_queues_max, mq_msg_max, mq_msgsize_max, mq_msg_default, mq_msgsize_default;
};
enum { IPC_MNI = 1 << 15 };

struct ipc_ns {
	struct ns ns;
	struct ipc_limits limits; /* a */
	struct ipc_ids shm, sem, msg;
	uint32_t maker_uid, maker_gid; /* I  0 of the first one */
	struct mount *mq; /* mq_fs.c: POSIX message queues, from their first use on; our reference */
};

extern struct ipc_ns ipc_first;

int ipc_ns_new(struct user_ns *owner, struct ns **out); /* -ENOMEM */
/* That of the task t; t NULL: the first. */
struct ipc_ns *task_ipc(const struct task *t);

#define ipc_limit(ipc, name) __atomic_load_n(&(ipc)->limits.name, __ATOMIC_RELAXED)

/* How a kind makes its objects; arg is what was asked for. */
struct ipc_maker {
	/* Without the lock: a new object that nobody knows, or -errno. */
	int (*make)(struct task *t, const void *arg, struct ipc_perm **out);
	/* Frees one that was not needed. */
	void (*unmake)(struct ipc_perm *p);
	/* Locked: -EINVAL if the one that is there is too small. */
	int (*fits)(const struct ipc_perm *p, const void *arg);
	/* Locked: the new one has got its number; or NULL. */
	void (*numbered)(struct ipc_perm *p);
};

/* shmget(2), semget(2), msgget(2): the number of the old or new object of that key. */
int ipc_get(struct ipc_ids *ids, struct lock *l, const struct ipc_maker *m, struct task *t,
	    int32_t key, uint32_t flags, const void *arg);
/* By number, or by its index alone for those who walk the table; NULL: -EINVAL. */
struct ipc_perm *ipc_find_locked(const struct ipc_ids *ids, int id);
struct ipc_perm *ipc_at_locked(const struct ipc_ids *ids, int id);
/* The highest index in use; 0 if there is none. */
int ipc_top_locked(const struct ipc_ids *ids);
/* Nobody finds it any more. */
void ipc_remove_locked(struct ipc_perm *p);
/* What the end of a namespace does with a kind: its table is empty afterwards. */
void ipc_clear(struct ipc_ids *ids, void (*fn)(struct ipc_perm *p));

/* want: permission bits, in any of the three places.  -EACCES. */
int ipc_permission(const struct task *t, const struct ipc_perm *p, uint32_t want);
/* Who may remove and change it.  -EPERM. */
int ipc_owner(const struct task *t, const struct ipc_perm *p);
/* Ids here are as the calling task calls them. */
void ipc_stat(const struct ipc_perm *p, struct abi_ipc_perm *out);
/* IPC_SET's share: owner, group, permission bits; -EINVAL. */
int ipc_set(struct ipc_perm *p, const struct abi_ipc_perm *in);
int64_t ipc_now(void); /* seconds since the epoch */

/* The end of the sandbox: what guests have left behind in the first namespace. */
void ipc_release(void);
