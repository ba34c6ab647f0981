/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/sync/waitq.h"

/* Hangs on inode->priv: one host descriptor. */
struct hostfile {
	struct inode *inode;		/* I  not referenced: it is ours */
	int fd;				/* I */
	uint32_t flags;			/* I */
	uint32_t type;			/* I  S_IFMT bits of the host's file */
	bool tty;			/* I */
	struct lock io;			/* RANK_PIPE: poll and the transfer after it are one step */
	bool own_pos;			/* io: the guest's offset is no longer the host's */
	int64_t pos;			/* io: regular files: the host's offset while !own_pos */
	struct waitq wq;
	unsigned files;			/* a  open files */
	struct list armed;		/* poller: in its list; holds a reference to inode */
	short events;			/* poller: POLL* it waits for */
};

/* ioctl.c */
int64_t hostfile_ioctl(struct file *f, const struct ioctl_args *a);
bool hostfile_probe_tty(int fd);

/* poller.c: wakes h->wq once one of events (POLL*) has come; -ENOMEM. */
int poller_arm(struct hostfile *h, short events);
void poller_disarm(struct hostfile *h);
