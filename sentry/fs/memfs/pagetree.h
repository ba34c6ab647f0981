/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sparse array of heap pages: a radix tree that is as high as its highest
 * index needs.  A tree of height 0 is one page and nothing else, so a small
 * file costs no more than its page.
 *
 * No locking of its own.
 */
#pragma once

#include "platform/base/types.h"

struct pagetree {
	void *root;	/* a page at height 0, else a node; NULL: empty */
	unsigned height;
	uint64_t count;	/* pages present */
};

/* The page, or NULL where there is none. */
char *pagetree_get(const struct pagetree *t, uint64_t index);
/* The page, made of zeros if missing; -ENOMEM. */
int pagetree_make(struct pagetree *t, uint64_t index, char **out);
/* Frees the pages first..last (inclusive). */
void pagetree_drop(struct pagetree *t, uint64_t first, uint64_t last);
/* The first page present at or after *index, which is moved there; NULL: none. */
char *pagetree_next(const struct pagetree *t, uint64_t *index);
