/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "platform/host.h"
#include "sentry/fs/memfs/bounce.h"
#include "sentry/fs/memfs/content.h"
#include "sentry/sync/waitq.h"

static const char zeros[16 * PAGE_SIZE];

struct object *object_alloc(void)
{
	struct object *o = calloc(1, sizeof *o);
	if (o)
		*o = (struct object){
			.fd = -1, .readonly = -1, .before = {-1, -1}, .mapped_from = UINT64_MAX};
	return o;
}

void object_free(struct object *o, struct budget *b)
{
	host_close(o->fd);
	host_close(o->readonly);
	host_close(o->before[0]);
	host_close(o->before[1]);
	uint64_t charged = pageset_remove(&o->charged, 0, UINT64_MAX);
	if (b)
		budget_give(b, charged);
	pageset_remove(&o->data, 0, UINT64_MAX);
	free(o);
}

static ssize_t object_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pread(((struct object *)arg)->fd, buf, n, (int64_t)off);
}

static ssize_t object_drain(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pwrite(((struct object *)arg)->fd, buf, n, (int64_t)off);
}

ssize_t object_read(struct object *o, struct uio *u, uint64_t off, size_t size)
{
	return bounce_read(u, off, size, object_fill, o);
}

static uint64_t last_page(uint64_t off, uint64_t size)
{
	return (off + size - 1) >> PAGE_SHIFT;
}

int object_charge(struct object *o, struct budget *b, uint64_t off, uint64_t size)
{
	if (size == 0)
		return 0;
	uint64_t first = off >> PAGE_SHIFT, last = last_page(off, size);
	uint64_t more = last - first + 1 - pageset_within(&o->charged, first, last);
	if (more == 0)
		return 0;
	/* The limit first: it bounds the set. */
	int err = budget_take(b, more);
	if (err == 0 && (err = pageset_add(&o->charged, first, last)) < 0)
		budget_give(b, more);
	return err;
}

ssize_t object_write(struct object *o, struct budget *b, struct uio *u, uint64_t off, size_t size)
{
	int err = object_charge(o, b, off, size);
	if (err == 0 && size > 0)
		err = pageset_add(&o->data, off >> PAGE_SHIFT, last_page(off, size));
	return err < 0 ? err : bounce_write(u, off, size, object_drain, o);
}

int object_resize(struct object *o, struct budget *b, uint64_t length)
{
	int err = host_ftruncate(o->fd, length);
	uint64_t keep = PAGE_ALIGN(length) >> PAGE_SHIFT;
	if (err < 0)
		return err;
	budget_give(b, pageset_remove(&o->charged, keep, UINT64_MAX));
	pageset_remove(&o->data, keep, UINT64_MAX);
	return 0;
}

/* The next page from `page` on that may hold other than zeros. */
static uint64_t next_suspect(const struct object *o, uint64_t page)
{
	uint64_t written = pageset_next(&o->data, page);
	uint64_t mapped = o->mapped_from == UINT64_MAX
				  ? PAGESET_NONE
				  : max_u64(page, o->mapped_from >> PAGE_SHIFT);
	return min_u64(written, mapped);
}

/* What takes long (a sparse file may be larger than any memory) ends with a signal. */
static bool disturbed(unsigned *pieces)
{
	return ++*pieces % 1024 == 0 && waiter_signalled(waiter_self());
}

/* All that may be other than zeros. */
static int copy_to(const struct object *o, int to, uint64_t length)
{
	autofree char *buf = malloc(sizeof zeros);
	unsigned pieces = 0;
	if (!buf)
		return -ENOMEM;
	for (uint64_t off = 0, page; off < length; off = page << PAGE_SHIFT) {
		page = next_suspect(o, off >> PAGE_SHIFT);
		if (page == PAGESET_NONE || (off = page << PAGE_SHIFT) >= length)
			break;
		ssize_t n =
			host_pread(o->fd, buf, min_u64(length - off, sizeof zeros), (int64_t)off);
		if (n > 0 && memcmp(buf, zeros, (size_t)n) != 0 &&
		    host_pwrite(to, buf, (size_t)n, (int64_t)off) != n)
			return -ENOMEM;
		if (n <= 0 || disturbed(&pieces))
			return n <= 0 ? (int)n : -EINTR;
		page = PAGE_ALIGN(off + (uint64_t)n) >> PAGE_SHIFT;
	}
	return 0;
}

