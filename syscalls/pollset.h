/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for several files at once, for poll(2) and select(2): each file is
 * asked once without queueing, because most calls find something; only then
 * are wait entries queued and the files asked again.
 */
#pragma once

#include "sentry/sync/waitq.h"
#include "sentry/vfs/file.h"

struct task;

struct poll_item {
	struct file *file;	/* our reference; NULL: never ready */
	uint32_t want;		/* EPOLL* */
	uint32_t got;		/* out: what of it holds */
	struct wait_entry entry;
};

/*
 * How many items have got something (found: already have, so do not wait), 0 at
 * the deadline (CLOCK_MONOTONIC, 0: do not wait), -ERESTARTNOHAND.
 */
long pollset_wait(struct poll_item *items, size_t count, bool found, int64_t deadline_ns);
void pollset_put(struct poll_item *items, size_t count);

/* Deadline of a timeout: WAIT_FOREVER when it is too far, 0 when it is 0. */
int64_t deadline_after(int64_t timeout_ns);
/* A valid timespec in nanoseconds (clamped), or -EINVAL. */
int64_t timespec_timeout(int64_t sec, int64_t nsec);

/*
 * What is left of a timeout of ns goes back to the guest's timespec at `to`, or timeval (usec);
 * not if it has personality(STICKY_TIMEOUTS).  The call's result, which was ret.
 */
long timeout_tell(struct task *t, uaddr_t to, int64_t ns, int64_t deadline, bool usec, long ret);

/*
 * The temporary mask of the p-calls: sigmask 0 means none.  0, -EINVAL (size),
 * -EFAULT.  mask_end puts it back unless the call was interrupted.
 */
int mask_begin(struct task *t, uaddr_t sigmask, uint64_t size);
void mask_end(struct task *t, long ret);
