/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/sites.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 64 };

static size_t hash_unit(const struct table *t, uaddr_t unit)
{
	return (unit / ISLAND_UNIT) * 0x9e3779b97f4a7c15ull >> 32 & (2 * t->room - 1);
}

/* One allocation: the header, the sites, both indexes. */
static struct table *table_new(uint32_t room)
{
	struct table *t = calloc(1, sizeof *t + room * (sizeof *t->sites + 3 * sizeof *t->by_unit));
	if (!t)
		return NULL;
	t->room = room;
	t->sites = (struct site *)(t + 1);
	t->by_unit = (uint32_t *)(t->sites + room);
	t->by_text = t->by_unit + 2 * room;
	return t;
}

static void table_copy(struct table *to, const struct table *from)
{
	to->count = from->count;
	memcpy(to->sites, from->sites, from->count * sizeof *from->sites);
	memcpy(to->by_text, from->by_text, from->count * sizeof *from->by_text);
}

static void hash_add(struct table *t, uint32_t number)
{
	size_t i = hash_unit(t, t->sites[number].place.unit);
	while (t->by_unit[i])
		i = (i + 1) & (2 * t->room - 1);
	__atomic_store_n(&t->by_unit[i], number + 1, __ATOMIC_RELEASE);
}

static struct table *table_of(const struct rewrite *r)
{
	return __atomic_load_n(&r->table, __ATOMIC_ACQUIRE);
}

/* Room for one more site. */
static int table_reserve(struct rewrite *r)
{
	struct table *t = r->table;
	if (t && t->count < t->room)
		return 0;
	if (t && t->room >= SITES_MAX)
		return -ENOSPC;
	struct table *bigger = table_new(t ? t->room * 2 : ROOM_MIN);
	if (!bigger)
		return -ENOMEM;
	if (t)
		table_copy(bigger, t);
	for (uint32_t i = 0; i < bigger->count; i++)
		hash_add(bigger, i);
	bigger->old = t;
	lock(&r->index);
	__atomic_store_n(&r->table, bigger, __ATOMIC_RELEASE);
	unlock(&r->index);
	return 0;
}

uint32_t site_from(const struct table *t, uaddr_t addr)
{
	uint32_t low = 0, high = t ? t->count : 0;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (place_start(&t->sites[t->by_text[mid]].place) + PLAN_BYTES <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int site_add(struct rewrite *r, const struct place *place, uint32_t *out)
{
	int err = table_reserve(r);
	if (err < 0)
		return err;
	struct table *t = r->table;
	uint32_t number = t->count;
	t->sites[number] = (struct site){.place = *place, .state = SITE_DEAD};
	hash_add(t, number);
	lock(&r->index);
	uint32_t at = site_from(t, place_start(place));
	while (at < t->count && place_start(&t->sites[t->by_text[at]].place) < place_start(place))
		at++;
	memmove(&t->by_text[at + 1], &t->by_text[at], (t->count - at) * sizeof *t->by_text);
	t->by_text[at] = number;
	t->count++;
	unlock(&r->index);
	*out = number;
	return 0;
}

static const struct site *find_unit(const struct table *t, uaddr_t unit)
{
	for (size_t i = hash_unit(t, unit);; i = (i + 1) & (2 * t->room - 1)) {
		uint32_t number = __atomic_load_n(&t->by_unit[i], __ATOMIC_ACQUIRE);
		if (number == 0)
			return NULL;
		if (t->sites[number - 1].place.unit == unit)
			return &t->sites[number - 1];
	}
}

const struct site *site_by_island(const struct rewrite *r, uaddr_t addr)
{
	const struct table *t = table_of(r);
	uaddr_t unit = addr & ~(uaddr_t)(ISLAND_UNIT - 1);
	if (!t)
		return NULL;
	const struct site *s = find_unit(t, unit);
	if (!s && (s = find_unit(t, unit - ISLAND_UNIT)) && island_units(s->place.plan) < 2)
		s = NULL;
	return s;
}

struct site *site_by_text(const struct rewrite *r, uaddr_t addr)
{
	struct table *t = r->table;
	for (uint32_t i = site_from(t, addr); t && i < t->count; i++) {
		struct site *s = &t->sites[t->by_text[i]];
		if (place_start(&s->place) >= addr)
			break;
		if (s->state == SITE_LIVE && place_end(&s->place) > addr)
			return s;
	}
	return NULL;
}

void site_set(struct rewrite *r, uint32_t number, enum site_state state)
{
	struct site *s = site_at(r, number);
	lock(&r->index);
	if (s->state == SITE_LIVE)
		__atomic_fetch_sub(&r->live, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&s->state, state, __ATOMIC_RELAXED);
	if (state == SITE_LIVE)
		__atomic_fetch_add(&r->live, 1, __ATOMIC_RELAXED);
	unlock(&r->index);
}

void sites_clear(struct rewrite *r)
{
	lock(&r->index);
	struct table *t = r->table, *old;
	__atomic_store_n(&r->table, NULL, __ATOMIC_RELEASE);
	r->live = r->region_count = 0;
	unlock(&r->index);
	for (; t; t = old) {
		old = t->old;
		free(t);
	}
}

int sites_copy(struct rewrite *to, const struct rewrite *from)
{
	const struct table *t = table_of(from);
	if (t) {
		struct table *copy = table_new(t->room);
		if (!copy)
			return -ENOMEM;
		table_copy(copy, t);
		memcpy(copy->by_unit, t->by_unit, 2 * t->room * sizeof *t->by_unit);
		to->table = copy;
	}
	to->live = from->live;
	to->region_count = from->region_count;
	memcpy(to->regions, from->regions, from->region_count * sizeof *from->regions);
	to->stopped = from->stopped;
	to->traps = __atomic_load_n(&from->traps, __ATOMIC_RELAXED);
	return 0;
}
