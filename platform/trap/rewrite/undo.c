/* SPDX-License-Identifier: Apache-2.0 */
/* Text as it was: before memory changes, and for good. */
#include <errno.h>

#include "platform/trap/rewrite/window.h"

static int restore(struct rewrite *r, struct ctx *by, const uint32_t *numbers, unsigned count)
{
	struct rewrite_bytes v[REWRITE_CALLS];
	struct window w = {0};
	for (unsigned i = 0; i < count; i++) {
		const struct place *p = &site_at(r, numbers[i])->place;
		v[i] = (struct rewrite_bytes){place_start(p), (void *)(uintptr_t)p->plan->old,
					      p->plan->size};
		window_add(&w, place_start(p), place_end(p));
	}
	int err = window_open(&w, r, by);
	if (err < 0)
		return err;
	err = rewrite_host->write(by, v, count);
	for (unsigned i = 0; i < count && err == 0; i++)
		site_set(r, numbers[i], SITE_DEAD);
	int closed = window_close(&w, r, by);
	return err < 0 ? err : closed;
}

/* Text that is not there any more (MADV_DONTFORK) cannot be put back, and need not. */
static int restore_each(struct rewrite *r, struct ctx *by, const uint32_t *numbers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int err = restore(r, by, &numbers[i], 1);
		if (err == -ENOMEM || err == -EFAULT)
			site_set(r, numbers[i], SITE_DEAD);
		else if (err < 0)
			return err;
	}
	return 0;
}

static int restore_all(struct rewrite *r, struct ctx *by, const uint32_t *numbers, unsigned count)
{
	if (count == 0)
		return 0;
	int err = restore(r, by, numbers, count);
	return err == -ENOMEM || err == -EFAULT ? restore_each(r, by, numbers, count) : err;
}

/* Puts back what has a byte in [low, high). */
static int undo_text(struct rewrite *r, struct ctx *by, uaddr_t low, uaddr_t high)
{
	uint32_t numbers[REWRITE_CALLS];
	unsigned n = 0;
	struct table *t = r->table;
	for (uint32_t i = site_from(t, low); t && i < t->count; i++) {
		struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) >= high)
			break;
		if (s->state != SITE_LIVE || place_end(&s->place) <= low)
			continue;
		numbers[n++] = t->by_text[i];
		if (n < REWRITE_CALLS)
			continue;
		int err = restore_all(r, by, numbers, n);
		if (err < 0)
			return err;
		n = 0;
	}
	return restore_all(r, by, numbers, n);
}

static int undo_region(struct rewrite *r, struct ctx *by, struct region *region)
{
	const struct rewrite_call unmap = {
		.what = REWRITE_UNMAP, .addr = region->base, .size = region->end - region->base};
	struct table *t = r->table;
	int err = undo_text(r, by, region->text_low, region->text_high);
	for (uint32_t i = 0; t && i < t->count && err == 0; i++) {
		struct site *s = &t->sites[i];
		if (s->place.unit >= region->base && s->place.unit < region->end)
			site_set(r, i, SITE_GONE);
	}
	if (err < 0)
		return err;
	lock(&r->index);
	region->gone = true;
	unlock(&r->index);
	__atomic_fetch_add(&r->moves, 1, __ATOMIC_SEQ_CST);
	rewrite_host->interrupt(by);
	/* What the guest maps there replaces its part; the rest would only be in the way. */
	return rewrite_host->calls(by, &unmap, 1);
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
