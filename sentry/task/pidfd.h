/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd_open(2): a descriptor for a process, readable once it has ended.
 */
#pragma once

#include "sentry/task/task.h"

struct file;

/*
 * A file for g (takes a reference).  flags: O_NONBLOCK or 0.  t is the thread it
 * was asked for (the leader, but for PIDFD_THREAD).  -ENFILE, -ENOMEM.
 */
int pidfd_file_new(struct group *g, struct task *t, const struct cred *cred, uint32_t flags,
		   struct file **out);
/* The group behind a pidfd, borrowed as long as f is held; NULL: another kind of file. */
struct group *pidfd_group(const struct file *f);
