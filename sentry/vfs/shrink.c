/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is guarded by a leaf lock; a dentry found there is referenced before
 * the lock is given back, then unhashed under its parent's inode lock if the
 * table and we are still its only users.
 */
#include "sentry/vfs/shrink.h"

#include "sentry/vfs/internal.h"

/* About 8 MiB of names; a round trip to the gofer each to get them back. */
enum { SHRINK_LIMIT = 32768, SHRINK_BATCH = 64 };

static struct lock shrink_lock = LOCK_INIT(RANK_LEAF);
static struct list shrink_list = LIST_INIT(shrink_list);
static unsigned count, limit = SHRINK_LIMIT;

void shrink_add(struct dentry *d)
{
	lock(&shrink_lock);
	if (list_empty(&d->lru)) {
		list_append(&shrink_list, &d->lru);
		__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	}
	unlock(&shrink_lock);
}

static void remove_locked(struct dentry *d)
{
	if (list_empty(&d->lru))
		return;
	list_del(&d->lru);
	__atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
}

void shrink_remove(struct dentry *d)
{
	lock(&shrink_lock);
	remove_locked(d);
	unlock(&shrink_lock);
}

unsigned shrink_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

void shrink_set_limit(unsigned n)
{
	__atomic_store_n(&limit, n, __ATOMIC_RELAXED);
}

/* The oldest one that was not used lately, referenced; it goes to the end of the list. */
static struct dentry *oldest(unsigned tries)
{
	struct dentry *d = NULL;

	lock(&shrink_lock);
	while (tries-- && !list_empty(&shrink_list)) {
		d = list_first(&shrink_list, struct dentry, lru);
		list_del(&d->lru);
		list_append(&shrink_list, &d->lru);
		bool idle = !__atomic_exchange_n(&d->used, false, __ATOMIC_RELAXED) &&
			    ref_count(&d->ref) == 1;
		/* A dentry on the list is hashed, so its table's reference keeps it alive. */
		d = idle ? dentry_get(d) : NULL;
		if (d)
			break;
	}
	unlock(&shrink_lock);
	return d;
}

static bool still_unused_locked(struct dentry *parent, struct dentry *d)
{
	return d->hashed && d->parent == parent && ref_count(&d->ref) == 2 &&
	       !__atomic_load_n(&d->mounts, __ATOMIC_RELAXED) &&
	       !(d->inode && __atomic_load_n(&d->inode->marks, __ATOMIC_RELAXED));
}

void dentry_shrink(void)
{
	struct dentry *d;

	if (shrink_count() <= __atomic_load_n(&limit, __ATOMIC_RELAXED))
		return;
	for (unsigned n = 0; n < SHRINK_BATCH && (d = oldest(SHRINK_BATCH)); n++) {
		struct dentry *parent = dentry_parent(d);
		lock(&parent->inode->lock);
		if (still_unused_locked(parent, d))
			dentry_drop_locked(d);
		unlock(&parent->inode->lock);
		dentry_put(d);
		dentry_put(parent);
	}
}
