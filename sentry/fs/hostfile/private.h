/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/sync/waitq.h"

/*
 * One host descriptor: file->priv.  It lives as long as `inode`, to which each file has a
 * reference; a terminal's files have the inode of its name in devpts instead.
 */
struct hostfile {
	struct inode *inode;		/* I  not referenced: it is ours */
	int fd;				/* I */
	int readonly;			/* io: the same for mappings; -1: not needed yet */
	uint32_t flags;			/* I */
	uint32_t type;			/* I  S_IFMT bits of the host's file */
	bool tty;			/* I */
	bool nonblock;			/* I  the description is ours alone, and O_NONBLOCK */
	void *terminal;			/* I once given: what the hooks of tty know it by */
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
void hostfile_forget_terminal(void *terminal);
/* Job control for a read (SIGTTIN) or write (SIGTTOU): 0, -EIO or -ERESTARTSYS. */
int hostfile_job_check(const struct hostfile *h, int sig);

/* poller.c: wakes h->wq once one of events (POLL*) has come; -ENOMEM. */
int poller_arm(struct hostfile *h, short events);
void poller_disarm(struct hostfile *h);
