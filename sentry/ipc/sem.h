/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SysV semaphores.
 *
 * Whoever changes a set carries out, in order of arrival, the operations of those
 * who sleep on it and now can go on; they find their result when they wake.  So an
 * operation is one step for everybody, and a chain of them needs no sleeper's help.
 *
 * What a process must take back at its end (SEM_UNDO) is in its sem_undo_list, which
 * threads share (CLONE_SYSVSEM): for each set the sum to add to each semaphore.
 */
#pragma once

#include "sentry/ipc/ipc.h"

enum { SEMVMX = 32767, SEMAEM = SEMVMX, SEMUSZ = 20 };

struct sem_undo_list;

int sem_get(struct task *t, int32_t key, int nsems, uint32_t flags);
/* ops is ours for the call; deadline CLOCK_MONOTONIC.  -EINTR: a signal, never restarted. */
int sem_op(struct task *t, int id, const struct abi_sembuf *ops, size_t nops, int64_t deadline);

int sem_stat(struct task *t, int id, int cmd, struct abi_semid_ds *out); /* *_STAT: the number */
int sem_set(struct task *t, int id, const struct abi_ipc_perm *in);
int sem_remove(struct task *t, int id);
/* GETVAL, GETPID, GETNCNT, GETZCNT. */
int sem_query(struct task *t, int id, int num, int cmd);
int sem_setval(struct task *t, int id, int num, int val);
/* How many there are; want: what to do with them, permission bits. */
int sem_count(struct task *t, int id, uint32_t want);
/* All values of a set of that size: -EINVAL if it is another by now. */
int sem_getall(struct task *t, int id, uint16_t *val, size_t n);
int sem_setall(struct task *t, int id, const uint16_t *val, size_t n);
/* Sets and semaphores in use; the highest index. */
int sem_usage(const struct ipc_ns *n, unsigned *out_sets, unsigned *out_sems);
bool sem_next(const struct ipc_ns *n, int *index, int *out_id, struct abi_semid_ds *out);

/* clone: the child shares (CLONE_SYSVSEM) the parent's list, or has none yet.  -ENOMEM. */
int sem_clone(struct task *child, struct task *t, uint64_t flags);
/* The task ends or leaves (unshare): the last one that has the list takes everything back. */
void sem_exit(struct task *t);
void sem_clear(struct ipc_ns *n); /* at its end */
