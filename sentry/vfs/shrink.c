/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is guarded by a leaf lock; a dentry found there is referenced before
 * the lock is given back, then unhashed under its parent's inode lock if the
 * table and we are still its only users.
 */
#include "sentry/vfs/shrink.h"

#include <malloc.h>

#include "sentry/vfs/internal.h"

/* About 8 MiB of names; a round trip to the gofer each to get them back. */
enum { SHRINK_LIMIT = 32768, SHRINK_BATCH = 64 };
/*
 * About 100 MiB of names with their inodes; a round trip a directory.  When everything is in
 * use the next look comes after FOLD_STEP names more.
 */
enum { FOLD_LIMIT = 131072, FOLD_STEP = 4096, FOLD_BATCH = 32, TRIM_STEP = 16384 };

static struct lock shrink_lock = LOCK_INIT(RANK_LEAF);
static struct list shrink_list = LIST_INIT(shrink_list);
static unsigned count, limit = SHRINK_LIMIT;
static struct list fold_list = LIST_INIT(fold_list); /* shrink_lock */
static unsigned foldable, fold_limit = FOLD_LIMIT, fold_next = FOLD_LIMIT; /* a */
static unsigned untrimmed; /* a: names folded since the heaps were trimmed */

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
	if (d->foldable)
		__atomic_sub_fetch(&foldable, d->foldable, __ATOMIC_RELAXED);
	else
		__atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
	d->foldable = 0;
}

void dentry_foldable_locked(struct dentry *dir, uint32_t names)
{
	lock_assert_held(&dir->inode->lock);
	/* Unhashing takes it off the list: the root, which never is, must not be on it. */
	if (!names || !dir->hashed)
		return;
	lock(&shrink_lock);
	if (list_empty(&dir->lru))
		list_append(&fold_list, &dir->lru);
	dir->foldable += names;
	__atomic_add_fetch(&foldable, names, __ATOMIC_RELAXED);
	unlock(&shrink_lock);
}

unsigned shrink_foldable(void)
{
	return __atomic_load_n(&foldable, __ATOMIC_RELAXED);
}

void shrink_set_fold_limit(unsigned n)
{
	__atomic_store_n(&fold_limit, n, __ATOMIC_RELAXED);
	__atomic_store_n(&fold_next, n, __ATOMIC_RELAXED);
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

/* As oldest(), of the directories. */
static struct dentry *oldest_foldable(unsigned tries)
{
	struct dentry *d = NULL;

	lock(&shrink_lock);
	while (!d && tries-- && !list_empty(&fold_list)) {
		d = list_first(&fold_list, struct dentry, lru);
		list_del(&d->lru);
		list_append(&fold_list, &d->lru);
		d = __atomic_exchange_n(&d->used, false, __ATOMIC_RELAXED) ? NULL : dentry_get(d);
	}
	unlock(&shrink_lock);
	return d;
}

static bool fold(struct dentry *dir)
{
	lock(&dir->inode->lock);
	bool folded = dir->hashed && dir->fs->ops->fold(dir);
	if (folded) {
		__atomic_add_fetch(&untrimmed, dir->foldable, __ATOMIC_RELAXED);
		shrink_remove(dir);
	}
	unlock(&dir->inode->lock);
	return folded;
}

static void fold_some(void)
{
	unsigned most = __atomic_load_n(&fold_limit, __ATOMIC_RELAXED), folded = 0;
	struct dentry *d;

	for (unsigned n = 0; n < FOLD_BATCH && shrink_foldable() > most &&
			     (d = oldest_foldable(SHRINK_BATCH));
	     n++) {
		folded += fold(d);
		dentry_put(d);
	}
	__atomic_store_n(&fold_next, folded ? most : shrink_foldable() + FOLD_STEP,
			 __ATOMIC_RELAXED);
	/* Each thread has a heap of its own: without this the next one would not get the memory. */
	if (__atomic_load_n(&untrimmed, __ATOMIC_RELAXED) > TRIM_STEP) {
		__atomic_store_n(&untrimmed, 0, __ATOMIC_RELAXED);
		malloc_trim(0);
	}
}

void dentry_shrink(void)
{
	struct dentry *d;

	if (shrink_foldable() > __atomic_load_n(&fold_next, __ATOMIC_RELAXED))
		fold_some();
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
