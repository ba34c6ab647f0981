/* SPDX-License-Identifier: Apache-2.0 */
/* Slot 0 is unused, so that 0 can mean "in no heap". */
#include "heap.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct heap *h, struct heap_node *n, size_t i)
{
	h->at[i] = n;
	n->slot = i;
}

static void sift_up(struct heap *h, struct heap_node *n, size_t i)
{
	for (; i > 1 && h->at[i / 2]->key > n->key; i /= 2)
		place(h, h->at[i / 2], i);
	place(h, n, i);
}

static void sift_down(struct heap *h, struct heap_node *n, size_t i)
{
	for (;;) {
		size_t child = 2 * i;
		if (child > h->count)
			break;
		if (child < h->count && h->at[child + 1]->key < h->at[child]->key)
			child++;
		if (h->at[child]->key >= n->key)
			break;
		place(h, h->at[child], i);
		i = child;
	}
	place(h, n, i);
}

int heap_add(struct heap *h, struct heap_node *n)
{
	if (h->count + 1 >= h->room) {
		size_t room = h->room ? h->room * 2 : 64;
		struct heap_node **bigger = realloc(h->at, room * sizeof *bigger);
		if (!bigger)
			return -ENOMEM;
		h->at = bigger;
		h->room = room;
	}
	sift_up(h, n, ++h->count);
	return 0;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	size_t i = n->slot;
	if (i == 0)
		return;
	struct heap_node *last = h->at[h->count--];
	n->slot = 0;
	if (last == n)
		return;
	if (i > 1 && h->at[i / 2]->key > last->key)
		sift_up(h, last, i);
	else
		sift_down(h, last, i);
}

void heap_free(struct heap *h)
{
	for (size_t i = 1; i <= h->count; i++)
		h->at[i]->slot = 0;
	free(h->at);
	*h = (struct heap){NULL, 0, 0};
}
