/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/rewrite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "platform/trap/rewrite/cache.h"
#include "platform/trap/rewrite/sites.h"

/*
 * The trap at which a site is rewritten, powers of two.  A trap costs 2 us more than a jump; a
 * batch costs two turns of the stub, four mprotect and two copies, a copied page for the first in
 * each page of text: 30 us.  A process whose calls have trapped less than YOUNG times since exec is
 * most likely one that does its work and ends, so there it must be worth it by then.
 * Rewriting at mmap what other processes found hot was tried: 40 times /bin/true from sh took
 * 160 ms of CPU without it, 180 ms with it.
 */
enum { DUE = 4, DUE_YOUNG = 16, YOUNG = 64 };
/* Faults forgiven after one window: more than threads, few enough to end soon. */
enum { RETRIES = 4096 };
/* In a page fault's error code: the fault was for an instruction. */
enum { FAULT_EXEC = 16 };

const struct rewrite_host *rewrite_host;

void rewrite_init(const struct rewrite_host *host)
{
	rewrite_host = host;
	plan_warm();
}

void rewrite_shutdown(void)
{
	cache_clear();
}

int rewrite_new(struct rewrite **out)
{
	struct rewrite *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	lock_init(&r->change, RANK_REWRITE);
	lock_init(&r->window, RANK_REWRITE);
	lock_init(&r->index, RANK_LEAF);
	*out = r;
	return 0;
}

NO_LOCK_ANALYSIS void rewrite_freeze(struct rewrite *r)
{
	lock(&r->change);
}

NO_LOCK_ANALYSIS void rewrite_thaw(struct rewrite *r)
{
	unlock(&r->change);
}

int rewrite_fork(struct rewrite *from, struct rewrite **out)
{
	struct rewrite *r;
	int err = rewrite_new(&r);
	if (err < 0)
		return err;
	if ((err = sites_copy(r, from)) < 0) {
		rewrite_free(r);
		return err;
	}
	*out = r;
	return 0;
}

void rewrite_reset(struct rewrite *r)
{
	sites_clear(r);
	__atomic_store_n(&r->stopped, false, __ATOMIC_RELAXED);
	__atomic_store_n(&r->traps, 0, __ATOMIC_RELAXED);
	memset(r->counters, 0, sizeof r->counters);
}

void rewrite_free(struct rewrite *r)
{
	if (!r)
		return;
	sites_clear(r);
	free(r);
}

bool rewrite_due(struct rewrite *r, uaddr_t rip)
{
	struct counter *c = &r->counters[(rip * 0x9e3779b97f4a7c15ull >> 48) % COUNTERS];
	if (__atomic_load_n(&r->stopped, __ATOMIC_RELAXED))
		return false;
	if (__atomic_load_n(&c->rip, __ATOMIC_RELAXED) != rip) {
		__atomic_store_n(&c->rip, rip, __ATOMIC_RELAXED);
		__atomic_store_n(&c->traps, 0, __ATOMIC_RELAXED);
	}
	uint32_t n = __atomic_add_fetch(&c->traps, 1, __ATOMIC_RELAXED);
	uint64_t all = __atomic_add_fetch(&r->traps, 1, __ATOMIC_RELAXED);
	/* Then again, ever more rarely: what was not possible may have become so. */
	return n >= (all < YOUNG ? DUE_YOUNG : DUE) && (n & (n - 1)) == 0;
}

uint32_t rewrite_moves(struct rewrite *r)
{
	return __atomic_load_n(&r->moves, __ATOMIC_ACQUIRE);
}

static const struct site *island_at(struct rewrite *r, uaddr_t addr, bool stale)
{
	const struct site *s = site_by_island(r, addr);
	if (s && !stale && __atomic_load_n(&s->state, __ATOMIC_RELAXED) == SITE_GONE)
		return NULL;
	return s;
}

bool rewrite_call(struct rewrite *r, uaddr_t site, bool stale, uaddr_t *out_rip)
{
	const struct site *s = island_at(r, site, stale);
	if (!s || s->place.unit != site)
		return false;
	*out_rip = s->place.call + CALL_SIZE;
	return true;
}

uaddr_t rewrite_guest_rip(struct rewrite *r, uaddr_t rip, bool stale)
{
	const struct site *s = island_at(r, rip, stale);
	return s ? island_guest_rip(&s->place, rip) : rip;
}

