/* SPDX-License-Identifier: Apache-2.0 */
/* Which items there are. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/epoll/private.h"

enum { TABLE_MIN = 8, DEPTH_MAX = 5 };

struct lock epoll_interest = LOCK_INIT(RANK_EPOLL);

static size_t bucket(const struct file *f, int fd, size_t size)
{
	uint64_t h = ((uintptr_t)f >> 4) ^ ((uint64_t)(unsigned)fd << 20);
	return (h * 0x9e3779b97f4a7c15ull >> 32) & (size - 1);
}

struct epitem *item_find(struct epoll *ep, const struct file *f, int fd)
{
	if (!ep->table)
		return NULL;
	struct epitem *it = ep->table[bucket(f, fd, ep->table_size)];
	while (it && (it->file != f || it->fd != fd))
		it = it->hash_next;
	return it;
}

static void table_add(struct epitem **table, size_t size, struct epitem *it)
{
	struct epitem **b = &table[bucket(it->file, it->fd, size)];
	it->hash_next = *b;
	*b = it;
}

static int table_grow(struct epoll *ep)
{
	size_t size = ep->table_size ? ep->table_size * 2 : TABLE_MIN;
	struct epitem *it, **table;
	if (ep->count < ep->table_size)
		return 0;
	table = calloc(size, sizeof(struct epitem *));
	if (!table)
		return -ENOMEM;
	list_for_each (it, &ep->items, all)
		table_add(table, size, it);
	free(ep->table);
	ep->table = table;
	ep->table_size = size;
	return 0;
}

int item_insert(struct epoll *ep, struct epitem *it)
{
	int err = table_grow(ep);
	if (err < 0)
		return err;
	table_add(ep->table, ep->table_size, it);
	list_append(&ep->items, &it->all);
	list_append(&it->file->epolls, &it->of_file);
	__atomic_store_n(&it->file->watched, true, __ATOMIC_RELAXED);
	ep->count++;
	waitq_add(it->file->wq, &it->entry);
	return 0;
}

void item_put(struct epitem *it)
{
	if (ref_put(&it->ref))
		free(it);
}

void item_remove(struct epitem *it)
{
	struct epoll *ep = it->ep;
	struct epitem **p = &ep->table[bucket(it->file, it->fd, ep->table_size)];
	while (*p != it)
		p = &(*p)->hash_next;
	*p = it->hash_next;
	list_del(&it->all);
	ep->count--;
	waitq_remove(&it->entry);
	lock(&ep->lock);
	if (it->queued) {
		list_del(&it->ready);
		it->queued = false;
		ep->ready_count--;
	}
	it->armed = false;
	it->removed = true;
	unlock(&ep->lock);
	list_del(&it->of_file);
	item_put(it);
}

static uint64_t marks; /* interest lock: searches so far */

/* Epolls in the longest chain from ep downwards; more than DEPTH_MAX if `stop` is among them. */
static unsigned depth_below(struct epoll *ep, const struct epoll *stop, uint64_t mark)
{
	unsigned deepest = 0;
	struct epitem *it;
	if (ep == stop)
		return DEPTH_MAX + 1;
	if (ep->mark == mark)
		return ep->mark_depth;
	list_for_each (it, &ep->items, all) {
		if (it->file->kind != FILE_EPOLL)
			continue;
		unsigned d = depth_below(it->file->priv, stop, mark);
		deepest = d > deepest ? d : deepest;
	}
	ep->mark = mark;
	ep->mark_depth = deepest + 1;
	return deepest + 1;
}

static unsigned depth_above(struct epoll *ep, uint64_t mark)
{
	unsigned highest = 0;
	struct epitem *it;
	if (ep->mark == mark)
		return ep->mark_depth;
	list_for_each (it, &ep->file->epolls, of_file) {
		unsigned d = depth_above(it->ep, mark);
		highest = d > highest ? d : highest;
	}
	ep->mark = mark;
	ep->mark_depth = highest + 1;
	return highest + 1;
}

/* What there is has no loop and is at most DEPTH_MAX deep, so the recursion is, too. */
bool epoll_would_loop(struct epoll *ep, struct epoll *target)
{
	unsigned below = depth_below(target, ep, ++marks);
	return below + depth_above(ep, ++marks) > DEPTH_MAX;
}
