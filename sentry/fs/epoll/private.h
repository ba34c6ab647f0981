/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "platform/base/ref.h"
#include "sentry/fs/epoll/epoll.h"

struct epoll {
	struct lock lock;	/* RANK_EPOLL_READY */
	struct list ready;	/* lock: epitem.ready */
	size_t ready_count;	/* lock */
	uint64_t rounds;	/* lock: collections begun, to see an item once in each */
	struct waitq sleepers;	/* who waits in epoll_collect, exclusively */
	struct waitq wq;	/* who polls this epoll, other epolls too */
	struct file *file;	/* I  not referenced: we are its priv */
	struct epitem **table;	/* interest lock: by (file, fd) */
	size_t table_size, count; /* interest lock */
	struct list items;	/* interest lock: epitem.all */
	uint64_t mark;		/* interest lock: the search that has seen it, */
	unsigned mark_depth;	/* and what it found */
};

struct epitem {
	struct ref ref;		/* a: the table; who asks its file just now */
	struct epoll *ep;	/* I */
	struct file *file;	/* I  not referenced, see epoll.h */
	int fd;			/* I */
	struct epitem *hash_next; /* interest lock */
	struct list all;	/* interest lock: in ep->items */
	struct list of_file;	/* interest lock: in file->epolls */
	struct wait_entry entry;
	/* All below: ep->lock */
	struct list ready;
	bool queued;		/* in ep->ready */
	bool armed;		/* false: EPOLLONESHOT has fired */
	bool removed;		/* must not be queued again */
	uint32_t events;	/* EPOLL* asked for, flags included */
	uint64_t data;
	uint32_t generation;	/* wake-ups so far: was there one while we asked? */
	uint64_t round;
};

extern struct lock epoll_interest;

/* table.c: interest lock held. */
struct epitem *item_find(struct epoll *ep, const struct file *f, int fd);
int item_insert(struct epoll *ep, struct epitem *it);
void item_remove(struct epitem *it);
void item_put(struct epitem *it);
bool epoll_would_loop(struct epoll *ep, struct epoll *target);

/* ready.c */
extern const uint32_t epoll_flag_bits;
bool item_woken(struct wait_entry *e, uint32_t events);
/* Puts the item on the ready list and wakes who waits; no lock held. */
void item_ready(struct epitem *it);
uint32_t epoll_poll(struct file *f);
