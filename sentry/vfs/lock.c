/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File locks.
 *
 * Each inode has two lists, record locks (POSIX and OFD) and flock's, and one
 * wait queue that is woken at every change; a sleeper tries again from the
 * start.  Of one owner no two record locks overlap, and neighbours of the same
 * type are one lock.
 *
 * Deadlocks: a sleeping owner of POSIX locks is noted with the owner it waits
 * for (deadlock.c); a wait that would close a circle is refused.
 */
#include "sentry/vfs/lock.h"

#include <stdlib.h>

#include "sentry/vfs/deadlock.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

/* Record locks one file can have: memory is the sentry's. */
enum { RECORDS_MAX = 1 << 16 };

struct record {
	struct list link;
	struct flock_req r;
};

struct flock_list {
	struct lock lock;    /* RANK_FLOCK */
	struct list records; /* l */
	struct list flocks;  /* l  type and owner of r only */
	unsigned count;	     /* l  of both */
	struct waitq wq;
};

static int list_of(struct inode *i, struct flock_list **out)
{
	struct flock_list *fl = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE), *none = NULL;

	if (!fl) {
		fl = calloc(1, sizeof *fl);
		if (!fl)
			return -ENOMEM;
		lock_init(&fl->lock, RANK_FLOCK);
		list_init(&fl->records);
		list_init(&fl->flocks);
		waitq_init(&fl->wq);
		if (!__atomic_compare_exchange_n(&i->locks, &none, fl, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			waitq_destroy(&fl->wq);
			free(fl);
			fl = none;
		}
	}
	*out = fl;
	return 0;
}

void lock_free_list(struct inode *i)
{
	struct flock_list *fl = i->locks;

	if (!fl)
		return;
	assert(list_empty(&fl->records) && list_empty(&fl->flocks));
	waitq_destroy(&fl->wq);
	free(fl);
}

static bool same_owner(const struct flock_req *a, const struct flock_req *b)
{
	return a->owner == b->owner && a->ofd == b->ofd;
}

static bool overlaps(const struct flock_req *a, const struct flock_req *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct record *conflict_locked(struct flock_list *fl, const struct flock_req *r)
{
	struct record *l;

	list_for_each(l, &fl->records, link)
		if (!same_owner(&l->r, r) && overlaps(&l->r, r) &&
		    (l->r.type == FLK_WRITE || r->type == FLK_WRITE))
			return l;
	return NULL;
}

static void record_free_locked(struct flock_list *fl, struct record *l)
{
	list_del(&l->link);
	fl->count--;
	free(l);
}

/* True if b begins right behind a. */
static bool follows(const struct flock_req *a, const struct flock_req *b)
{
	return a->end != INT64_MAX && a->end + 1 == b->start;
}

/*
 * Cuts r's range out of l, an own lock of another type; a lock that r lies
 * inside of becomes two, and *spare is used for the second.
 */
static void cut_locked(struct flock_list *fl, struct record *l, const struct flock_req *r,
		       struct record **spare)
{
	if (l->r.start < r->start && l->r.end > r->end) {
		struct record *tail = STEAL(*spare);
		tail->r = l->r;
		tail->r.start = r->end + 1;
		l->r.end = r->start - 1;
		list_push(&l->link, &tail->link);
		fl->count++;
	} else if (l->r.start < r->start) {
		l->r.end = r->start - 1;
	} else if (l->r.end > r->end) {
		l->r.start = r->end + 1;
	} else {
		record_free_locked(fl, l);
	}
}

/* Owners in order of arrival, each one's locks by where they start: as F_GETLK finds them. */
static void insert_locked(struct flock_list *fl, struct record *made)
{
	struct record *l;
	struct list *before = &fl->records;

	list_for_each(l, &fl->records, link) {
		if (same_owner(&l->r, &made->r)) {
			if (l->r.start > made->r.start) {
				before = &l->link;
				break;
			}
			before = l->link.next;
		}
	}
	list_append(before, &made->link);
	fl->count++;
}

/* Two spare records are enough for any change.  Cannot fail. */
static void apply_locked(struct flock_list *fl, struct flock_req r, struct record **spare)
{
	struct record *l, *next;

	list_for_each_safe(l, next, &fl->records, link) {
		if (!same_owner(&l->r, &r))
			continue;
		if (l->r.type == r.type) {
			if (!overlaps(&l->r, &r) && !follows(&l->r, &r) && !follows(&r, &l->r))
				continue;
			if (l->r.start < r.start)
				r.start = l->r.start;
			if (l->r.end > r.end)
				r.end = l->r.end;
			record_free_locked(fl, l);
		} else if (overlaps(&l->r, &r)) {
			cut_locked(fl, l, &r, &spare[1]);
		}
	}
	if (r.type != FLK_UNLOCK) {
		struct record *made = STEAL(spare[0]);
		made->r = r;
		insert_locked(fl, made);
	}
	deadlock_moved(fl);
}

/* Tries once; on -EAGAIN *out_blocker is who holds the lock, and `waits` (may be NULL) is told. */
static int set_once(struct flock_list *fl, const struct flock_req *r, struct deadlock_entry *waits)
{
	struct record *spare[2];
	int err = 0;

	spare[0] = calloc(1, sizeof *spare[0]);
	spare[1] = calloc(1, sizeof *spare[1]);
	lock(&fl->lock);
	struct record *other = r->type == FLK_UNLOCK ? NULL : conflict_locked(fl, r);
	if (other)
		err = waits && !r->ofd && !other->r.ofd
			      ? deadlock_wait(waits, fl, r->owner, other->r.owner)
			      : -EAGAIN;
	else if (!spare[0] || !spare[1] || (fl->count >= RECORDS_MAX && r->type != FLK_UNLOCK))
		err = -ENOLCK;
	else
		apply_locked(fl, *r, spare);
	unlock(&fl->lock);
	free(spare[0]);
	free(spare[1]);
	if (err == 0)
		waitq_wake(&fl->wq, EPOLLIN | EPOLLOUT);
	return err;
}

int lock_set(struct inode *i, const struct flock_req *r, bool wait)
{
	struct flock_list *fl;
	struct deadlock_entry waits;
	int err = list_of(i, &fl);

	if (err < 0)
		return err;
	err = set_once(fl, r, NULL);
	if (err != -EAGAIN || !wait)
		return err;
	deadlock_entry_init(&waits);
	int slept = waitq_sleep(&fl->wq, EPOLLIN | EPOLLOUT, WAIT_INTR, WAIT_FOREVER,
				(err = set_once(fl, r, &waits)) != -EAGAIN);
	deadlock_entry_remove(&waits);
	return slept < 0 ? slept : err;
}

void lock_get(struct inode *i, struct flock_req *r)
{
	struct flock_list *fl = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE);
	struct record *l = NULL;

	if (fl) {
		lock(&fl->lock);
		l = conflict_locked(fl, r);
		if (l)
			*r = l->r;
		unlock(&fl->lock);
	}
	if (!l)
		r->type = FLK_UNLOCK;
}

