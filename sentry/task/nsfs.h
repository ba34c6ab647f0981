/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces as files: what /proc/PID/ns leads to, and what ioctl_nsfs(2) opens.
 */
#pragma once

#include "sentry/task/task.h"

struct file;
struct path;

/* Where the link leads; a reference to ns for it is taken. */
int nsfs_path(struct ns *ns, const struct cred *cred, struct path *out);
/* The namespace of such a file, borrowed as long as f is held; NULL: another kind of file. */
struct ns *nsfs_of(const struct file *f);
/* The namespace of that kind that t is in, referenced; -ESRCH: it has ended. */
/* The PID namespace of its future children; -ENOENT: there is nobody in it yet. */
int task_pid_ns_children(struct task *t, struct ns **out);
int task_ns_get(struct task *t, enum ns_kind kind, struct ns **out);
