/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of a pipe and what is in them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/pipe/private.h"
#include "syscalls/abi/limits.h"

struct chunk *chunk_new(size_t size)
{
	struct chunk *c = malloc(sizeof *c + size);
	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->size = size;
	return c;
}

void chunk_put(struct pipe *p, struct chunk *c)
{
	if (!ref_put(&c->ref))
		return;
	if (p->spare || c->size != PAGE_SIZE) {
		free(c);
		return;
	}
	ref_init(&c->ref);
	p->spare = c;
}

/* A chunk for n bytes: whole pages, so that a later write can go on in the last one. */
static struct chunk *chunk_for(struct pipe *p, size_t n)
{
	if (n <= PAGE_SIZE && p->spare)
		return STEAL(p->spare);
	return chunk_new(PAGE_ALIGN(n));
}

int ring_init(struct pipe *p, unsigned slots)
{
	p->ring = calloc(slots, sizeof *p->ring);
	p->slots = slots;
	return p->ring ? 0 : -ENOMEM;
}

void ring_drop_first(struct pipe *p)
{
	chunk_put(p, ring_at(p, 0)->chunk);
	p->head = (p->head + 1) & (p->slots - 1);
	p->count--;
}

void ring_free(struct pipe *p)
{
	while (p->count > 0)
		ring_drop_first(p);
	free(p->spare);
	free(p->ring);
}

size_t ring_bytes(const struct pipe *p)
{
	size_t n = 0;
	for (unsigned i = 0; i < p->count; i++)
		n += ring_at(p, i)->len;
	return n;
}

int ring_resize(struct pipe *p, unsigned slots)
{
	if (slots < p->count + p->reserved)
		return -EBUSY;
	struct pipe_buf *ring = calloc(slots, sizeof *ring);
	if (!ring)
		return -ENOMEM;
	for (unsigned i = 0; i < p->count; i++)
		ring[i] = *ring_at(p, i);
	free(p->ring);
	p->ring = ring;
	p->head = 0;
	p->slots = slots;
	return 0;
}

/*
 * What does not fill whole pages goes behind the last write if it fits there
 * entirely, as in Linux: a stream of short writes shares slots.
 */
static ssize_t write_behind(struct pipe *p, struct uio *u)
{
	size_t odd = u->left & (PAGE_SIZE - 1);
	if (odd == 0 || p->count == 0)
		return 0;
	struct pipe_buf *b = ring_at(p, p->count - 1);
	if (b->packet || b->room < odd)
		return 0;
	ssize_t n = uio_get(u, b->chunk->data + b->off + b->len, odd);
	if (n >= 0 && (size_t)n < odd) {
		uio_revert(u, (size_t)n);
		return -EFAULT;
	}
	if (n > 0) {
		b->len += (uint32_t)n;
		b->room -= (uint32_t)n;
	}
	return n;
}

void ring_add(struct pipe *p, struct chunk *c, size_t n, bool packets)
{
	for (size_t off = 0; off < n; off += PAGE_SIZE) {
		size_t len = min_u64(n - off, PAGE_SIZE);
		if (off > 0)
			ref_get(&c->ref);
		*ring_at(p, p->count++) = (struct pipe_buf){
			.chunk = c,
			.off = (uint32_t)off,
			.len = (uint32_t)len,
			.room = (uint32_t)(PAGE_SIZE - len),
			.packet = packets,
		};
	}
}

ssize_t ring_write(struct pipe *p, struct uio *u, bool packets)
{
	ssize_t done = 0;
	if (!packets) {
		done = write_behind(p, u);
		if (done < 0 || u->left == 0)
			return done;
	}
	size_t n = min_u64(u->left, (uint64_t)ring_room(p) * PAGE_SIZE);
	if (n == 0)
		return done > 0 ? done : -EAGAIN;
	struct chunk *c = chunk_for(p, n);
	if (!c)
		return done > 0 ? done : -ENOMEM;
	ssize_t got = uio_get(u, c->data, n);
	/* Linux copies page by page, and a page that faults half way is not written at all. */
	if (got > 0 && (size_t)got < n) {
		size_t odd = (size_t)got & (PAGE_SIZE - 1);
		uio_revert(u, odd);
		got -= (ssize_t)odd;
		if (got == 0)
			got = -EFAULT;
	}
	if (got <= 0) {
		chunk_put(p, c);
		return done > 0 ? done : got;
	}
	ring_add(p, c, (size_t)got, packets);
	return done + got;
}

/* Bytes from the front that lie in a row in memory. */
static size_t front_run(const struct pipe *p, size_t size)
{
	const struct pipe_buf *first = ring_at(p, 0);
	size_t n = first->len;
	for (unsigned i = 1; i < p->count && n < size; i++) {
		const struct pipe_buf *b = ring_at(p, i);
		if (b->chunk != first->chunk || b->off != first->off + n || b->packet)
			break;
		n += b->len;
	}
	return min_u64(n, size);
}

static void front_consume(struct pipe *p, size_t n)
{
	while (n > 0) {
		struct pipe_buf *b = ring_at(p, 0);
		size_t len = min_u64(n, b->len);
		b->off += (uint32_t)len;
		b->len -= (uint32_t)len;
		n -= len;
		if (b->len == 0)
			ring_drop_first(p);
	}
}

/* How much of the first n bytes lies in whole buffers. */
static size_t whole_buffers(const struct pipe *p, size_t n)
{
	size_t whole = 0;
	for (unsigned i = 0; i < p->count && whole + ring_at(p, i)->len <= n; i++)
		whole += ring_at(p, i)->len;
	return whole;
}

ssize_t ring_read(struct pipe *p, struct uio *u)
{
	size_t done = 0;
	while (p->count > 0 && u->left > 0) {
		struct pipe_buf *b = ring_at(p, 0);
		bool packet = b->packet;
		size_t n = packet ? min_u64(b->len, u->left) : front_run(p, u->left);
		ssize_t put = uio_put(u, b->chunk->data + b->off, n);
		/* A buffer that cannot be copied out whole stays: a fault takes nothing. */
		if (put >= 0 && (size_t)put < n) {
			size_t whole = packet ? 0 : whole_buffers(p, (size_t)put);
			uio_revert(u, (size_t)put - whole);
			put = whole > 0 ? (ssize_t)whole : -EFAULT;
		}
		if (put < 0)
			return done > 0 ? (ssize_t)done : put;
		front_consume(p, packet ? b->len : (size_t)put);
		done += (size_t)put;
		if (packet || (size_t)put < n)
			break;
	}
	return (ssize_t)done;
}
