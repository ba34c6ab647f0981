/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a FIFO.  Each end waits until the other one has been opened since:
 * it counts opens and does not look at who is there now, because the other end
 * may be gone again before the sleeper runs.
 */
#include "sentry/fs/pipe/fifo.h"

#include <errno.h>

#include "sentry/fs/pipe/private.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

static unsigned opens_now(struct pipe *p, bool writers)
{
	lock(&p->lock);
	unsigned n = writers ? p->w_opens : p->r_opens;
	unlock(&p->lock);
	return n;
}

/* This end is already counted.  seen: opens of the other end when it was. */
static int wait_partner(struct pipe *p, bool for_writer, unsigned seen)
{
	return waitq_sleep(&p->wq, 0, WAIT_INTR, WAIT_FOREVER, opens_now(p, for_writer) != seen);
}

/*
 * Counts the ends; *out_seen and *out_alone say whom to wait for.  -ENXIO.
 * An unnamed pipe, opened again through /proc/PID/fd, waits for nobody: its other
 * end may have come and gone already ("diff <(a) <(b)" in bash).
 */
static int ends_open(struct pipe *p, uint32_t flags, bool named, unsigned *out_seen,
		     bool *out_alone)
{
	bool reads = (flags & O_ACCMODE) != O_WRONLY, writes = (flags & O_ACCMODE) != O_RDONLY;
	lock(&p->lock);
	if (named && !reads && p->readers == 0 && (flags & O_NONBLOCK)) {
		unlock(&p->lock);
		return -ENXIO;
	}
	*out_alone = named && reads != writes && (reads ? p->writers : p->readers) == 0;
	*out_seen = reads ? p->w_opens : p->r_opens;
	unlock(&p->lock);
	pipe_add_ends(p, reads, writes);
	return 0;
}

static int pipe_open(struct pipe *p, struct inode *i, struct path path, const struct cred *cred,
		     uint32_t flags, struct file **out)
{
	bool reads = (flags & O_ACCMODE) != O_WRONLY, writes = (flags & O_ACCMODE) != O_RDONLY;
	unsigned seen;
	bool alone;
	int err = ends_open(p, flags, i->ops != &pipe_inode_ops, &seen, &alone);
	if (err < 0)
		return err;
	if (alone && !(flags & O_NONBLOCK))
		err = wait_partner(p, /*for_writer=*/reads, seen);
	if (err == 0)
		err = file_new(&pipe_file_ops, FILE_PIPE, p, path, inode_get(i), cred, flags, out);
	if (err < 0) {
		pipe_drop_ends(p, reads, writes);
		return err;
	}
	(*out)->wq = &p->wq;
	/* A reader without writers that did not wait: no hang-up until one has come and gone. */
	(*out)->dir_cookie = alone && reads && (flags & O_NONBLOCK) ? seen : seen - 1;
	return 0;
}

int fifo_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	      struct file **out)
{
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	struct pipe *p = pipe_attach(i);
	if (!p)
		return -ENOMEM;
	int err = pipe_open(p, i, path, cred, flags, out);
	if (err < 0)
		pipe_detach(i);
	return err;
}
