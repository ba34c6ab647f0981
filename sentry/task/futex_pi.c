/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/futex_pi.h"

#include <stdlib.h>

#include "platform/base/cleanup.h"
#include "sentry/mm/mm.h"
#include "sentry/task/cas.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/futex.h"
#include "syscalls/abi/sched.h"

/* One table for all: they are few, and a circle of owners can be followed at once. */
static struct lock table_lock = LOCK_INIT(RANK_FUTEX);
static struct list table = LIST_INIT(table); /* table_lock: struct owned */
static unsigned table_count;		     /* table_lock to change, a to read */

/* A word that somebody sleeps for. */
struct owned {
	struct list link;
	struct futex_key key;
	int owner, nr;	     /* its id, and its number, which is in the word: pidns.h */
	struct list waiters; /* struct pi_wait, the next owner first; never empty */
};

struct pi_wait {
	struct list link;    /* table_lock */
	struct owned *owned; /* table_lock; NULL: it has become the owner */
	struct waiter *waiter;
	struct mm *mm; /* its own: it leaves the table before it leaves that */
	uaddr_t addr;
	int tid, nr, priority; /* its id and its number (pidns.h); 0: not real-time */
};

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->kind == b->kind && a->obj == b->obj && a->off == b->off;
}

static struct owned *find_locked(const struct futex_key *key)
{
	struct owned *o;
	list_for_each (o, &table, link)
		if (key_equal(&o->key, key))
			return o;
	return NULL;
}

bool futex_is_pi(const struct futex_key *key)
{
	if (__atomic_load_n(&table_count, __ATOMIC_RELAXED) == 0)
		return false;
	lock(&table_lock);
	bool found = find_locked(key) != NULL;
	unlock(&table_lock);
	return found;
}

static int owned_new_locked(const struct futex_key *key, int owner, int nr, struct owned **out)
{
	struct owned *o = calloc(1, sizeof *o);
	if (!o)
		return -ENOMEM;
	o->key = *key;
	o->owner = owner;
	o->nr = nr;
	list_init(&o->waiters);
	list_append(&table, &o->link);
	__atomic_store_n(&table_count, table_count + 1, __ATOMIC_RELAXED);
	*out = o;
	return 0;
}

static void owned_free_locked(struct owned *o)
{
	list_del(&o->link);
	__atomic_store_n(&table_count, table_count - 1, __ATOMIC_RELAXED);
	free(o);
}

static struct pi_wait *wait_of_locked(int tid)
{
	struct owned *o;
	struct pi_wait *w;
	list_for_each (o, &table, link)
		list_for_each (w, &o->waiters, link)
			if (w->tid == tid)
				return w;
	return NULL;
}

/* Would tid, sleeping for what owner holds, in the end wait for itself? */
static bool is_circle_locked(int tid, int owner)
{
	for (unsigned depth = 0; depth < 1024; depth++) {
		const struct pi_wait *w = wait_of_locked(owner);
		if (!w)
			return false;
		owner = w->owned->owner;
		if (owner == tid)
			return true;
	}
	return true;
}

static void insert_locked(struct owned *o, struct pi_wait *w)
{
	struct pi_wait *at;
	list_for_each (at, &o->waiters, link)
		if (at->priority < w->priority)
			break;
	/* Before the first with less; at the end of the list that is the head itself. */
	list_append(&at->link, &w->link);
	w->owned = o;
}

static int priority_of(const struct task *t)
{
	bool real_time = t->policy == SCHED_FIFO || t->policy == SCHED_RR;
	return real_time ? t->rt_priority : 0;
}

/* What one look at the word came to. */
enum look {
	TAKEN,
	QUEUED,
	CHANGE, /* compare and swap is needed: the word has no FUTEX_WAITERS */
	FIND,	/* the owner must be known first */
};

/* A call that wants the word; `owner` is the task it was last seen to belong to, referenced. */
struct attempt {
	struct task *t;
	uaddr_t addr;
	const struct futex_key *key;
	bool try;
	struct task *owner;
	uint32_t word; /* as last seen */
};

static int queue_locked(struct attempt *a, struct owned *o, int owner, int nr, struct pi_wait *w)
{
	if (a->try)
		return -EAGAIN;
	if (is_circle_locked(a->t->tid, owner))
		return -EDEADLK;
	int err = o ? 0 : owned_new_locked(a->key, owner, nr, &o);
	if (err < 0)
		return err;
	insert_locked(o, w);
	return QUEUED;
}

/* With FUTEX_WAITERS nobody but us changes the word. */
static int look_locked(struct attempt *a, struct pi_wait *w)
{
	struct owned *o = find_locked(a->key);
	int err = copy_in(a->t->mm, &a->word, a->addr, sizeof a->word);
	uint32_t word = a->word;
	int nr = (int)(word & FUTEX_TID_MASK);
	if (err < 0)
		return err;
	if (nr == a->t->nr)
		return -EDEADLK;
	/* A dying owner has let go of its robust futexes, and will hand this one over next. */
	if (o && !nr && (word & FUTEX_OWNER_DIED))
		return queue_locked(a, o, o->owner, o->nr, w);
	/* Else the word says what it said when the first one slept. */
	if (o && (nr != o->nr || !(word & FUTEX_WAITERS)))
		return -EINVAL;
	if (nr && (!a->owner || a->owner->nr != nr))
		return FIND;
	/* It has handed over all it had: nobody will ever unlock this. */
	if (nr && a->owner->futex_over)
		return -ESRCH;
	if (!(word & FUTEX_WAITERS))
		return nr && a->try ? -EAGAIN : CHANGE;
	if (nr)
		return queue_locked(a, o, a->owner->tid, nr, w);
	word = (uint32_t)a->t->nr | (word & FUTEX_OWNER_DIED);
	err = copy_out(a->t->mm, a->addr, &word, sizeof word);
	return err < 0 ? err : TAKEN;
}