uaddr_t rewrite_plain_call(struct rewrite *r, uaddr_t rip)
{
	const struct site *s = island_at(r, rip, /*stale=*/false);
	return s ? island_plain_call(&s->place, rip) : rip;
}

uaddr_t rewrite_host_rip(struct rewrite *r, uaddr_t rip)
{
	if (!__atomic_load_n(&r->live, __ATOMIC_RELAXED))
		return rip;
	lock(&r->index);
	const struct site *s = site_by_text(r, rip);
	if (s)
		rip = island_host_rip(&s->place, rip);
	unlock(&r->index);
	return rip;
}

/* Is there, or was there since exec, a site with text or island in the page? */
static bool page_ours(struct rewrite *r, uaddr_t addr)
{
	uaddr_t low = addr & PAGE_MASK, high = low + PAGE_SIZE;
	bool ours = false;
	lock(&r->index);
	const struct table *t = r->table;
	for (uint32_t i = site_from(t, low); t && i < t->count && !ours; i++) {
		const struct place *p = &t->sites[t->by_text[i]].place;
		if (place_start(p) >= high)
			break;
		ours = place_end(p) > low;
	}
	for (uint32_t i = 0; i < r->region_count; i++)
		ours |= !r->regions[i].gone && addr >= r->regions[i].base &&
			addr < r->regions[i].end;
	unlock(&r->index);
	return ours;
}

/* A middle of text that has been put back since: what was there may be tried again. */
static bool was_middle(struct rewrite *r, uaddr_t rip)
{
	bool was = false;
	lock(&r->index);
	const struct table *t = r->table;
	for (uint32_t i = site_from(t, rip); t && i < t->count && !was; i++) {
		const struct place *p = &t->sites[t->by_text[i]].place;
		if (place_start(p) >= rip)
			break;
		was = island_host_rip(p, rip) != rip;
	}
	unlock(&r->index);
	return was;
}

/* Not for ever: the guest may have put something else there that faults by itself. */
static bool try_again(struct rewrite *r)
{
	lock(&r->window);
	bool again = r->retries++ < RETRIES;
	unlock(&r->window);
	return again;
}

bool rewrite_fault(struct rewrite *r, int signo, uaddr_t rip, uaddr_t addr, uint64_t error,
		   uaddr_t *out_rip)
{
	*out_rip = rip;
	/* Text that was not executable for a moment: waits for its end. */
	if (signo == SIGSEGV)
		return (error & FAULT_EXEC) && page_ours(r, addr) && try_again(r);
	if (signo != SIGILL)
		return false;
	*out_rip = rewrite_host_rip(r, rip);
	return *out_rip != rip || (was_middle(r, rip) && try_again(r));
}

size_t rewrite_overlay(struct rewrite *r, uaddr_t addr, void *buf, size_t size)
{
	uaddr_t end = addr + size, hidden, hidden_end;
	if (!__atomic_load_n(&r->table, __ATOMIC_ACQUIRE))
		return size;
	if (rewrite_hidden(r, addr, end, &hidden, &hidden_end))
		end = max_u64(hidden, addr);
	lock(&r->index);
	const struct table *t = r->table;
	for (uint32_t i = site_from(t, addr); t && i < t->count; i++) {
		const struct site *s = &t->sites[t->by_text[i]];
		uaddr_t low = max_u64(place_start(&s->place), addr);
		uaddr_t high = min_u64(place_end(&s->place), end);
		if (place_start(&s->place) >= end)
			break;
		if (s->state == SITE_LIVE && low < high)
			memcpy((char *)buf + (low - addr),
			       s->place.plan->old + (low - place_start(&s->place)), high - low);
	}
	unlock(&r->index);
	return end - addr;
}

bool rewrite_hidden(struct rewrite *r, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		    uaddr_t *out_end)
{
	bool found = false;
	lock(&r->index);
	for (uint32_t i = 0; i < r->region_count; i++) {
		const struct region *region = &r->regions[i];
		if (region->gone || region->base >= end || region->end <= start ||
		    (found && region->base >= *out_start))
			continue;
		*out_start = region->base;
		*out_end = region->end;
		found = true;
	}
	unlock(&r->index);
	return found;
}
