/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/cache.h"

#include <stdlib.h>
#include <string.h>

#include "platform/base/lock.h"

enum { BUCKETS = 4096 };

static struct lock cache_lock = LOCK_INIT(RANK_LEAF);
static struct cached *buckets[BUCKETS]; /* lock */
static unsigned cached_count;		/* lock */

/* All plans of a file are in one: it is the file that is looked for, mostly. */
static unsigned bucket_of(const uint64_t file[4])
{
	uint64_t h = 0;
	for (int i = 0; i < 4; i++)
		h = (h ^ file[i]) * 0x9e3779b97f4a7c15ull;
	return h >> 40 & (BUCKETS - 1);
}

static bool same_file(const struct cached *c, const uint64_t file[4])
{
	return !memcmp(c->file, file, sizeof c->file);
}

static struct cached *find_locked(const uint64_t file[4], uint64_t off)
{
	struct cached *c = buckets[bucket_of(file)];
	while (c && !(c->off == off && same_file(c, file)))
		c = c->next;
	return c;
}

/* Takes over c; what another thread has put there meanwhile wins. */
static const struct cached *insert(struct cached *c)
{
	struct cached *winner = NULL;
	lock(&cache_lock);
	if ((winner = find_locked(c->file, c->off)) == NULL && cached_count < CACHE_MAX) {
		struct cached **bucket = &buckets[bucket_of(c->file)];
		c->next = *bucket;
		*bucket = winner = c;
		cached_count++;
	}
	unlock(&cache_lock);
	if (winner != c)
		free(c);
	return winner;
}

const struct cached *cache_get(const uint64_t file[4], uint64_t off, const struct text_source *src)
{
	lock(&cache_lock);
	struct cached *c = find_locked(file, off);
	bool room = cached_count < CACHE_MAX;
	unlock(&cache_lock);
	if (c || !room || !(c = calloc(1, sizeof *c)))
		return c;
	memcpy(c->file, file, sizeof c->file);
	c->off = off;
	c->why = plan_from_file(src, off, &c->plan);
	return insert(c);
}

unsigned cache_find(const uint64_t file[4], uint64_t low, uint64_t high, const struct cached **out,
		    unsigned max)
{
	unsigned n = 0;
	lock(&cache_lock);
	for (struct cached *c = buckets[bucket_of(file)]; c && n < max; c = c->next)
		if (c->why == WHY_OK && c->off >= low && c->off < high && same_file(c, file))
			out[n++] = c;
	unlock(&cache_lock);
	return n;
}

void cache_clear(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct cached *c; (c = buckets[i]) != NULL; free(c))
			buckets[i] = c->next;
	cached_count = 0;
}