/* The word becomes ours, or its owner's with FUTEX_WAITERS: 0, TAKEN means what it says. */
static int change(struct attempt *a, bool *taken)
{
	uint32_t old = a->word, tid = old & FUTEX_TID_MASK;
	uint32_t new = tid ? old | FUTEX_WAITERS : (old & FUTEX_OWNER_DIED) | (uint32_t)a->t->nr;
	int err = task_cas(a->t, a->addr, &old, new);
	*taken = err == 0 && !tid && old == a->word;
	return err;
}

/* The task that the word names; gone, and the word unchanged: -ESRCH. */
static int find_owner(struct attempt *a)
{
	uint32_t now;
	if (a->owner)
		task_put(STEAL(a->owner));
	a->owner = task_find((int)(a->word & FUTEX_TID_MASK));
	if (a->owner)
		return 0;
	int err = copy_in(a->t->mm, &now, a->addr, sizeof now);
	return err < 0 ? err : now == a->word ? -ESRCH : 0;
}

static bool is_owner(struct pi_wait *w)
{
	lock(&table_lock);
	bool owner = !w->owned;
	unlock(&table_lock);
	return owner;
}

static int sleep_for(struct pi_wait *w, int64_t deadline)
{
	int err = 0;
	while (err == 0 && !is_owner(w))
		err = waiter_sleep(w->waiter, WAIT_INTR, deadline);
	lock(&table_lock);
	if (!w->owned)
		err = 0;
	else
		list_del(&w->link);
	if (w->owned && list_empty(&w->owned->waiters))
		owned_free_locked(w->owned);
	unlock(&table_lock);
	return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
}

static int attempt(struct attempt *a, struct pi_wait *w)
{
	for (;;) {
		bool taken = false;
		lock(&table_lock);
		int ret = look_locked(a, w);
		unlock(&table_lock);
		if (ret == FIND)
			ret = find_owner(a);
		else if (ret == CHANGE)
			ret = change(a, &taken);
		else
			return ret;
		if (ret < 0 || taken)
			return ret < 0 ? ret : TAKEN;
		/* Guest code that changes the word all the time keeps only itself busy. */
		if (waiter_signalled(&a->t->waiter))
			return -ERESTARTNOINTR;
	}
}

int futex_lock_pi(struct task *t, uaddr_t addr, const struct futex_key *key, bool try,
		  int64_t deadline)
{
	struct attempt a = {.t = t, .addr = addr, .key = key, .try = try};
	struct pi_wait w = {.waiter = waiter_self(),
			    .mm = t->mm,
			    .addr = addr,
			    .tid = t->tid,
			    .nr = t->nr,
			    .priority = priority_of(t)};
	list_init(&w.link);
	int ret = attempt(&a, &w);
	if (a.owner)
		task_put(a.owner);
	if (ret == QUEUED)
		return sleep_for(&w, deadline);
	return ret < 0 ? ret : 0;
}

/* The first in line gets the word. */
static int hand_over_locked(struct owned *o, uint32_t bits)
{
	struct pi_wait *w = list_first(&o->waiters, struct pi_wait, link);
	uint32_t word = (uint32_t)w->nr | FUTEX_WAITERS | bits;
	int err = copy_out(w->mm, w->addr, &word, sizeof word);
	list_del(&w->link);
	o->owner = w->tid;
	o->nr = w->nr;
	w->owned = NULL;
	waiter_wake(w->waiter);
	if (list_empty(&o->waiters))
		owned_free_locked(o);
	return err;
}

/* CHANGE: nobody sleeps; compare and swap finds out if somebody is about to. */
static int unlock_locked(struct task *t, uaddr_t addr, const struct futex_key *key, uint32_t *word)
{
	struct owned *o = find_locked(key);
	uint32_t zero = 0;
	int err = copy_in(t->mm, word, addr, sizeof *word);
	if (err < 0)
		return err;
	if ((*word & FUTEX_TID_MASK) != (uint32_t)t->nr)
		return -EPERM;
	if (o && o->owner != t->tid)
		return -EINVAL;
	if (!o && !(*word & FUTEX_WAITERS))
		return CHANGE;
	err = o ? hand_over_locked(o, 0) : copy_out(t->mm, addr, &zero, sizeof zero);
	return err < 0 ? err : TAKEN;
}

int futex_unlock_pi(struct task *t, uaddr_t addr, const struct futex_key *key)
{
	for (;;) {
		uint32_t word;
		lock(&table_lock);
		int ret = unlock_locked(t, addr, key, &word);
		unlock(&table_lock);
		if (ret != CHANGE)
			return ret < 0 ? ret : 0;
		uint32_t old = word;
		ret = task_cas(t, addr, &old, 0);
		if (ret < 0 || old == word)
			return ret;
		if (waiter_signalled(&t->waiter))
			return -ERESTARTNOINTR;
	}
}

static struct owned *held_locked(int tid)
{
	struct owned *o;
	list_for_each (o, &table, link)
		if (o->owner == tid)
			return o;
	return NULL;
}

void futex_exit_pi(struct task *t, bool over)
{
	struct owned *o;
	lock(&table_lock);
	while ((o = held_locked(t->tid)))
		hand_over_locked(o, FUTEX_OWNER_DIED);
	t->futex_over = over;
	unlock(&table_lock);
}
