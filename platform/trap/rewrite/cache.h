/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans of the whole sandbox, by file and offset, so that a new process after
 * exec rewrites without analysing.
 *
 * A plan, once made, stays until rewrite_shutdown(): pointers to it are good
 * until then.  Files are hostile: there is room for CACHE_MAX plans, later sites
 * are not rewritten.
 */
#pragma once

#include "platform/trap/rewrite/source.h"

enum { CACHE_MAX = 1 << 15 };

struct cached {
	struct plan plan;
	uint64_t file[4], off; /* of the `syscall` */
	enum plan_why why;
	struct cached *next; /* of the same bucket */
};

/* Finds or makes the plan; NULL: no room.  Reads the file, so no lock may be held. */
const struct cached *cache_get(const uint64_t file[4], uint64_t off, const struct text_source *src);
/* Plans that are known for the file's bytes [low, high), at most max. */
unsigned cache_find(const uint64_t file[4], uint64_t low, uint64_t high, const struct cached **out,
		    unsigned max);
void cache_clear(void);
