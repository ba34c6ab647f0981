/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing text and islands.
 *
 * Always in a window in which the pages cannot be executed (rewrite.h says
 * why).  The order when a site is made: island, index, text; so whoever meets the
 * jump or a middle is known.  When it is undone: text, index.
 *
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "platform/trap/rewrite/cache.h"
#include "platform/trap/rewrite/sites.h"

enum { BATCH_MAX = 32 };

/* Text or islands of one run of pages. */
struct edit {
	struct rewrite *r;
	struct ctx *by;
	uaddr_t low, high; /* pages */
};

/* Takes r->window; e->r is NULL if it fails. */
NO_LOCK_ANALYSIS static int edit_open(struct edit *e, struct rewrite *r, struct ctx *by,
				      uaddr_t low, uaddr_t high)
{
	*e = (struct edit){r, by, low & PAGE_MASK, PAGE_ALIGN(high)};
	lock_nested(&r->window); /* always inside r->change */
	r->retries = 0;
	int err = rewrite_host->protect(by, e->low, e->high - e->low, PROT_READ | PROT_WRITE);
	if (err < 0) {
		unlock(&r->window);
		e->r = NULL;
	}
	return err;
}

/* Without its right to be executed the program could not go on: tried again for good measure. */
NO_LOCK_ANALYSIS static int edit_close(struct edit *e)
{
	int err = rewrite_host->protect(e->by, e->low, e->high - e->low, PROT_READ | PROT_EXEC);
	if (err < 0)
		err = rewrite_host->protect(e->by, e->low, e->high - e->low, PROT_READ | PROT_EXEC);
	unlock(&e->r->window);
	return err;
}

/* A site of the same plan that was undone: its island is still good. */
static bool site_again(struct rewrite *r, const struct plan *plan, uaddr_t call, uint32_t *out)
{
	struct table *t = r->table;
	for (uint32_t i = site_from(t, call); t && i < t->count; i++) {
		struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) > call)
			break;
		*out = t->by_text[i];
		if (s->place.call == call && s->place.plan == plan && s->state == SITE_DEAD)
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

/* The text is as the file says, all of it in the area, and nobody's yet. */
static int place_check(struct rewrite *r, struct ctx *by, const struct rewrite_req *req,
		       const struct place *place)
{
	uint8_t now[PLAN_BYTES];
	uaddr_t start = place_start(place),
		end = max_u64(place_end(place), place->call + CALL_SIZE);
	if (start < req->start || end > req->end)
		return -EOPNOTSUPP;
	int err = overlaps_live(r, place);
	if (err == 0)
		err = rewrite_host->read(by, start, now, place->plan->size);
	if (err < 0)
		return err;
	return memcmp(now, place->plan->old, place->plan->size) ? -EAGAIN : 0;
}

/*
 * Sites of one page of text, rewritten together: what is known of the file from other
 * processes costs little more here.
 */
struct batch {
	struct rewrite *r;
	struct ctx *by;
	const struct rewrite_req *req;
	uint32_t sites[BATCH_MAX];
	bool fresh[BATCH_MAX]; /* its island is to be written */
	unsigned count;
};

static int batch_add(struct batch *b, const struct plan *plan, uaddr_t call)
{
	struct place place = {.plan = plan, .call = call};
	uint32_t number;
	int err = place_check(b->r, b->by, b->req, &place);
	if (err < 0)
		return err;
	bool fresh = !site_again(b->r, plan, call, &number);
	if (fresh && ((err = island_place(b->r, b->by, b->req, &place)) < 0 ||
		      (err = site_add(b->r, &place, &number)) < 0))
		return err;
	b->fresh[b->count] = fresh;
	b->sites[b->count++] = number;
	return 0;
}

/* One window for each run of islands that share a page or border on each other. */
static int batch_islands(struct batch *b)
{
	struct edit e = {0};
	int err = 0, closed = 0;
	for (unsigned i = 0; i < b->count && err == 0; i++) {
		const struct place *p = &site_at(b->r, b->sites[i])->place;
		size_t size = island_units(p->plan) * ISLAND_UNIT;
		uint8_t bytes[ISLAND_MAX];
		if (!b->fresh[i])
			continue;
		if (e.r && (p->unit < e.low || p->unit + size > e.high)) {
			closed = edit_close(&e);
			e.r = NULL;
		}
		if (!e.r && (err = edit_open(&e, b->r, b->by, p->unit, p->unit + size)) < 0) {
			e.r = NULL;
			break;
		}
		island_write(p, rewrite_host->entry, rewrite_host->taken, bytes);
		err = rewrite_host->write(b->by, p->unit, bytes, size);
	}
	if (e.r)
		closed = edit_close(&e);
	return err < 0 ? err : closed;
}

