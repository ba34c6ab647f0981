/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rewritten sites of one address space.
 *
 * Two indexes.  By island: a hash that only grows and is read without a lock,
 * because every rewritten call passes through it.  By text: sorted, under
 * rewrite.index.  A site stays in both until exec, also when its text has been
 * put back: threads may still be in its island, and faults of the time when it
 * was changed may still come.
 *
 * Writers hold rewrite.change.
 */
#pragma once

#include "platform/base/lock.h"
#include "platform/trap/rewrite/emit.h"
#include "platform/trap/rewrite/rewrite.h"

enum { REGIONS_MAX = 64, SITES_MAX = 8192, COUNTERS = 1024 };

enum site_state {
	SITE_DEAD, /* the text is the guest's own again; its island is there */
	SITE_LIVE,
	SITE_GONE, /* the island is not there either */
};

struct site {
	struct place place; /* I */
	uint32_t state;	    /* index; a to look at */
};

/* Never moved while it is in use: a larger one replaces it, the old ones wait for exec. */
struct table {
	struct table *old;
	uint32_t room, count; /* of sites; a power of two */
	uint32_t *by_unit;    /* 2 * room: 0 or 1 + number of a site; a: never changes back */
	uint32_t *by_text;    /* index: numbers sorted by start */
	struct site *sites;
};

/* Memory taken for islands of the text around a file's mapping. */
struct region {
	uaddr_t base, end;	     /* I */
	uaddr_t text_low, text_high; /* I: calls it was taken for */
	int32_t distance;	     /* I: from text to islands, see island_distance() */
	bool gone;		     /* index */
};

struct counter {
	uint64_t rip;	/* a */
	uint32_t traps; /* a */
};

struct rewrite {
	struct lock change;    /* RANK_REWRITE: one writer at a time */
	struct lock window;    /* RANK_REWRITE, inside change: held while text or islands are not
				  executable */
	struct lock index;     /* RANK_LEAF */
	struct table *table;   /* a; NULL: no site yet */
	uint32_t live;	       /* a: how many */
	uint32_t region_count; /* index */
	struct region regions[REGIONS_MAX];
	unsigned retries; /* window: exec faults since it was last open */
	bool stopped;	  /* a */
	uint32_t moves;	  /* a: regions that are gone */
	uint64_t traps;	  /* a: calls since exec, those of the parent included */
	struct counter counters[COUNTERS];
};

/* -ENOMEM, or -ENOSPC.  *out: the number of the new site, which is dead. */
int site_add(struct rewrite *r, const struct place *place, uint32_t *out);
/* For writers; moves with the next site_add(). */
static inline struct site *site_at(struct rewrite *r, uint32_t number)
{
	return &r->table->sites[number];
}
/* The site whose island holds the address; no lock. */
const struct site *site_by_island(const struct rewrite *r, uaddr_t addr);
/*
 * Position in by_text of the first site that may have a byte at addr or above (dead ones
 * may overlap: look at each until one starts behind); index is held.
 */
uint32_t site_from(const struct table *t, uaddr_t addr);
/* The live site of which addr is a byte, not the first; index is held. */
struct site *site_by_text(const struct rewrite *r, uaddr_t addr);
void site_set(struct rewrite *r, uint32_t number, enum site_state state);
/* All sites and regions vanish. */
void sites_clear(struct rewrite *r);
int sites_copy(struct rewrite *to, const struct rewrite *from);

/* An island's address for a site: 0, -ENOSPC, -ENOMEM.  May map a region for it. */
int island_place(struct rewrite *r, struct ctx *by, const struct rewrite_req *req,
		 struct place *place);

extern const struct rewrite_host *rewrite_host;
