/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID namespaces: pid_namespaces(7).
 *
 * Inside the sentry a task, process, process group or session goes by its *id*, which no
 * two have.  What a guest sees is a *number*, and depends on the namespace it looks from.
 * In the first namespace numbers are ids below PID_MAX; who is in none of its descendants
 * (another container's) has ids above, which cannot be seen there.  Every other namespace
 * has a table from numbers to ids, and each id knows its numbers in the namespaces it can
 * be seen from: its own, and those above it.
 *
 * So: task->tid, group->tgid, pgid, sid and all that is stored are ids; translate where
 * something comes from a guest (pid_id_locked, task_find) or goes to one (pid_in_locked,
 * pid_here).  task->nr and group->nr are the numbers in the task's own namespace.
 */
#pragma once

#include "sentry/task/task.h"

enum { PID_MAX = 32768, PID_NS_LEVELS = 32 };

struct pid_ns {
	struct ns ns;
	struct pid_ns *parent;	/* I  our reference; NULL: a container's own */
	unsigned level;		/* I  namespaces above it */
	int *ids;		/* t  by number; NULL: the first one */
	int last;		/* t  number given out last */
	unsigned used;		/* t  numbers in use; not kept of the first one */
	struct group *init;	/* t  its first process, until that has ended; not referenced */
	bool over;		/* t  it gets no more processes */
	struct waitq emptied;	/* woken when one of its processes has gone; unused in the first one */
};

extern struct pid_ns pid_first;

/* One below `parent`, or (NULL) one that nobody sees into.  -ENOSPC, -ENOMEM. */
int pid_ns_new(struct pid_ns *parent, struct user_ns *owner, struct ns **out);
static inline struct pid_ns *pid_ns_get(struct pid_ns *n)
{
	ns_get(&n->ns);
	return n;
}
static inline void pid_ns_put(struct pid_ns *n)
{
	ns_put(&n->ns);
}
static inline struct pid_ns *pid_ns_of(struct ns *ns)
{
	return container_of(ns, struct pid_ns, ns);
}
/* True if everybody in n can be seen from `above`: they are the same, or n is below it. */
bool pid_ns_below(const struct pid_ns *n, const struct pid_ns *above);
/* Where the calling task looks from; a thread of the sentry itself: the first one. */
struct pid_ns *pid_ns_here(void);

/* tasks_lock held.  The number of an id, 0 if it cannot be seen from n. */
int pid_in_locked(const struct pid_ns *n, int id);
int pid_here_locked(int id);
/* The same without the lock. */
int pid_in(const struct pid_ns *n, int id);
int pid_here(int id);
/* The id behind a number, 0 if there is none; tasks_lock held. */
int pid_id_locked(const struct pid_ns *n, int nr);
int pid_id_here_locked(int nr);

/*
 * The first process of its namespace ends, and t is its last thread: everybody in the
 * namespace is killed, and t sleeps until they have gone.  Takes tasks_lock as it is held.
 */
void pid_ns_end_locked(struct task *t);
