/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes: pipe(7).
 *
 * A pipe is a ring of slots of at most a page each, as in Linux, because
 * programs can tell: capacity, PIPE_BUF, poll and F_GETPIPE_SZ all count slots.
 * The bytes of one big write lie in one chunk of memory that several slots
 * point into, so that they are copied from and to the guest by one host call.
 *
 * Both ends share one struct pipe, which lives as long as an end is open; it
 * hangs on inode->bound of the FIFO or of the nameless inode of both ends.
 */
#pragma once

#include "sentry/vfs/inode.h"

struct pipe;

enum { PIPE_DEFAULT_SLOTS = 16, PIPE_MAX_SIZE = 1 << 20 };

/* /proc/sys/fs/pipe-max-size: what F_SETPIPE_SZ gives without CAP_SYS_RESOURCE. */
uint32_t pipe_max_size(void);
/* Rounded up to what a pipe can have; -EINVAL. */
int pipe_max_size_set(uint64_t size);

/* pipe2(2): flags O_NONBLOCK, O_DIRECT.  -ENFILE, -ENOMEM. */
int pipe_new(const struct cred *cred, uint32_t flags, struct file **out_read,
	     struct file **out_write);
/* The pipe behind f, or NULL if f is none (or O_PATH). */
struct pipe *pipe_of(const struct file *f);
/* F_GETPIPE_SZ and F_SETPIPE_SZ: bytes, or -EBADF (no pipe), -EBUSY, -EPERM, -EINVAL. */
long pipe_get_size(const struct file *f);
long pipe_set_size(struct file *f, uint64_t size, const struct cred *cred);

/*
 * For splice(2) and its relatives, which must neither sleep with a lock nor lose
 * bytes.  A source hands out whole slots (pipe_take) and gets back what its
 * target did not want; a target hands out memory (pipe_reserve) before anything
 * is read that could not be put back.  Slots in somebody's hands stay reserved.
 */
struct pipe_taken {
	struct pipe_buf *bufs;
	unsigned count;
	size_t size;	/* bytes that may be used */
};
/* Up to `size` bytes from the front: bytes, 0 at the end, -EAGAIN, -ENOMEM. */
ssize_t pipe_take(struct pipe *p, size_t size, struct pipe_taken *out);
/* The i-th piece, i < count. */
const char *pipe_taken_piece(const struct pipe_taken *t, unsigned i, size_t *out_size);
/* The first `used` bytes are gone; the rest goes back to the front.  Frees t. */
void pipe_untake(struct pipe *p, struct pipe_taken *t, size_t used);

struct pipe_room {
	char *buf;
	size_t size;
	struct chunk *chunk;
	unsigned slots;
};
/* Room for up to `size` bytes: 0, -EAGAIN, -EPIPE, -ENOMEM. */
int pipe_reserve(struct pipe *p, size_t size, struct pipe_room *out);
/* The first `used` bytes of the room are the pipe's now; the rest is free again. */
void pipe_fill(struct pipe *p, struct pipe_room *r, size_t used);
/*
 * Pipe to pipe without copying: moves (or with `keep` shares: tee) up to size
 * bytes.  Bytes, 0 when the source is at its end, -EAGAIN, -EPIPE.  from != to.
 */
ssize_t pipe_transfer(struct pipe *from, struct pipe *to, size_t size, bool keep);
