/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference counts.
 *
 * x_get() returns its argument so that a stored reference reads as one
 * expression; x_put() frees at zero.  The count dies below zero, and a count
 * that has reached zero cannot be revived by ref_get, only ref_tryget may fail.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>

#include "types.h"

struct ref {
	atomic_uint n;
};

static inline void ref_init(struct ref *r)
{
	atomic_store_explicit(&r->n, 1, memory_order_relaxed);
}

static inline void ref_get(struct ref *r)
{
	unsigned old = atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);
	assert(old > 0 && old < 0x7fffffff);
}

/* For tables that hold no reference: false if the object is already dying. */
static inline bool ref_tryget(struct ref *r)
{
	unsigned old = atomic_load_explicit(&r->n, memory_order_relaxed);
	while (old)
		if (atomic_compare_exchange_weak_explicit(&r->n, &old, old + 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

/* True for the caller that has dropped the last reference: it frees. */
static inline bool ref_put(struct ref *r)
{
	unsigned old = atomic_fetch_sub_explicit(&r->n, 1, memory_order_acq_rel);
	assert(old > 0);
	return old == 1;
}

static inline unsigned ref_count(const struct ref *r)
{
	return atomic_load_explicit(&r->n, memory_order_relaxed);
}
