/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futexes: futex(2).
 *
 * A futex is named by its key: the mm and address of private memory, or the
 * object and offset behind shared memory.  Waiters of a key are queued, in
 * order, in the hash bucket of the key; the word is compared under the bucket's
 * lock, so that a wake after the change cannot be missed.
 *
 * Those with an owner (FUTEX_LOCK_PI) are in futex_pi.h.
 */
#pragma once

#include "sentry/task/task.h"

enum futex_kind { FUTEX_KEY_PRIVATE, FUTEX_KEY_MM, FUTEX_KEY_OBJECT };

struct futex_key {
	enum futex_kind kind;
	const void *obj;
	uint64_t off;
};

/* -EINVAL (not aligned), -EFAULT. */
int futex_key(struct mm *mm, uaddr_t addr, bool private, struct futex_key *out);

struct futex_bucket;

/* One queued waiter; lives on the stack of whoever sleeps. */
struct futex_wait {
	struct list link;	/* bucket->lock */
	struct futex_key key;	/* bucket->lock; requeue changes it */
	struct futex_bucket *bucket; /* a  where it is queued; changed under both locks */
	uint32_t bitset;
	struct waiter *waiter;
	bool woken;		/* bucket->lock */
};

/*
 * Sleeps until woken: 0.  -EAGAIN if the word is not val, -EFAULT, -ETIMEDOUT,
 * -ERESTARTSYS.  Deadline: CLOCK_MONOTONIC.
 */
int futex_wait(struct mm *mm, uaddr_t addr, const struct futex_key *key, uint32_t val,
	       uint32_t bitset, int64_t deadline);
/* Wakes up to count waiters whose bitset intersects: how many. */
int futex_wake(const struct futex_key *key, int count, uint32_t bitset);
struct futex_requeue {
	struct futex_key from, to;
	int wake, move;		/* how many at most */
	bool compare;		/* only if the word at `addr` is val, else -EAGAIN */
	uaddr_t addr;
	uint32_t val;
};
/* How many were woken or moved. */
int futex_requeue(struct mm *mm, const struct futex_requeue *r);
/* FUTEX_WAKE_OP's encoded operation: what it makes of a word; -ENOSYS. */
int futex_op(uint32_t op, uint32_t old, uint32_t *out);
/* ... and whether, after that, the second word's waiters are woken too: 1, 0, -ENOSYS. */
int futex_op_wakes(uint32_t op, uint32_t old_word);
int futex_wake_both(const struct futex_key *key, int count, const struct futex_key *key2,
		    int count2);

struct futex_many {
	uaddr_t addr;
	uint32_t val;
	struct futex_key key;
	struct futex_wait wait;
};
/* futex_waitv(2): the index of one that was woken, or as futex_wait. */
int futex_wait_many(struct mm *mm, struct futex_many *v, size_t count, int64_t deadline);

/* Wakes one shared waiter of addr: the end of a thread (clear_child_tid). */
void futex_wake_addr(struct mm *mm, uaddr_t addr);
/* The dying task's robust mutexes get FUTEX_OWNER_DIED; own thread. */
void futex_exit_robust(struct task *t);
/* Its share of that: read, mark and wake in one; the word's lock-holder is dead. -EFAULT. */
int futex_owner_died(struct mm *mm, uaddr_t addr, int tid, bool pi, bool pending);
