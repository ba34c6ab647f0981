/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of page numbers: bitmaps of 4096 bytes, each for 128 MiB of a file, in
 * a tree that has only those that are not empty.
 *
 * No locking of its own.
 */
#pragma once

#include "sentry/fs/memfs/pagetree.h"

struct pageset {
	struct pagetree maps;
	uint64_t count;		/* members */
};

#define PAGESET_NONE UINT64_MAX

bool pageset_has(const struct pageset *s, uint64_t page);
/* Members of first..last (inclusive). */
uint64_t pageset_within(const struct pageset *s, uint64_t first, uint64_t last);
/* Adds first..last; -ENOMEM: nothing was added. */
int pageset_add(struct pageset *s, uint64_t first, uint64_t last);
/* Takes first..last out; how many there were. */
uint64_t pageset_remove(struct pageset *s, uint64_t first, uint64_t last);
/* The first member at or after page, PAGESET_NONE if there is none. */
uint64_t pageset_next(const struct pageset *s, uint64_t page);
/* The first number at or after page that is no member. */
uint64_t pageset_gap(const struct pageset *s, uint64_t page);
