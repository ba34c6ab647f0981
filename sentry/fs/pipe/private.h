/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "platform/base/ref.h"
#include "sentry/fs/pipe/pipe.h"
#include "sentry/sync/waitq.h"

struct chunk {
	struct ref ref;	/* a: slots that point into it */
	size_t size;
	char data[];
};

struct pipe_buf {
	struct chunk *chunk;	/* our reference */
	uint32_t off, len;
	uint32_t room;		/* bytes behind off + len for a later write; 0 if shared */
	bool packet;		/* O_DIRECT: read as a whole or lost */
};

struct pipe {
	struct inode *inode;	/* I  not referenced: ends reference it */
	unsigned files;		/* inode's lock: open ends, and opens under way */
	struct lock lock;	/* RANK_PIPE; pairs by address */
	struct pipe_buf *ring;	/* lock */
	unsigned slots;		/* lock: size of ring, a power of two */
	unsigned head, count;	/* lock: first used slot, used slots */
	unsigned reserved;	/* lock: free slots that belong to a splice under way */
	unsigned readers, writers; /* lock */
	unsigned r_opens, w_opens; /* lock: how often an end was opened, for fifo_open */
	struct chunk *spare;	/* lock: a page for the next small write */
	struct waitq wq;	/* readers wait for EPOLLIN, writers for EPOLLOUT */
};

/* ring.c: all with p->lock held. */
int ring_init(struct pipe *p, unsigned slots);
void ring_free(struct pipe *p);
static inline struct pipe_buf *ring_at(const struct pipe *p, unsigned i)
{
	return &p->ring[(p->head + i) & (p->slots - 1)];
}
static inline unsigned ring_room(const struct pipe *p)
{
	return p->slots - p->count - p->reserved;
}
ssize_t ring_write(struct pipe *p, struct uio *u, bool packets);
ssize_t ring_read(struct pipe *p, struct uio *u);
size_t ring_bytes(const struct pipe *p);
int ring_resize(struct pipe *p, unsigned slots);
/* Slots for n bytes of c, which there is room for.  Takes over one reference to c. */
void ring_add(struct pipe *p, struct chunk *c, size_t n, bool packets);
void ring_drop_first(struct pipe *p);
struct chunk *chunk_new(size_t size);
void chunk_put(struct pipe *p, struct chunk *c);

/* pipe.c */
extern const struct file_ops pipe_file_ops;
extern const struct inode_ops pipe_inode_ops;
/* The pipe of an inode, made if there is none; counts a file.  NULL: no memory. */
struct pipe *pipe_attach(struct inode *i);
void pipe_detach(struct inode *i);
/* An end appears or goes (p->lock not held). */
void pipe_add_ends(struct pipe *p, bool reads, bool writes);
void pipe_drop_ends(struct pipe *p, bool reads, bool writes);
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
