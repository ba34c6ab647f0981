/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces a task is in, and how it comes into others: clone(2), unshare(2), setns(2).
 *
 * A set is shared by fork and never changed: who moves gets a new one.  Not in it are the
 * mount namespace (struct fsctx), the user namespace (struct cred) and the PID namespace,
 * which is the process' own for life (struct group).
 */
#pragma once

#include "sentry/task/task.h"

struct nsset {
	struct ref ref;		 /* a */
	struct ns *of[NS_KINDS]; /* I  our references; PID, TIME: of future children */
};

#define NS_FLAGS                                                                                   \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* Of the first ones of each kind. */
struct nsset *nsset_first(void); /* NULL: no memory */
/*
 * A container's own: what `shared` has is shared (borrowed), else it is new, a PID namespace one
 * that nobody else sees into.  -ENOMEM, -ENOSPC.
 */
int nsset_new(struct ns *const shared[NS_KINDS], struct nsset **out);
/* Their numbers, before anybody sees them; 0 leaves one as it is.  Not that of mounts. */
void nsset_number_first(const uint64_t numbers[NS_KINDS]);
struct nsset *nsset_get(struct nsset *s);
void nsset_put(struct nsset *s);
/* Who owns the calling task's of that kind; without a task the first. */
struct user_ns *nsset_owner(enum ns_kind kind);
/* That of another task, referenced; NULL: it has ended. */
struct nsset *task_nsset(struct task *t);
/*
 * The set of a child of t, whose credentials will be c: new ones of the kinds in flags, the
 * others shared.  -EPERM, -EINVAL (a kind there is only one of), -ENOSPC, -ENOMEM.
 */
int nsset_clone(struct task *t, uint64_t flags, const struct cred *c, struct nsset **out);
/* No other thread is in its group. */
bool task_is_alone(struct task *t);
/* -EPERM: its root is not that of its mount namespace, so it makes no user namespace. */
int task_is_chrooted(struct task *t);
/* unshare(2) of the namespaces in flags, and of what else that means. */
int task_unshare_ns(struct task *t, uint64_t flags);
/* setns(2): f is a file of /proc/PID/ns or a pidfd.  -EINVAL, -EPERM, -ESRCH. */
int task_setns(struct task *t, struct file *f, int flags);