static int batch_text(struct batch *b)
{
	struct edit e;
	uaddr_t low = UINT64_MAX, high = 0;
	for (unsigned i = 0; i < b->count; i++) {
		low = min_u64(low, place_start(&site_at(b->r, b->sites[i])->place));
		high = max_u64(high, place_end(&site_at(b->r, b->sites[i])->place));
	}
	int err = edit_open(&e, b->r, b->by, low, high);
	for (unsigned i = 0; i < b->count && err == 0; i++) {
		const struct place *p = &site_at(b->r, b->sites[i])->place;
		uint8_t bytes[PLAN_BYTES];
		jump_write(p, bytes);
		/* Known before the window closes: until then nobody meets the jump. */
		site_set(b->r, b->sites[i], SITE_LIVE);
		err = rewrite_host->write(b->by, place_start(p), bytes, p->plan->size);
		if (err < 0)
			site_set(b->r, b->sites[i], SITE_DEAD);
	}
	int closed = e.r ? edit_close(&e) : 0;
	return err < 0 ? err : closed;
}

static int batch_patch(struct batch *b)
{
	int err = batch_islands(b);
	if (err == 0)
		err = batch_text(b);
	/* An island that was not written must never be used. */
	for (unsigned i = 0; i < b->count && err < 0; i++)
		if (b->fresh[i] && site_at(b->r, b->sites[i])->state == SITE_DEAD)
			site_set(b->r, b->sites[i], SITE_GONE);
	return err;
}

static ssize_t source_read(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct rewrite_req *req = arg;
	return req->read(req->arg, off, buf, size);
}

int rewrite_site(struct rewrite *r, struct ctx *by, const struct rewrite_req *req)
{
	const struct text_source src = {.arg = (void *)(uintptr_t)req, .read = source_read};
	const struct cached *near[BATCH_MAX - 1];
	uaddr_t call = req->rip - CALL_SIZE;
	struct batch b = {.r = r, .by = by, .req = req};
	if (__atomic_load_n(&r->stopped, __ATOMIC_RELAXED) || call < req->start || call >= req->end)
		return -EOPNOTSUPP;
	uint64_t off = req->off + (call - req->start);
	const struct cached *c = cache_get(req->file, off, &src);
	if (!c || c->why != WHY_OK)
		return -EOPNOTSUPP;
	lock(&r->change);
	int err = batch_add(&b, &c->plan, call);
	unsigned n = err < 0 ? 0 : cache_page(req->file, off & PAGE_MASK, near, ARRAY_SIZE(near));
	for (unsigned i = 0; i < n; i++)
		if (near[i] != c)
			batch_add(&b, &near[i]->plan, call + (near[i]->off - off));
	if (err == 0)
		err = batch_patch(&b);
	unlock(&r->change);
	return err == -EALREADY ? 0 : err;
}

/* The text as the file has it. */
static int text_restore(struct rewrite *r, struct ctx *by, uint32_t number)
{
	const struct place *p = &site_at(r, number)->place;
	struct edit e;
	int err = edit_open(&e, r, by, place_start(p), place_end(p));
	/* Not there any more (MADV_DONTFORK): nothing to put back. */
	if (err == -ENOMEM) {
		site_set(r, number, SITE_DEAD);
		return 0;
	}
	if (err < 0)
		return err;
	err = rewrite_host->write(by, place_start(p), p->plan->old, p->plan->size);
	if (err == 0)
		site_set(r, number, SITE_DEAD);
	int closed = edit_close(&e);
	return err < 0 ? err : closed;
}

/* Puts back what has a byte in [low, high), or an island there. */
static int undo_text(struct rewrite *r, struct ctx *by, uaddr_t low, uaddr_t high)
{
	struct table *t = r->table;
	for (uint32_t i = site_from(t, low); t && i < t->count; i++) {
		struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) >= high)
			break;
		int err = s->state == SITE_LIVE && place_end(&s->place) > low
				  ? text_restore(r, by, t->by_text[i])
				  : 0;
		if (err < 0)
			return err;
	}
	return 0;
}

static int undo_region(struct rewrite *r, struct ctx *by, struct region *region)
{
	struct table *t = r->table;
	for (uint32_t i = 0; t && i < t->count; i++) {
		struct site *s = &t->sites[i];
		if (s->place.unit < region->base || s->place.unit >= region->end)
			continue;
		int err = s->state == SITE_LIVE ? text_restore(r, by, i) : 0;
		if (err < 0)
			return err;
		site_set(r, i, SITE_GONE);
	}
	lock(&r->index);
	region->gone = true;
	unlock(&r->index);
	__atomic_store_n(&r->moved, true, __ATOMIC_RELAXED);
	/* What the guest maps there replaces its part; the rest would only be in the way. */
	return rewrite_host->unmap(by, region->base, region->end - region->base);
}

int rewrite_change(struct rewrite *r, struct ctx *by, uaddr_t addr, uint64_t size)
{
	if (__atomic_load_n(&r->region_count, __ATOMIC_RELAXED) == 0)
		return 0;
	uaddr_t end = addr + size;
	lock(&r->change);
	int err = undo_text(r, by, addr, end);
	for (uint32_t i = 0; i < r->region_count && err == 0; i++) {
		struct region *region = &r->regions[i];
		if (!region->gone && region->base < end && region->end > addr)
			err = undo_region(r, by, region);
	}
	unlock(&r->change);
	return err;
}

int rewrite_stop(struct rewrite *r, struct ctx *by)
{
	__atomic_store_n(&r->stopped, true, __ATOMIC_RELAXED);
	lock(&r->change);
	int err = undo_text(r, by, 0, USER_TOP);
	unlock(&r->change);
	return err;
}
