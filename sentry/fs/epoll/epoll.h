/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll(7).
 *
 * An *item* is one watched (file, descriptor number).  It has an entry in the
 * file's wait queue, whose wake function puts the item on the ready list; who
 * waits goes through that list and asks each file what it really has.
 *
 * A watched file is not referenced: its last file_put calls epoll_file_gone
 * (a hook of the VFS), which takes its items out.
 *
 * Locks
 *  - the interest lock (RANK_EPOLL, one for all): which items exist, in their
 *    epoll's table and in file->epolls;
 *  - ep->lock (RANK_EPOLL_READY): the ready list and the state of items.
 * Files are asked (ops->poll) with neither held, over a reference.
 */
#pragma once

#include "sentry/sync/waitq.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/epoll.h"

int epoll_new(const struct cred *cred, struct file **out);
/*
 * EPOLL_CTL_ADD, _MOD, _DEL on ep (of kind FILE_EPOLL) for `target`, known to
 * the caller as descriptor fd.  ev is not used by DEL.  -EEXIST, -ENOENT,
 * -EPERM (never waits), -ELOOP, -EINVAL, -ENOMEM.
 */
int epoll_ctl_file(struct file *ep, int op, struct file *target, int fd,
		   const struct abi_epoll_event *ev);

/* What epoll_collect found and has not been told to the guest yet. */
struct epoll_batch {
	struct abi_epoll_event *events;
	struct epitem **items;	/* referenced */
	size_t count;
};
/*
 * Waits for at most max events: their number, 0 at the deadline (0: do not
 * wait), -EINTR.  The caller copies b->events out and then calls epoll_done,
 * which forgets the events, or (told false) brings them back.
 */
long epoll_collect(struct file *ep, size_t max, int64_t deadline_ns, struct epoll_batch *b);
void epoll_done(struct file *ep, struct epoll_batch *b, bool told);
/* Calls fn for each item: /proc/PID/fdinfo. */
void epoll_for_each(struct file *ep,
		    void (*fn)(int fd, struct file *target, const struct abi_epoll_event *ev,
			       void *arg),
		    void *arg);
