/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the platform may answer without asking us: platform_ops.fact and uts.
 *
 * Whoever changes a task's number, parent, ids, CPU mask, personality or the host's name
 * says so here, after the change and before the call that made it returns.  Each is a
 * no-op on a platform that has no use for it.  Who wants to see all calls: watch.h.
 *
 * A fact is written under one lock, so that two writers agree on the last one:
 * tid, pid, ppid, uts: tasks_lock; the personality: only the task itself; the ids, affinity:
 * siglock.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/utsname.h"

/* Everything of t, whose ctx is new or new to it; tasks_lock held. */
void facts_tell_locked(struct task *t);
/* A group has another parent; tasks_lock held. */
void facts_parent_locked(struct group *g);
/* The caller's own ids have changed; how those in a user namespace are called there has. */
void facts_ids(struct task *t);
void facts_user_ns(struct user_ns *ns);
void facts_personality(struct task *t);
/* PR_SET_TSC of the caller.  -errno of the host, which has always had it. */
int task_set_tsc(struct task *t, bool allowed);
void facts_namespace(struct task *t);
/* cpus_allowed of any task has changed. */
void facts_affinity(struct task *t);
/* The names of the first UTS namespace have changed. */
void facts_names(void);

struct uts_ns;

/* uname(2) for a task of ordinary personality in that namespace. */
void uts_get(struct uts_ns *ns, struct abi_utsname *out);
