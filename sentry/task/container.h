/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers of one sandbox, as far as their processes have to do with it.
 *
 * Namespaces keep them apart; this says whose a process is, wherever it has moved to: a
 * process is of its parent's container, for ever.  Each has room for so many tasks, stands
 * still as one, and ends as one (sentry/boot).
 */
#pragma once

#include "sentry/res/resources.h"
#include "sentry/res/usage.h"
#include "sentry/task/task.h"

struct container {
	struct ref ref;			    /* a */
	unsigned number;		    /* I  0: the first, whose sandbox it is */
	unsigned ntasks;		    /* t */
	unsigned ngroups;		    /* t  zombies included */
	unsigned task_limit;		    /* t  -EAGAIN above it: pids.max, or UINT_MAX */
	unsigned tasks_peak, tasks_refused; /* t */
	bool paused;			    /* t  pause.h */
	struct resources resources; /* what it sees; the first one sees the sandbox's */
	struct zygote *zygote;		    /* I  what its programs start from; NULL: as the first */
	struct usage_files usage;	    /* I  with a zygote: of its cgroup, ours to close */
	struct devpts *devpts;		    /* I  its terminals (tty/devpts.c), until its end */
	struct waitq wq; /* woken when either number falls to 0 */
};

extern struct container container_first;

/* With a number of its own; NULL: no memory. */
struct container *container_new(void);
struct container *container_get(struct container *c);
void container_put(struct container *c);

/* tasks_lock held.  False, and counted: there is no room for another task. */
bool container_room_locked(struct container *c);
void container_add_task_locked(struct container *c);
void container_drop_task_locked(struct container *c);
/* Calls fn for every process of it, zombies included; tasks_lock held. */
void container_for_each_locked(struct container *c, void (*fn)(struct group *g, void *arg),
			       void *arg);
/* SIGKILL to all its processes; tasks_lock held. */
void container_kill_locked(struct container *c);
