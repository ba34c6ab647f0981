/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to whoever runs here: a thread, or a fiber that is now on this
 * thread and may be on another after it has slept.  So no __thread variable may
 * be used across a sleep; a slot of these may.
 *
 * Each is a pointer, NULL to begin with, whose meaning is its user's.
 */
#pragma once

#include "types.h"

enum local {
	LOCAL_WAITER, /* sentry/sync/waitq.c: what it sleeps on */
	LOCAL_TASK,   /* sentry/task/task.c: the task it runs */
	LOCAL_DOOMED, /* sentry/sock/unix_msg.c: messages it is about to free */
	LOCAL_CTX,    /* platform/trap/run.c: whose call it carries out */
	LOCAL_COUNT,
};

struct locals {
	void *at[LOCAL_COUNT];
};

/* The caller's own; an address that is valid until it next sleeps, and as an identity for ever. */
struct locals *locals_self(void);
/* Those of a fiber that is about to run on this thread; NULL: the thread's own again. */
void locals_use(struct locals *l);

static inline void *local_get(enum local which)
{
	return locals_self()->at[which];
}

static inline void local_set(enum local which, void *value)
{
	locals_self()->at[which] = value;
}
