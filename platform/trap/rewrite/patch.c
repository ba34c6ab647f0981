/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing text and islands.
 *
 * Always in a window in which the pages cannot be executed (rewrite.h says
 * why).  Sites are known before it closes, so whoever meets a jump or a middle is
 * known.  A batch has one window for all: two commands of the stub and two
 * copies, however many sites there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "platform/base/cleanup.h"
#include "platform/trap/rewrite/cache.h"
#include "platform/trap/rewrite/window.h"

enum { BATCH_MAX = REWRITE_VECTOR / 2 };

/* Sites that are rewritten, or put back, together. */
struct batch {
	struct rewrite *r;
	struct ctx *by;
	const struct rewrite_req *req;
	unsigned count;
	struct window window;
	struct member {
		struct place place;
		uint32_t number; /* of the site */
		bool fresh;	 /* its island is to be written */
		uint8_t text[PLAN_BYTES], island[ISLAND_MAX];
	} members[BATCH_MAX];
};

/* A site of the same plan that was undone: its island is still good. */
static bool site_again(struct rewrite *r, const struct place *p, uint32_t *out)
{
	struct table *t = r->table;
	for (uint32_t i = site_from(t, p->call); t && i < t->count; i++) {
		struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) > p->call)
			break;
		*out = t->by_text[i];
		if (s->place.call == p->call && s->place.plan == p->plan && s->state == SITE_DEAD)
			return true;
	}
	return false;
}

/* -EALREADY: it is live itself, through a batch of another. */
static int overlaps_live(struct rewrite *r, const struct place *place)
{
	struct table *t = r->table;
	for (uint32_t i = site_from(t, place_start(place)); t && i < t->count; i++) {
		const struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) >= place_end(place))
			break;
		if (s->state == SITE_LIVE && place_end(&s->place) > place_start(place))
			return s->place.call == place->call ? -EALREADY : -EOPNOTSUPP;
	}
	return 0;
}

static int batch_add(struct batch *b, const struct plan *plan, uaddr_t call)
{
	const struct place p = {.plan = plan, .call = call};
	uaddr_t end = max_u64(place_end(&p), call + CALL_SIZE);
	if (place_start(&p) < b->req->start || end > b->req->end)
		return -EOPNOTSUPP;
	int err = overlaps_live(b->r, &p);
	if (err == 0)
		b->members[b->count++].place = p;
	return err;
}

static void member_drop(struct batch *b, unsigned i)
{
	b->members[i] = b->members[--b->count];
}

/* What is not what the file says falls out. */
static int batch_check(struct batch *b)
{
	struct rewrite_bytes v[BATCH_MAX];
	for (unsigned i = 0; i < b->count; i++) {
		struct member *m = &b->members[i];
		v[i] = (struct rewrite_bytes){place_start(&m->place), m->text, m->place.plan->size};
	}
	int err = rewrite_host->read(b->by, v, b->count);
	for (unsigned i = b->count; i-- > 0 && err == 0;) {
		const struct plan *plan = b->members[i].place.plan;
		if (memcmp(b->members[i].text, plan->old, plan->size))
			member_drop(b, i);
	}
	return err;
}

static int member_place(struct batch *b, struct member *m)
{
	struct place *p = &m->place;
	m->fresh = !site_again(b->r, p, &m->number);
	if (!m->fresh) {
		*p = site_at(b->r, m->number)->place;
		return 0;
	}
	int err = island_place(b->r, b->by, b->req, p);
	return err < 0 ? err : site_add(b->r, p, &m->number);
}

/* Islands for all; what finds no room falls out, the error of the last one is told. */
static int batch_place(struct batch *b)
{
	int err = 0;
	for (unsigned i = b->count; i-- > 0;) {
		struct member *m = &b->members[i];
		const struct place *p = &m->place;
		int one = member_place(b, m);
		size_t size = one < 0 ? 0 : island_units(p->plan) * ISLAND_UNIT;
		if (one == 0 && m->fresh && !window_add(&b->window, p->unit, p->unit + size))
			one = -ENOSPC;
		if (one == 0 && !window_add(&b->window, place_start(p), place_end(p)))
			one = -ENOSPC;
		if (one < 0) {
			err = one;
			member_drop(b, i);
		}
	}
	return err;
}

