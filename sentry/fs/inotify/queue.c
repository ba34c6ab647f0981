/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an instance. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/inotify/private.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/inotify.h"

/* As fs.inotify.max_queued_events. */
enum { EVENTS_MAX = 16384 };

struct note {
	struct list link;
	struct abi_inotify_event head;
	char name[]; /* head.len bytes, padded with NULs */
};

static struct note *note_new(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	size_t size = name ? strlen(name) + 1 : 0;
	size_t len = (size + sizeof(struct abi_inotify_event) - 1) &
		     ~(sizeof(struct abi_inotify_event) - 1);
	struct note *e = calloc(1, sizeof *e + len);
	if (!e)
		return NULL;
	list_init(&e->link);
	e->head = (struct abi_inotify_event){
		.wd = wd, .mask = mask, .cookie = cookie, .len = (uint32_t)len};
	if (size > 0)
		memcpy(e->name, name, size);
	return e;
}

static bool note_same(const struct note *a, const struct note *b)
{
	return memcmp(&a->head, &b->head, sizeof a->head) == 0 &&
	       memcmp(a->name, b->name, a->head.len) == 0;
}

static struct note *queue_last(struct inotify *n)
{
	return list_empty(&n->queue) ? NULL : list_entry(n->queue.prev, struct note, link);
}

static void queue_append(struct inotify *n, struct note *e)
{
	list_append(&n->queue, &e->link);
	n->events++;
	n->bytes += sizeof e->head + e->head.len;
	waitq_wake(&n->wq, EPOLLIN | EPOLLRDNORM);
}

/* Lost for want of memory is told like lost for want of room: by the overflow event. */
void queue_add(struct inotify *n, int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	struct note *last = queue_last(n), *e;
	if (n->events >= EVENTS_MAX) {
		if (last->head.mask == IN_Q_OVERFLOW)
			return;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = 0;
		name = NULL;
	}
	e = note_new(wd, mask, cookie, name);
	if (!e)
		return;
	if (last && note_same(last, e))
		free(e);
	else
		queue_append(n, e);
}

static struct note *queue_take(struct inotify *n, size_t room, bool *out_too_small)
{
	struct note *e = NULL;
	lock(&inotify_lock);
	if (!list_empty(&n->queue)) {
		e = list_first(&n->queue, struct note, link);
		size_t size = sizeof e->head + e->head.len;
		*out_too_small = size > room;
		if (*out_too_small) {
			e = NULL;
		} else {
			list_del(&e->link);
			n->events--;
			n->bytes -= size;
		}
	}
	unlock(&inotify_lock);
	return e;
}

ssize_t inotify_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct inotify *n = f->priv;
	bool too_small = false;
	ssize_t done = 0;
	struct note *e;

	(void)pos;
	while ((e = queue_take(n, u->left, &too_small)) != NULL) {
		ssize_t size = (ssize_t)(sizeof e->head + e->head.len);
		bool ok = uio_put(u, &e->head, (size_t)size) == size;
		free(e);
		if (!ok)
			return done > 0 ? done : -EFAULT;
		done += size;
	}
	if (done > 0)
		return done;
	return too_small ? -EINVAL : -EAGAIN;
}

void queue_free(struct inotify *n)
{
	struct note *e, *next;
	list_for_each_safe (e, next, &n->queue, link)
		free(e);
}

_Static_assert(offsetof(struct note, name) ==
		       offsetof(struct note, head) + sizeof(struct abi_inotify_event),
	       "head and name are read as one");
