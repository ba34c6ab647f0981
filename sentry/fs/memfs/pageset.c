/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/pageset.h"

#include <errno.h>

enum { MAP_BITS = PAGE_SIZE * 8, WORD_BITS = 64 };

static uint64_t *map_of(const struct pageset *s, uint64_t page)
{
	return (uint64_t *)(void *)pagetree_get(&s->maps, page / MAP_BITS);
}

/* The bits of page..last that lie in page's word. */
static uint64_t word_mask(uint64_t page, uint64_t last)
{
	unsigned lo = page % WORD_BITS, hi = WORD_BITS - 1;
	if (last - page < WORD_BITS - 1 - lo)
		hi = lo + (unsigned)(last - page);
	return (UINT64_MAX >> (WORD_BITS - 1 - (hi - lo))) << lo;
}

static uint64_t word_end(uint64_t page)
{
	return page | (WORD_BITS - 1);
}

static uint64_t map_end(uint64_t page)
{
	return page | (MAP_BITS - 1);
}

bool pageset_has(const struct pageset *s, uint64_t page)
{
	const uint64_t *map = map_of(s, page);
	return map && (map[page % MAP_BITS / WORD_BITS] >> page % WORD_BITS & 1);
}

uint64_t pageset_within(const struct pageset *s, uint64_t first, uint64_t last)
{
	uint64_t n = 0;
	while ((first = pageset_next(s, first)) <= last && first != PAGESET_NONE) {
		uint64_t word = map_of(s, first)[first % MAP_BITS / WORD_BITS];
		n += (uint64_t)__builtin_popcountll(word & word_mask(first, last));
		if (word_end(first) >= last)
			break;
		first = word_end(first) + 1;
	}
	return n;
}

/* Maps that stay empty are harmless, and go with the next removal there. */
static int maps_make(struct pageset *s, uint64_t first, uint64_t last)
{
	for (uint64_t i = first / MAP_BITS; i <= last / MAP_BITS; i++) {
		char *map;
		int err = pagetree_make(&s->maps, i, &map);
		if (err < 0)
			return err;
	}
	return 0;
}

int pageset_add(struct pageset *s, uint64_t first, uint64_t last)
{
	int err = maps_make(s, first, last);
	if (err < 0)
		return err;
	for (uint64_t page = first;; page = word_end(page) + 1) {
		uint64_t *word = &map_of(s, page)[page % MAP_BITS / WORD_BITS];
		uint64_t fresh = word_mask(page, last) & ~*word;
		*word |= fresh;
		s->count += (uint64_t)__builtin_popcountll(fresh);
		if (word_end(page) >= last)
			return 0;
	}
}

static bool map_is_empty(const uint64_t *map)
{
	for (unsigned i = 0; i < MAP_BITS / WORD_BITS; i++)
		if (map[i])
			return false;
	return true;
}

/* first..last lie in one map, which is there. */
static uint64_t map_remove(struct pageset *s, uint64_t first, uint64_t last)
{
	uint64_t *map = map_of(s, first), n = 0;
	for (uint64_t page = first;; page = word_end(page) + 1) {
		uint64_t *word = &map[page % MAP_BITS / WORD_BITS];
		uint64_t gone = word_mask(page, last) & *word;
		*word &= ~gone;
		n += (uint64_t)__builtin_popcountll(gone);
		if (word_end(page) >= last)
			break;
	}
	if (map_is_empty(map))
		pagetree_drop(&s->maps, first / MAP_BITS, first / MAP_BITS);
	return n;
}

uint64_t pageset_remove(struct pageset *s, uint64_t first, uint64_t last)
{
	uint64_t n = 0;
	while (first <= last) {
		uint64_t index = first / MAP_BITS;
		if (!pagetree_next(&s->maps, &index) || index > last / MAP_BITS)
			break;
		first = max_u64(first, index * MAP_BITS);
		uint64_t end = min_u64(last, map_end(first));
		n += map_remove(s, first, end);
		if (end == UINT64_MAX)
			break;
		first = end + 1;
	}
	s->count -= n;
	return n;
}

uint64_t pageset_next(const struct pageset *s, uint64_t page)
{
	uint64_t index = page / MAP_BITS;
	for (char *map; (map = pagetree_next(&s->maps, &index)); index++) {
		const uint64_t *words = (const uint64_t *)(void *)map;
		page = max_u64(page, index * MAP_BITS);
		for (uint64_t at = page; at <= map_end(page); at = word_end(at) + 1) {
			uint64_t word = words[at % MAP_BITS / WORD_BITS] >> at % WORD_BITS;
			if (word)
				return at + (unsigned)__builtin_ctzll(word);
		}
	}
	return PAGESET_NONE;
}

uint64_t pageset_gap(const struct pageset *s, uint64_t page)
{
	for (const uint64_t *map; (map = map_of(s, page));) {
		uint64_t clear = ~map[page % MAP_BITS / WORD_BITS] >> page % WORD_BITS;
		if (clear)
			return page + (unsigned)__builtin_ctzll(clear);
		page = word_end(page) + 1;
	}
	return page;
}
