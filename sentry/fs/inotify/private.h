/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "sentry/fs/inotify/inotify.h"
#include "sentry/sync/waitq.h"

/* All members of all three under inotify_lock, but for what is marked I. */
struct inotify {
	struct list watches;	/* struct watch.of_instance */
	struct list queue;	/* struct note */
	unsigned events, watch_count;
	size_t bytes;		/* of the queue: what FIONREAD says */
	int last_wd;
	struct waitq wq;
};

/* inode->marks. */
struct notify_marks {
	struct list watches;	/* struct watch.of_inode */
};

struct watch {
	struct list of_instance, of_inode;
	struct inotify *owner;	/* I */
	struct inode *inode;	/* I  our reference */
	int wd;			/* I */
	uint32_t mask;
};

extern struct lock inotify_lock;

/* queue.c, lock held */
void queue_add(struct inotify *n, int wd, uint32_t mask, uint32_t cookie, const char *name);
void queue_free(struct inotify *n);
ssize_t inotify_read(struct file *f, struct uio *u, int64_t *pos);

