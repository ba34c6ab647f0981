/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors as guest files: what the sandbox was given as 0, 1 and 2.
 *
 * The open file description is shared with processes outside, so nothing of it
 * is changed that they would notice: O_NONBLOCK stays as it is, and an offset
 * moves by reading and writing only.  Instead of a non-blocking read there is a
 * poll, and then one read; instead of a non-blocking write pieces of PIPE_BUF,
 * each after POLLOUT.  (Somebody outside who reads the same terminal or pipe at
 * that moment can make the sentry's thread wait for the next input.)
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
};

/* A file over o->fd.  -ENOMEM, -EINVAL for a directory. */
int hostfile_new(const struct hostfile_options *o, const struct cred *cred, struct file **out);
/* True if f is one and a terminal. */
bool hostfile_is_tty(const struct file *f);
/* The host descriptor of a hostfile (borrowed), or -1. */
int hostfile_fd(const struct file *f);
/*
 * The terminal ioctls that are about processes (TIOCGPGRP, TIOCSPGRP, TIOCGSID,
 * TIOCSCTTY, TIOCNOTTY, ...) go to this function; -ENOTTY while there is none.
 */
void hostfile_set_tty_hook(int64_t (*ioctl)(struct file *f, const struct ioctl_args *a));
/* Ends the poller thread, if one was started; at the end of the sandbox. */
void hostfile_shutdown(void);
