/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands: work that only a task's own thread may do, because it needs its ctx.
 *
 * Wherever that thread is, it comes soon: out of guest code, in the middle of any
 * sleep (which goes on afterwards as if nothing had been), in a stop.  An errand
 * runs with no lock held and must not sleep.
 */
#pragma once

#include "sentry/task/task.h"

typedef long errand_fn(struct task *t, void *data);

/*
 * Runs fn on t's thread, on a copy of data that is copied back when it is done; its result.
 * -ESRCH: t has ended; -ENOMEM; -EINTR: the caller was killed meanwhile.  No lock held.
 */
long task_errand(struct task *t, errand_fn *fn, void *data, size_t size);
/* The same, waited for until then only: -ETIMEDOUT. */
long task_errand_until(struct task *t, errand_fn *fn, void *data, size_t size, int64_t deadline_ns);

/* task.c: the waiter of a new task serves them. */
void errand_init(struct task *t);
/* t gives its ctx up: what is left is told -ESRCH, and nothing more comes.  No lock held. */
void errand_refuse(struct task *t);
