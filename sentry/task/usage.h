/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getrusage(2): what threads and processes have used.
 *
 * CPU times come from clock.h.  Faults, preemptions and peak memory are the
 * host's count for the stub: known while the process asks for itself, and again
 * at its end; in between others see what was last known.
 */
#pragma once

#include "sentry/task/task.h"

/* Own thread: brings the group's counts, or only the thread's, up to date. */
void usage_update(struct task *t, bool thread);
/* The stub of g has ended. */
void usage_note(struct group *g, const struct usage *u);
/* A dying thread's counts become its group's; tasks_lock held. */
void usage_dead_locked(struct group *g, struct task *t);
/* What g and its waited-for children have used is its parent's from now on; tasks_lock held. */
void usage_inherit_locked(struct group *parent, struct group *g);

void usage_of_thread(struct task *t, struct abi_rusage *out);
void usage_of_group(struct group *g, struct abi_rusage *out);
void usage_of_children(struct group *g, struct abi_rusage *out);
/* An ended group with its waited-for children, as wait4(2) tells it; tasks_lock held. */
void usage_of_zombie_locked(struct group *g, struct abi_rusage *out);
