/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES = 500, ROUNDS = 20000 };

static uint32_t next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static int64_t smallest(const struct heap_node *n)
{
	int64_t best = INT64_MAX;
	for (size_t i = 0; i < NODES; i++)
		if (n[i].slot && n[i].key < best)
			best = n[i].key;
	return best;
}

/* Whatever is added and removed, the first is the smallest, and a slot says who is in. */
static void the_first_is_the_smallest(void **state)
{
	static struct heap_node n[NODES];
	struct heap h = {NULL, 0, 0};
	uint32_t x = 1;
	size_t in = 0;
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct heap_node *it = &n[next(&x) % NODES];
		if (it->slot) {
			heap_remove(&h, it);
			in--;
		} else {
			it->key = next(&x) % 1000; /* equal ones too */
			assert_int_equal(heap_add(&h, it), 0);
			in++;
		}
		assert_int_equal(h.count, in);
		if (in > 0)
			assert_int_equal(heap_first(&h)->key, smallest(n));
		else
			assert_null(heap_first(&h));
	}
	heap_free(&h);
}

static void in_order_to_the_end(void **state)
{
	static struct heap_node n[NODES];
	struct heap h = {NULL, 0, 0};
	uint32_t x = 7;
	int64_t last = -1;
	(void)state;
	for (size_t i = 0; i < NODES; i++) {
		n[i].key = next(&x) % 100;
		assert_int_equal(heap_add(&h, &n[i]), 0);
	}
	for (size_t i = 0; i < NODES; i++) {
		struct heap_node *it = heap_first(&h);
		assert_true(it->key >= last);
		last = it->key;
		heap_remove(&h, it);
		assert_int_equal(it->slot, 0);
		heap_remove(&h, it); /* of one that is in none: nothing */
	}
	assert_null(heap_first(&h));
	heap_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_the_smallest),
		cmocka_unit_test(in_order_to_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
