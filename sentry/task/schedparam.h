/* SPDX-License-Identifier: Apache-2.0 */
/* Who may give whom which scheduling policy and nice value: sched(7). */
#pragma once

#include "sentry/task/task.h"

enum { NICE_MIN = -20, NICE_MAX = 19 };

struct sched_params {
	int policy;		/* with SCHED_RESET_ON_FORK, which task.policy keeps */
	int rt_priority, nice;
	bool keep_policy;	/* the target's own */
	bool keep_nice;
};

bool sched_is_rt(int policy);
/* clone: a new task of a SCHED_RESET_ON_FORK parent, whose values it has already. */
void sched_clone_task(struct task *child);
/* The caller's effective user owns the target. */
bool sched_same_owner(const struct task *t, struct task *target);
/* 0, -EINVAL, -EPERM. */
int sched_params_set(struct task *t, struct task *target, const struct sched_params *p);
/* As the kernel orders tasks: 0..98 real-time, 100..139 by nice value; the lowest goes first. */
int sched_level(const struct task *t);
/* setpriority(2) for one task; nice is cut to -20..19.  0, -EPERM, -EACCES. */
int sched_nice_set(struct task *t, struct task *target, int nice);
