/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify(7).
 *
 * A watch belongs to one instance and one inode, which it references until the
 * file is deleted.  The VFS reports through notify.h; what a watch asks for
 * goes into its instance's queue.
 *
 * One lock (RANK_PIPE) guards all watches and queues: reports may come with
 * inode locks held, and a watch stands between two objects.
 */
#pragma once

#include "sentry/vfs/inode.h"

/* flags: O_NONBLOCK. */
int inotify_new(const struct cred *cred, uint32_t flags, struct file **out);
/*
 * Watches i: the watch's number.  mask: IN_* events and IN_EXCL_UNLINK, IN_ONESHOT,
 * IN_MASK_ADD, IN_MASK_CREATE.  -EEXIST, -ENOSPC, -ENOMEM.  f is of kind FILE_INOTIFY.
 */
int inotify_watch(struct file *f, struct inode *i, uint32_t mask);
/* -EINVAL if there is none of that number. */
int inotify_unwatch(struct file *f, int wd);
/* For /proc/PID/fdinfo. */
void inotify_for_each(struct file *f,
		      void (*fn)(int wd, const struct inode *i, uint32_t mask, void *arg),
		      void *arg);
