/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors as guest files: what the sandbox was given as 0, 1 and 2.
 *
 * The open file description is shared with processes outside, so nothing of it
 * is changed that they would notice: O_NONBLOCK stays as it is, and an offset
 * moves by reading and writing only.  Pipes and terminals come with a description
 * of their own where the host lets us open them again (`nonblock').  Without it,
 * instead of a non-blocking read there is a poll, and then one read; instead of a
 * non-blocking write pieces of PIPE_BUF, each after POLLOUT.  (Then somebody
 * outside who reads the same terminal or pipe at that moment can make the sentry's
 * thread wait for the next input.)
 *
 * Regular files have the offset of the host's description until the guest
 * seeks; then this file has an offset of its own.
 *
 * Reopening (/proc/self/fd/1) gives another struct file of the same description.
 */
#pragma once

#include "sentry/vfs/inode.h"

struct hostfile_options {
	int fd;			/* taken over on success */
	uint32_t flags;		/* O_ACCMODE, O_APPEND as the host's description has them */
	int64_t pos;		/* regular files: the offset of the description */
	uint32_t uid, gid;	/* what fstat shows */
	bool nonblock;		/* nobody else has this description, and it is O_NONBLOCK */
};

/* A file over o->fd.  -ENOMEM, -EINVAL for a directory. */
int hostfile_new(const struct hostfile_options *o, const struct cred *cred, struct file **out);
/* True if f is one and a terminal. */
bool hostfile_is_tty(const struct file *f);
/* The host's device number of a terminal. */
uint64_t hostfile_rdev(const struct file *f);
/*
 * Another file on the descriptor behind f, with path's inode (taken over on success), or
 * nameless.  -EACCES: the descriptor came with fewer rights than flags ask for.
 */
int hostfile_reopen(struct file *f, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out);
/*
 * Job control of a terminal, which is about processes and so not known here; `terminal` is
 * what hostfile_set_terminal() was given.  Set once, before the first process runs.
 */
struct hostfile_tty_hooks {
	/* TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSCTTY, TIOCNOTTY, ...; -ENOTTY for others. */
	int64_t (*ioctl)(void *terminal, const struct ioctl_args *a);
	/* The caller is in the background: sig is due if it goes on. */
	bool (*background)(void *terminal);
	/* 0 (it may go on), -EIO, or -ERESTARTSYS after sig was sent to its group. */
	int (*check)(void *terminal, int sig);
	/* A file of hostfile_set_terminal() is gone. */
	void (*release)(void *terminal);
};
void hostfile_set_tty_hooks(const struct hostfile_tty_hooks *hooks);
/* Once a file; hooks->release takes it back. */
void hostfile_set_terminal(struct file *f, void *terminal);
/* Ends the poller thread, if one was started; at the end of the sandbox. */
void hostfile_shutdown(void);
