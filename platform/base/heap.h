/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary min-heaps whose nodes live inside the elements.  Whoever uses one locks it.
 */
#pragma once

#include "types.h"

struct heap_node {
	int64_t key;
	size_t slot; /* 0: in no heap */
};

struct heap {
	struct heap_node **at; /* entries 1..count */
	size_t count, room;
};

/* A node that is in no heap, by its key.  0 or -ENOMEM. */
int heap_add(struct heap *h, struct heap_node *n);
/* Of one that is in no heap: nothing. */
void heap_remove(struct heap *h, struct heap_node *n);
/* All of its nodes are in no heap afterwards. */
void heap_free(struct heap *h);

/* The smallest, or NULL. */
static inline struct heap_node *heap_first(const struct heap *h)
{
	return h->count > 0 ? h->at[1] : NULL;
}
