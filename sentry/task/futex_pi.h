/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futexes with an owner: FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI.
 *
 * The word holds the owner's tid, FUTEX_WAITERS if somebody sleeps, FUTEX_OWNER_DIED.
 * User code changes it by compare and swap while FUTEX_WAITERS is not set, and so does
 * the sentry (cas.h).  Once the bit is set only the kernel may change the word: that is
 * done with plain writes, under the lock of the table of those who sleep.
 *
 * Unlocking hands the word over to the first in line: real-time tasks by priority, all
 * others in order.  Nobody's priority is raised: the host schedules the threads.
 */
#pragma once

#include "sentry/task/futex.h"

/*
 * try: do not wait (-EAGAIN).  deadline: CLOCK_MONOTONIC.  -EDEADLK, -ESRCH (its owner does
 * not exist), -EFAULT, -EINVAL, -ETIMEDOUT, -ERESTARTNOINTR.
 */
int futex_lock_pi(struct task *t, uaddr_t addr, const struct futex_key *key, bool try,
		  int64_t deadline);
/* -EPERM: somebody else's. */
int futex_unlock_pi(struct task *t, uaddr_t addr, const struct futex_key *key);
/* True if somebody sleeps there for its owner: no other operation may be used on it. */
bool futex_is_pi(const struct futex_key *key);
/*
 * Own thread, at its end (over) or exec, after the robust list: what it holds and others
 * sleep for goes to them.
 */
void futex_exit_pi(struct task *t, bool over);
