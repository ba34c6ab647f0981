/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/io counts: calls that read and write, and the bytes they moved.
 *
 * A task counts for itself, without a lock; others may look at any time.  A dead
 * thread's counts, and a waited-for child's, become its group's: usage.c.
 */
#pragma once

#include "sentry/task/task.h"

/* Only the task itself adds, so that an addition need not be atomic. */
static inline void io_add(uint64_t *n, uint64_t by)
{
	__atomic_store_n(n, __atomic_load_n(n, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

/* After a call that got as far as the file: its result. */
static inline long io_read_done(struct task *t, long n)
{
	if (n > 0)
		io_add(&t->io.rchar, (uint64_t)n);
	io_add(&t->io.syscr, 1);
	return n;
}

static inline long io_write_done(struct task *t, long n)
{
	if (n > 0)
		io_add(&t->io.wchar, (uint64_t)n);
	io_add(&t->io.syscw, 1);
	return n;
}

/* Of a thread, or of all its group with what the dead ones had; takes tasks_lock. */
void io_of_thread(const struct task *t, struct task_io *out);
void io_of_group(struct group *g, struct task_io *out);
