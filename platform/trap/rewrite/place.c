/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where islands go.
 *
 * A region lies at a fixed distance from the text it serves, one that has dead
 * opcodes in its two upper bytes, and is as large as that text: then the jumps
 * of all its sites have dead opcodes there, and only the lower bytes have to be
 * searched.  It costs address space; pages without an island are never touched.
 */
#include <errno.h>

#include "platform/trap/rewrite/sites.h"

#include <sys/mman.h>

/* Distances differ in the lower 16 bits within a region. */
#define WINDOW 0x10000ull
/* Text served by one region: the mapping of the largest browser, not all the address space. */
#define TEXT_MAX (256ull << 20)

static bool unit_free(const struct rewrite *r, const struct place *place)
{
	for (size_t i = 0; i < island_units(place->plan); i++)
		if (site_by_island(r, place->unit + i * ISLAND_UNIT))
			return false;
	return true;
}

/* A free unit in [low, high) that fits. */
static bool search(const struct rewrite *r, struct place *place, uaddr_t low, uaddr_t high)
{
	for (place->unit = low; place->unit < high; place->unit += ISLAND_UNIT)
		if (island_fits(place) && unit_free(r, place))
			return true;
	return false;
}

/*
 * Distances that keep their upper half: from `first` on, one WINDOW.  Sites close to each
 * other begin their search at the same place, so that their islands share pages.
 */
static bool search_region(const struct rewrite *r, const struct region *region, struct place *place)
{
	uaddr_t first =
		place_start(place) + JUMP_SIZE - ISLAND_CODE + (uaddr_t)(int64_t)region->distance;
	first = (first + ISLAND_UNIT - 1) & ~(uaddr_t)(ISLAND_UNIT - 1);
	uaddr_t last = first + WINDOW, middle = (first + WINDOW - 1) & ~(WINDOW - 1);
	if (first < region->base || last + ISLAND_MAX > region->end)
		return false;
	return search(r, place, middle, last) || search(r, place, first, middle);
}

static void text_range(const struct rewrite_req *req, uaddr_t call, uaddr_t *low, uaddr_t *high)
{
	*low = req->start;
	*high = req->end;
	if (req->end - req->start > TEXT_MAX) {
		*low = max_u64(req->start, (call & ~(TEXT_MAX - 1)));
		*high = min_u64(req->end, *low + TEXT_MAX);
	}
}

/* Takes memory at the first distance at which there is some. */
static int region_new(struct rewrite *r, struct ctx *by, const struct rewrite_req *req,
		      uaddr_t call, struct region **out)
{
	struct region n = {0};
	if (r->region_count == REGIONS_MAX)
		return -ENOSPC;
	text_range(req, call, &n.text_low, &n.text_high);
	uint64_t size = PAGE_ALIGN(n.text_high - n.text_low) + 2 * WINDOW;
	for (unsigned i = 0; island_distance(i, &n.distance); i++) {
		uaddr_t base = (n.text_low + (uaddr_t)(int64_t)n.distance - PAGE_SIZE) & PAGE_MASK;
		if (base >= USER_TOP || base < PAGE_SIZE || size > USER_TOP - base)
			continue;
		if (req->gap(req->arg, size, base, base + size) != base)
			continue;
		n.base = base;
		n.end = base + size;
		const struct rewrite_call map = {.what = REWRITE_MAP,
						 .prot = PROT_READ | PROT_EXEC,
						 .addr = base,
						 .size = size};
		int err = rewrite_host->calls(by, &map, 1);
		if (err < 0)
			return err;
		lock(&r->index);
		r->regions[r->region_count] = n;
		*out = &r->regions[r->region_count];
		__atomic_store_n(&r->region_count, r->region_count + 1, __ATOMIC_RELAXED);
		unlock(&r->index);
		return 0;
	}
	return -ENOSPC;
}

int island_place(struct rewrite *r, struct ctx *by, const struct rewrite_req *req,
		 struct place *place)
{
	struct region *region;
	for (uint32_t i = 0; i < r->region_count; i++) {
		region = &r->regions[i];
		if (!region->gone && place->call >= region->text_low &&
		    place->call < region->text_high && search_region(r, region, place))
			return 0;
	}
	int err = region_new(r, by, req, place->call, &region);
	if (err < 0)
		return err;
	return search_region(r, region, place) ? 0 : -ENOSPC;
}
