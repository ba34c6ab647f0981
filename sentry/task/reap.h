/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zombies: from the end of the last thread until the parent has waited.
 * Everything here needs kernel.tasks_lock.
 */
#pragma once

#include "sentry/task/task.h"

/* The last thread has gone: children to the reaper, the parent is told, or nobody cares. */
void group_end_locked(struct group *g);
/* Frees the number of a zombie; what it used goes to the parent if that has waited for it. */
void group_reap_locked(struct group *g, bool waited);
/* A zombie has got its (new) parent: that is told, or it is reaped at once. */
void group_announce_locked(struct group *g);
/* The tracer of a zombie's leader has let go; was_reparented: it was none of the parent's. */
void group_untraced_locked(struct group *g, bool was_reparented);
/* A thread of g ends while others go on: they inherit the children it forked. */
void thread_end_locked(struct group *g, const struct task *t);
