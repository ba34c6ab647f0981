/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that a `which' and a `who' name: one, a process group's, or a user's. */
#pragma once

#include "sentry/task/task.h"

typedef void (*chosen_fn)(void *arg, struct task *each);

/*
 * which: PRIO_*; who 0: the caller's.  fn is called for each of them, with tasks_lock held.
 * -EINVAL (which), -ESRCH (nobody).
 */
int tasks_chosen(struct task *t, int which, int who, chosen_fn fn, void *arg);
