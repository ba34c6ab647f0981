/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/pagetree.h"

#include <errno.h>
#include <stdlib.h>

enum { NODE_BITS = 6, NODE_SLOTS = 1 << NODE_BITS };

struct node {
	unsigned used; /* slots that are not NULL */
	void *slot[NODE_SLOTS];
};

/* Indexes that a subtree of that height covers, less one. */
static uint64_t span(unsigned height)
{
	return (1ull << (NODE_BITS * height)) - 1;
}

static unsigned slot_of(uint64_t index, unsigned height)
{
	return (unsigned)(index >> (NODE_BITS * (height - 1))) & (NODE_SLOTS - 1);
}

char *pagetree_get(const struct pagetree *t, uint64_t index)
{
	if (index > span(t->height))
		return NULL;
	void *p = t->root;
	for (unsigned h = t->height; h > 0 && p; h--)
		p = ((struct node *)p)->slot[slot_of(index, h)];
	return p;
}

static int tree_grow(struct pagetree *t, uint64_t index)
{
	while (index > span(t->height)) {
		if (t->root) {
			struct node *n = calloc(1, sizeof *n);
			if (!n)
				return -ENOMEM;
			n->slot[0] = t->root;
			n->used = 1;
			t->root = n;
		}
		t->height++;
	}
	return 0;
}

/* Frees nodes on the way to index that have become empty. */
static void tree_prune(void **p, unsigned height, uint64_t index)
{
	struct node *n = *p;
	if (height == 0 || !n)
		return;
	void **child = &n->slot[slot_of(index, height)];
	bool had = *child != NULL;
	tree_prune(child, height - 1, index);
	if (had && !*child)
		n->used--;
	if (n->used == 0) {
		free(n);
		*p = NULL;
	}
}

int pagetree_make(struct pagetree *t, uint64_t index, char **out)
{
	int err = tree_grow(t, index);
	if (err < 0)
		return err;
	void **p = &t->root;
	struct node *above = NULL;
	for (unsigned h = t->height; h > 0; h--) {
		if (!*p) {
			*p = calloc(1, sizeof(struct node));
			if (!*p)
				goto undo_nodes;
			if (above)
				above->used++;
		}
		above = *p;
		p = &above->slot[slot_of(index, h)];
	}
	if (!*p) {
		*p = calloc(1, PAGE_SIZE);
		if (!*p)
			goto undo_nodes;
		if (above)
			above->used++;
		t->count++;
	}
	*out = *p;
	return 0;

undo_nodes:
	tree_prune(&t->root, t->height, index);
	return -ENOMEM;
}

/* Frees first..last (relative to this subtree); true if the subtree is gone. */
static bool drop(struct pagetree *t, void *p, unsigned height, uint64_t first, uint64_t last)
{
	if (height == 0) {
		free(p);
		t->count--;
		return true;
	}
	struct node *n = p;
	uint64_t below = span(height - 1);
	for (unsigned i = slot_of(first, height); i <= slot_of(last, height); i++) {
		uint64_t base = (uint64_t)i * (below + 1);
		if (!n->slot[i])
			continue;
		if (drop(t, n->slot[i], height - 1, first > base ? first - base : 0,
			 min_u64(last - base, below))) {
			n->slot[i] = NULL;
			n->used--;
		}
	}
	if (n->used > 0)
		return false;
	free(n);
	return true;
}

void pagetree_drop(struct pagetree *t, uint64_t first, uint64_t last)
{
	last = min_u64(last, span(t->height));
	if (!t->root || first > last)
		return;
	if (drop(t, t->root, t->height, first, last)) {
		t->root = NULL;
		t->height = 0;
	}
}

static char *next(void *p, unsigned height, uint64_t *index)
{
	if (height == 0 || !p)
		return p;
	struct node *n = p;
	uint64_t below = span(height - 1), rel = *index & below;
	for (unsigned i = slot_of(*index, height); i < NODE_SLOTS; i++, rel = 0) {
		char *page = n->slot[i] ? next(n->slot[i], height - 1, &rel) : NULL;
		if (page) {
			*index = (uint64_t)i * (below + 1) + rel;
			return page;
		}
	}
	return NULL;
}

char *pagetree_next(const struct pagetree *t, uint64_t *index)
{
	if (*index > span(t->height))
		return NULL;
	return next(t->root, t->height, index);
}
