/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#ifdef VEDETTE_CHECK
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

static const char *const names[] = {
#define X(name) #name,
	COUNTED(X)
#undef X
};

static atomic_int counts[COUNT_KINDS];

void count_add(enum counted kind, int n)
{
	int old = atomic_fetch_add_explicit(&counts[kind], n, memory_order_relaxed);
	assert(old + n >= 0);
}

int count_check(char *out, size_t size)
{
	int kinds = 0;
	size_t used = 0;
	for (int i = 0; i < COUNT_KINDS; i++) {
		int n = atomic_load_explicit(&counts[i], memory_order_relaxed);
		if (n != 0 && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s %d %s",
						 kinds ? "," : "leak:", n, names[i]);
		kinds += n != 0;
	}
	return kinds;
}
#endif
