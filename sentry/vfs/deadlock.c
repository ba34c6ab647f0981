/* SPDX-License-Identifier: Apache-2.0 */
/* One list of all waiting owners; each entry waits for one other owner. */
#include "sentry/vfs/deadlock.h"

#include "platform/base/lock.h"
#include "syscalls/abi/errno.h"

/* As Linux: longer chains are not searched to the end. */
enum { CHAIN_MAX = 10 };

static struct lock deadlock_lock = LOCK_INIT(RANK_LEAF);
static struct list waiting = LIST_INIT(waiting);

void deadlock_entry_init(struct deadlock_entry *e)
{
	*e = (struct deadlock_entry){0};
	list_init(&e->link);
}

static const void *waits_for_locked(const void *owner)
{
	struct deadlock_entry *e;

	list_for_each(e, &waiting, link)
		if (e->owner == owner && e->blocker)
			return e->blocker;
	return NULL;
}

int deadlock_wait(struct deadlock_entry *e, const void *where, const void *owner,
		  const void *blocker)
{
	int err = -EAGAIN;

	lock(&deadlock_lock);
	const void *b = blocker;
	for (int i = 0; i < CHAIN_MAX && b && err == -EAGAIN; i++) {
		b = waits_for_locked(b);
		if (b == owner)
			err = -EDEADLK;
	}
	if (err == -EAGAIN) {
		e->where = where;
		e->owner = owner;
		e->blocker = blocker;
		if (list_empty(&e->link))
			list_append(&waiting, &e->link);
	}
	unlock(&deadlock_lock);
	return err;
}

void deadlock_moved(const void *where)
{
	struct deadlock_entry *e;

	lock(&deadlock_lock);
	list_for_each(e, &waiting, link)
		if (e->where == where)
			e->blocker = NULL;
	unlock(&deadlock_lock);
}

void deadlock_entry_remove(struct deadlock_entry *e)
{
	lock(&deadlock_lock);
	list_del(&e->link);
	unlock(&deadlock_lock);
}
