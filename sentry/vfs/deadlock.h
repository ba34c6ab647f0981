/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for whose POSIX record lock: EDEADLK of fcntl(2).
 *
 * An entry is noted while its list's lock (RANK_FLOCK) is held, and forgotten
 * when anything in that list changes, so that no stale edge makes a circle.
 */
#pragma once

#include "platform/base/list.h"

struct deadlock_entry {
	struct list link;	/* deadlock lock */
	const void *where;	/* the list it waits at */
	const void *owner, *blocker;
};

void deadlock_entry_init(struct deadlock_entry *e);
/* Notes that owner waits for blocker: -EAGAIN (go to sleep), or -EDEADLK. */
int deadlock_wait(struct deadlock_entry *e, const void *where, const void *owner,
		  const void *blocker);
/* The list changed: those who wait there will look again. */
void deadlock_moved(const void *where);
void deadlock_entry_remove(struct deadlock_entry *e);