int object_renew(struct object *o, uint64_t length)
{
	int fd;
	/* Its descriptor for writing has never left us; or has not since. */
	if (o->mapped_from == UINT64_MAX || o->before[0] >= 0)
		return 0;
	int err = host_memfd("vedette", &fd);
	if (err < 0)
		return err;
	if ((err = host_ftruncate(fd, length)) == 0)
		err = copy_to(o, fd, length);
	if (err < 0) {
		host_close(fd);
		return err;
	}
	o->before[0] = o->fd;
	o->before[1] = o->readonly;
	o->fd = fd;
	o->readonly = -1;
	return 0;
}

int object_readonly(struct object *o)
{
	int err = o->readonly < 0 ? host_readonly(o->fd, &o->readonly) : 0;
	return err < 0 ? err : o->readonly;
}

void object_mapped(struct object *o, uint64_t off)
{
	o->mapped_from = min_u64(o->mapped_from, off & PAGE_MASK);
}

/*
 * What is zero already is only read: a hole that is written becomes memory, of a
 * sparse file more than the host has.
 */
int object_zero(struct object *o, uint64_t off, uint64_t size)
{
	autofree char *buf = malloc(sizeof zeros);
	uint64_t start = off, end = off + size;
	unsigned pieces = 0;
	if (!buf)
		return -ENOMEM;
	for (uint64_t page;
	     off < end && (page = next_suspect(o, off >> PAGE_SHIFT)) != PAGESET_NONE;) {
		off = max_u64(off, page << PAGE_SHIFT);
		if (off >= end)
			break;
		ssize_t n = host_pread(o->fd, buf, min_u64(end - off, sizeof zeros), (int64_t)off);
		if (n > 0 && memcmp(buf, zeros, (size_t)n) != 0)
			n = host_pwrite(o->fd, zeros, (size_t)n, (int64_t)off);
		if (n <= 0)
			return (int)n;
		off += (uint64_t)n;
		if (disturbed(&pieces))
			return -EINTR;
	}
	/* Whole pages only. */
	uint64_t first = PAGE_ALIGN(start) >> PAGE_SHIFT, behind = end >> PAGE_SHIFT;
	if (first < behind)
		pageset_remove(&o->data, first, behind - 1);
	return 0;
}

/* The first page of from..to (mapped, not known to be written) with a byte that is not zero. */
static uint64_t look(const struct object *o, uint64_t from, uint64_t to, unsigned *pieces)
{
	char buf[4 * PAGE_SIZE]; /* on a small stack */
	while (from < to) {
		size_t want = min_u64((to - from) << PAGE_SHIFT, sizeof buf);
		ssize_t n = host_pread(o->fd, buf, want, (int64_t)(from << PAGE_SHIFT));
		if (n <= 0 || disturbed(pieces))
			break;
		memset(buf + n, 0, sizeof buf - (size_t)n);
		for (size_t at = 0; at < (size_t)n; at += PAGE_SIZE)
			if (memcmp(buf + at, zeros, PAGE_SIZE) != 0)
				return from + at / PAGE_SIZE;
		from += PAGE_ALIGN((uint64_t)n) >> PAGE_SHIFT;
	}
	return from < to ? PAGESET_NONE : to;
}

static uint64_t seek_data(const struct object *o, uint64_t page, uint64_t end)
{
	unsigned pieces = 0;
	while (page < end && !pageset_has(&o->data, page)) {
		uint64_t next = next_suspect(o, page);
		uint64_t written = min_u64(pageset_next(&o->data, page), end);
		if (next >= end)
			return end;
		if (next == written)
			return written;
		page = look(o, next, written, &pieces);
		/* Found, or nobody knows: data is the answer that is never wrong. */
		if (page != written)
			return page == PAGESET_NONE ? next : page;
	}
	return page;
}

static uint64_t seek_hole(const struct object *o, uint64_t page, uint64_t end)
{
	unsigned pieces = 0;
	while ((page = pageset_gap(&o->data, page)) < end) {
		bool mapped = page >= o->mapped_from >> PAGE_SHIFT;
		uint64_t found = mapped ? look(o, page, page + 1, &pieces) : page + 1;
		if (found == PAGESET_NONE)
			return end;
		if (found != page)
			return page;
		page++;
	}
	return end;
}

uint64_t object_seek(const struct object *o, uint64_t off, uint64_t length, bool data)
{
	uint64_t page = off >> PAGE_SHIFT, end = PAGE_ALIGN(length) >> PAGE_SHIFT;
	page = data ? seek_data(o, page, end) : seek_hole(o, page, end);
	return min_u64(max_u64(off, page << PAGE_SHIFT), length);
}
