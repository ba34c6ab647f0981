/* SPDX-License-Identifier: Apache-2.0 */
/* Moving slots in and out of pipes: see pipe.h for who holds what meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/pipe/private.h"

enum { ROOM_MAX = 64 * PAGE_SIZE };

ssize_t pipe_take(struct pipe *p, size_t size, struct pipe_taken *out)
{
	*out = (struct pipe_taken){.bufs = NULL};
	lock(&p->lock);
	ssize_t ret = p->count > 0 ? 0 : p->writers > 0 ? -EAGAIN : 0;
	if (p->count > 0) {
		out->bufs = malloc(p->count * sizeof *out->bufs);
		ret = out->bufs ? 0 : -ENOMEM;
	}
	while (out->bufs && p->count > 0 && out->size < size) {
		struct pipe_buf *b = ring_at(p, 0);
		out->bufs[out->count++] = *b;
		out->size += b->len;
		p->head = (p->head + 1) & (p->slots - 1);
		p->count--;
		p->reserved++;
	}
	out->size = min_u64(out->size, size);
	unlock(&p->lock);
	return ret < 0 ? ret : (ssize_t)out->size;
}

const char *pipe_taken_piece(const struct pipe_taken *t, unsigned i, size_t *out_size)
{
	size_t before = 0;
	for (unsigned n = 0; n < i; n++)
		before += t->bufs[n].len;
	*out_size = min_u64(t->bufs[i].len, t->size - before);
	return t->bufs[i].chunk->data + t->bufs[i].off;
}

void pipe_untake(struct pipe *p, struct pipe_taken *t, size_t used)
{
	unsigned first = 0;
	lock(&p->lock);
	bool was_full = ring_room(p) == 0;
	p->reserved -= t->count;
	for (; first < t->count && used >= t->bufs[first].len; first++) {
		used -= t->bufs[first].len;
		chunk_put(p, t->bufs[first].chunk);
	}
	for (unsigned i = t->count; i-- > first;) {
		struct pipe_buf b = t->bufs[i];
		if (i == first) {
			b.off += (uint32_t)used;
			b.len -= (uint32_t)used;
		}
		p->head = (p->head - 1) & (p->slots - 1);
		p->count++;
		*ring_at(p, 0) = b;
	}
	bool readable = p->count > 0, room = was_full && ring_room(p) > 0;
	unlock(&p->lock);
	free(t->bufs);
	t->bufs = NULL;
	if (room)
		pipe_wake_writers(p);
	/* Readers found nothing while the slots were away. */
	if (first < t->count && readable)
		pipe_wake_readers(p);
}

int pipe_reserve(struct pipe *p, size_t size, struct pipe_room *out)
{
	lock(&p->lock);
	uint64_t room = (uint64_t)ring_room(p) * PAGE_SIZE;
	int err = p->readers == 0 ? -EPIPE : room == 0 ? -EAGAIN : 0;
	if (err == 0) {
		out->size = min_u64(min_u64(size, room), ROOM_MAX);
		out->slots = (unsigned)(PAGE_ALIGN(out->size) >> PAGE_SHIFT);
		out->chunk = chunk_new(PAGE_ALIGN(out->size));
		if (out->chunk) {
			out->buf = out->chunk->data;
			p->reserved += out->slots;
		} else {
			err = -ENOMEM;
		}
	}
	unlock(&p->lock);
	return err;
}

void pipe_fill(struct pipe *p, struct pipe_room *r, size_t used)
{
	lock(&p->lock);
	p->reserved -= r->slots;
	if (used > 0)
		ring_add(p, r->chunk, used, /*packets=*/false);
	else
		chunk_put(p, r->chunk);
	bool room = ring_room(p) > 0;
	unlock(&p->lock);
	r->chunk = NULL;
	if (used > 0)
		pipe_wake_readers(p);
	if (room)
		pipe_wake_writers(p);
}

/* The first len bytes of b as a slot of its own in `to`. */
static void slot_share(struct pipe *to, struct pipe_buf *b, uint32_t len)
{
	ref_get(&b->chunk->ref);
	b->room = 0; /* two slots now think that the bytes behind are free */
	*ring_at(to, to->count++) = (struct pipe_buf){
		.chunk = b->chunk,
		.off = b->off,
		.len = len,
		.packet = b->packet,
	};
}

static size_t transfer_locked(struct pipe *from, struct pipe *to, size_t size, bool keep)
{
	size_t done = 0;
	for (unsigned i = 0; i < from->count && done < size && ring_room(to) > 0;) {
		struct pipe_buf *b = ring_at(from, i);
		uint32_t len = (uint32_t)min_u64(b->len, size - done);
		slot_share(to, b, len);
		done += len;
		if (keep) {
			i++;
			continue;
		}
		b->off += len;
		b->len -= len;
		if (b->len == 0)
			ring_drop_first(from);
	}
	return done;
}

ssize_t pipe_transfer(struct pipe *from, struct pipe *to, size_t size, bool keep)
{
	ssize_t ret;
	lock_pair(&from->lock, &to->lock);
	bool was_full = ring_room(from) == 0;
	if (to->readers == 0)
		ret = -EPIPE;
	else if (from->count == 0)
		ret = from->writers > 0 ? -EAGAIN : 0;
	else if (ring_room(to) == 0)
		ret = -EAGAIN;
	else
		ret = (ssize_t)transfer_locked(from, to, size, keep);
	bool room = was_full && ring_room(from) > 0;
	unlock_pair(&from->lock, &to->lock);
	if (ret > 0)
		pipe_wake_readers(to);
	if (room)
		pipe_wake_writers(from);
	return ret;
}
