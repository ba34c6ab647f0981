/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/gofer/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "platform/base/list.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/host.h"
#include "sentry/fs/gofer/client.h"
#include "syscalls/abi/inotify.h"

enum { WATCH_HASH = 1024, WATCHES_MAX = 8192, NAMES = 64, READ_SIZE = 4096 };

struct watch {
	struct ref ref;	       /* one of the table's while it is in it */
	struct watch *next;    /* lock */
	int wd;		       /* I */
	bool gone;	       /* a */
	uint32_t all;	       /* a: nobody knows what was missed */
	uint32_t self;	       /* a */
	uint32_t names[NAMES]; /* a */
};

struct watches {
	int fd;				 /* I */
	struct lock lock;		 /* RANK_LEAF: reading, and the table */
	struct watch *table[WATCH_HASH]; /* lock */
	unsigned count;			 /* lock */
	uint32_t lost;			 /* a: the queue overflowed */
};

int watches_new(struct gofer *g, struct watches **out)
{
	*out = NULL;
	int fd = gofer_notify(g);
	if (fd < 0)
		return 0;
	struct watches *ws = calloc(1, sizeof *ws);
	if (!ws) {
		host_close(fd);
		return -ENOMEM;
	}
	ws->fd = fd;
	lock_init(&ws->lock, RANK_LEAF);
	*out = ws;
	return 0;
}

static struct watch **slot(struct watches *ws, int wd)
{
	struct watch **p = &ws->table[(unsigned)wd % WATCH_HASH];
	while (*p && (*p)->wd != wd)
		p = &(*p)->next;
	return p;
}

static void put(struct watch *w)
{
	if (ref_put(&w->ref))
		free(w);
}

struct watch *watch_get(struct watch *w)
{
	ref_get(&w->ref);
	return w;
}

void watch_put(struct watch *w)
{
	if (w)
		put(w);
}

void watches_free(struct watches *ws)
{
	if (!ws)
		return;
	for (size_t i = 0; i < WATCH_HASH; i++) {
		for (struct watch *w = ws->table[i], *next; w; w = next) {
			next = w->next;
			put(w);
		}
	}
	host_close(ws->fd);
	free(ws);
}

struct watch *watch_path(struct watches *ws, struct gofer *g, unsigned root, const char *path)
{
	struct watch *w = NULL;
	lock(&ws->lock);
	bool full = ws->count >= WATCHES_MAX;
	unlock(&ws->lock);
	int wd = full ? -ENOSPC : gofer_watch(g, root, path);
	struct watch *fresh = wd < 0 ? NULL : calloc(1, sizeof *fresh);
	if (!fresh)
		return NULL;
	ref_init(&fresh->ref);
	fresh->wd = wd;
	lock(&ws->lock);
	struct watch **p = slot(ws, wd);
	if (!*p) {
		*p = fresh;
		ws->count++;
		fresh = NULL;
	}
	w = *p;
	ref_get(&w->ref);
	unlock(&ws->lock);
	free(fresh);
	return w;
}

static uint32_t name_slot(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return (h ^ h >> 15) % NAMES;
}

static void count(uint32_t *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELEASE);
}

static void take_locked(struct watches *ws, const struct abi_inotify_event *e, const char *name)
{
	if (e->mask & IN_Q_OVERFLOW) {
		count(&ws->lost);
		return;
	}
	struct watch **p = slot(ws, e->wd), *w = *p;
	if (!w)
		return;
	if (e->len > 0)
		count(&w->names[name_slot(name)]);
	if (e->len == 0 || (e->mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)))
		count(&w->self);
	if (!(e->mask & (IN_IGNORED | IN_UNMOUNT)))
		return;
	count(&w->all);
	if (e->mask & IN_IGNORED) {
		__atomic_store_n(&w->gone, true, __ATOMIC_RELEASE);
		*p = w->next;
		ws->count--;
		put(w);
	}
}

/* The kernel's own words, but the gofer gave us the descriptor: nothing is believed unchecked. */
static bool take_all_locked(struct watches *ws, const char *buf, size_t size)
{
	struct abi_inotify_event e;
	for (size_t at = 0; at < size; at += sizeof e + e.len) {
		if (size - at < sizeof e)
			return false;
		memcpy(&e, buf + at, sizeof e);
		if (e.len > size - at - sizeof e ||
		    (e.len > 0 && !memchr(buf + at + sizeof e, 0, e.len)))
			return false;
		take_locked(ws, &e, buf + at + sizeof e);
	}
	return true;
}

void watches_read(struct watches *ws)
{
	char buf[READ_SIZE];
	const struct iovec iov = {.iov_base = buf, .iov_len = sizeof buf};
	ssize_t n;

	lock(&ws->lock);
	while ((n = host_readv(ws->fd, &iov, 1)) > 0)
		if (!take_all_locked(ws, buf, (size_t)n))
			count(&ws->lost);
	/* A queue that is no queue any more tells nothing. */
	if (n != -EAGAIN)
		count(&ws->lost);
	unlock(&ws->lock);
}

uint64_t watch_stamp(const struct watches *ws, const struct watch *w, const char *name)
{
	const uint32_t *n = name ? &w->names[name_slot(name)] : &w->self;
	uint64_t all = (uint64_t)__atomic_load_n(&w->all, __ATOMIC_ACQUIRE) +
		       __atomic_load_n(&ws->lost, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&w->gone, __ATOMIC_ACQUIRE))
		return 0;
	return all << 33 | (uint64_t)__atomic_load_n(n, __ATOMIC_ACQUIRE) << 1 | 1;
}