static void release_records(struct flock_list *fl, const struct flock_req *whose)
{
	struct record *l, *next;
	bool any = false;

	lock(&fl->lock);
	list_for_each_safe(l, next, &fl->records, link) {
		if (!same_owner(&l->r, whose))
			continue;
		record_free_locked(fl, l);
		any = true;
	}
	if (any)
		deadlock_moved(fl);
	unlock(&fl->lock);
	if (any)
		waitq_wake(&fl->wq, EPOLLIN | EPOLLOUT);
}

void lock_release_posix(struct inode *i, void *owner)
{
	struct flock_list *fl = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE);

	if (fl)
		release_records(fl, &(struct flock_req){.owner = owner});
}

static struct record *flock_find_locked(struct flock_list *fl, const struct file *f)
{
	struct record *l;

	list_for_each(l, &fl->flocks, link)
		if (l->r.owner == f)
			return l;
	return NULL;
}

static bool flock_conflict_locked(struct flock_list *fl, const struct file *f, int type)
{
	struct record *l;

	list_for_each(l, &fl->flocks, link)
		if (l->r.owner != f && (type == FLK_WRITE || l->r.type == FLK_WRITE))
			return true;
	return false;
}

/* A conversion gives the old lock up first, and may end without any: flock(2) says so. */
static int flock_once(struct flock_list *fl, struct file *f, int type)
{
	struct record *made = calloc(1, sizeof *made);
	bool changed = false;
	int err = 0;

	lock(&fl->lock);
	struct record *own = flock_find_locked(fl, f);
	if (own && own->r.type != type) {
		record_free_locked(fl, own);
		own = NULL;
		changed = true;
	}
	if (own || type == FLK_UNLOCK) {
		err = 0;
	} else if (flock_conflict_locked(fl, f, type)) {
		err = -EAGAIN;
	} else if (!made) {
		err = -ENOMEM;
	} else {
		struct record *l = STEAL(made);
		l->r = (struct flock_req){.type = type, .owner = f, .pid = -1, .end = INT64_MAX};
		list_append(&fl->flocks, &l->link);
		fl->count++;
	}
	unlock(&fl->lock);
	free(made);
	if (changed)
		waitq_wake(&fl->wq, EPOLLIN | EPOLLOUT);
	return err;
}

int flock_set(struct file *f, int type, bool wait)
{
	struct flock_list *fl;
	int err = list_of(f->inode, &fl);

	if (err < 0)
		return err;
	err = flock_once(fl, f, type);
	if (err != -EAGAIN || !wait)
		return err;
	int slept = waitq_sleep(&fl->wq, EPOLLIN | EPOLLOUT, WAIT_INTR, WAIT_FOREVER,
				(err = flock_once(fl, f, type)) != -EAGAIN);
	return slept < 0 ? slept : err;
}

void lock_release_file(struct file *f)
{
	struct flock_list *fl = __atomic_load_n(&f->inode->locks, __ATOMIC_ACQUIRE);

	if (!fl)
		return;
	(void)flock_once(fl, f, FLK_UNLOCK);
	release_records(fl, &(struct flock_req){.owner = f, .ofd = true});
}

void lock_for_each(struct inode *i, void (*fn)(char kind, const struct flock_req *r, void *arg),
		   void *arg)
{
	struct flock_list *fl = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE);
	struct record *l;

	if (!fl)
		return;
	lock(&fl->lock);
	list_for_each(l, &fl->flocks, link)
		fn('F', &l->r, arg);
	list_for_each(l, &fl->records, link)
		fn(l->r.ofd ? 'O' : 'P', &l->r, arg);
	unlock(&fl->lock);
}
