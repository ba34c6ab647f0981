/* SPDX-License-Identifier: Apache-2.0 */
/* Heapsort: the elements are a guest's, so there must be no worst case. */
#include "platform/base/sort.h"

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = a[i];
		a[i] = b[i];
		b[i] = c;
	}
}

/* Element i of a heap of n sinks to where it belongs. */
static void sink(char *base, size_t i, size_t n, size_t size,
		 int (*compare)(const void *a, const void *b))
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + i * size, base + child * size) >= 0)
			return;
		swap(base + i * size, base + child * size, size);
	}
}

void sort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
	for (size_t i = n / 2; i-- > 0;)
		sink(base, i, n, size, compare);
	for (size_t left = n; left-- > 1;) {
		swap(base, (char *)base + left * size, size);
		sink(base, 0, left, size, compare);
	}
}