static int batch_write(struct batch *b)
{
	struct rewrite_bytes v[REWRITE_VECTOR];
	unsigned n = 0;
	for (unsigned i = 0; i < b->count; i++) {
		struct member *m = &b->members[i];
		const struct place *p = &m->place;
		jump_write(p, m->text);
		v[n++] = (struct rewrite_bytes){place_start(p), m->text, p->plan->size};
		if (!m->fresh)
			continue;
		island_write(p, rewrite_host->entry, m->island);
		v[n++] = (struct rewrite_bytes){p->unit, m->island,
						island_units(p->plan) * ISLAND_UNIT};
	}
	return rewrite_host->write(b->by, v, n);
}

/* Of what was written in part, nobody knows what: as little as possible is assumed. */
static void batch_failed(struct batch *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		struct member *m = &b->members[i];
		struct rewrite_bytes old = {place_start(&m->place), m->text, m->place.plan->size};
		memcpy(m->text, m->place.plan->old, old.size);
		rewrite_host->write(b->by, &old, 1);
		site_set(b->r, m->number, m->fresh ? SITE_GONE : SITE_DEAD);
	}
}

static int batch_patch(struct batch *b)
{
	if (b->count == 0)
		return -EAGAIN;
	int err = window_open(&b->window, b->r, b->by);
	if (err < 0) {
		for (unsigned i = 0; i < b->count; i++)
			if (b->members[i].fresh)
				site_set(b->r, b->members[i].number, SITE_GONE);
		return err;
	}
	err = batch_write(b);
	for (unsigned i = 0; i < b->count && err == 0; i++)
		site_set(b->r, b->members[i].number, SITE_LIVE);
	if (err < 0)
		batch_failed(b);
	int closed = window_close(&b->window, b->r, b->by);
	return err < 0 ? err : closed;
}

/* The plans that are known of [low, high) of the file. */
static void batch_known(struct batch *b, uint64_t low, uint64_t high)
{
	const struct cached *known[BATCH_MAX];
	unsigned room = BATCH_MAX - b->count;
	unsigned n = cache_find(b->req->file, low, high, known, room);
	for (unsigned i = 0; i < n; i++)
		batch_add(b, &known[i]->plan, b->req->start + (known[i]->off - b->req->off));
}

static int batch_run(struct batch *b)
{
	int err = batch_check(b), placed = 0;
	if (err == 0)
		placed = batch_place(b);
	if (err == 0)
		err = batch_patch(b);
	return err < 0 && placed < 0 ? placed : err;
}

static ssize_t source_read(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct rewrite_req *req = arg;
	return req->read(req->arg, off, buf, size);
}

/* The site, and its neighbours in the page. */
static int rewrite_one(struct batch *b)
{
	const struct rewrite_req *req = b->req;
	const struct text_source src = {.arg = (void *)(uintptr_t)req, .read = source_read};
	uaddr_t call = req->rip - CALL_SIZE;
	if (call < req->start || call >= req->end)
		return -EOPNOTSUPP;
	uint64_t off = req->off + (call - req->start), page = off & PAGE_MASK;
	const struct cached *c = cache_get(req->file, off, &src);
	if (!c || c->why != WHY_OK)
		return -EOPNOTSUPP;
	lock(&b->r->change);
	int err = batch_add(b, &c->plan, call);
	if (err == 0) {
		batch_known(b, max_u64(page, req->off), off);
		batch_known(b, off + 1, page + PAGE_SIZE);
		err = batch_run(b);
	}
	unlock(&b->r->change);
	return err == -EALREADY ? 0 : err;
}

int rewrite_site(struct rewrite *r, struct ctx *by, const struct rewrite_req *req)
{
	if (__atomic_load_n(&r->stopped, __ATOMIC_RELAXED))
		return -EOPNOTSUPP;
	autofree struct batch *b = malloc(sizeof *b);
	if (!b)
		return -ENOMEM;
	b->r = r;
	b->by = by;
	b->req = req;
	b->count = b->window.count = 0;
	return rewrite_one(b);
}
