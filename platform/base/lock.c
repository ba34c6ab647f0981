/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rank checks keep the locks a thread holds in a small thread-local stack; a
 * release build has none of it.
 */
#include "lock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef VEDETTE_CHECK
enum { HELD_MAX = 32 };
static __thread const struct lock *held[HELD_MAX];
static __thread unsigned held_count;

static void held_add(const struct lock *l)
{
	assert(held_count < HELD_MAX);
	held[held_count++] = l;
}

static void held_push(const struct lock *l, bool nested)
{
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i] == l || held[i]->rank > l->rank ||
		    (held[i]->rank == l->rank && !nested)) {
			fprintf(stderr, "lock order: rank %u taken while holding rank %u%s\n",
				l->rank, held[i]->rank, held[i] == l ? " (the same lock)" : "");
			abort();
		}
	}
	held_add(l);
}

static void held_pop(const struct lock *l)
{
	for (unsigned i = held_count; i-- > 0;) {
		if (held[i] == l) {
			held[i] = held[--held_count];
			return;
		}
	}
	fprintf(stderr, "lock order: rank %u released but not held\n", l->rank);
	abort();
}

void lock_assert_held(const struct lock *l)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == l)
			return;
	fprintf(stderr, "lock order: rank %u must be held here\n", l->rank);
	abort();
}

void lock_assert_none(void)
{
	if (held_count == 0)
		return;
	fprintf(stderr, "lock order: sleeping while holding rank %u\n", held[0]->rank);
	abort();
}
#else
static void held_add(const struct lock *l)
{
	(void)l;
}

static void held_push(const struct lock *l, bool nested)
{
	(void)l;
	(void)nested;
}

static void held_pop(const struct lock *l)
{
	(void)l;
}

void lock_assert_held(const struct lock *l)
{
	(void)l;
}

void lock_assert_none(void)
{
}
#endif

void lock_init(struct lock *l, enum lockrank rank)
{
	pthread_mutex_init(&l->mutex, NULL);
	l->rank = (uint8_t)rank;
}

static void lock_take(struct lock *l, bool nested) NO_LOCK_ANALYSIS
{
	held_push(l, nested);
	int err = pthread_mutex_lock(&l->mutex);
	assert(err == 0);
}

void lock(struct lock *l) NO_LOCK_ANALYSIS
{
	lock_take(l, /*nested=*/false);
}

bool lock_try(struct lock *l) NO_LOCK_ANALYSIS
{
	if (pthread_mutex_trylock(&l->mutex) != 0)
		return false;
	held_add(l);
	return true;
}

void lock_nested(struct lock *l) NO_LOCK_ANALYSIS
{
	lock_take(l, /*nested=*/true);
}

void unlock(struct lock *l) NO_LOCK_ANALYSIS
{
	held_pop(l);
	int err = pthread_mutex_unlock(&l->mutex);
	assert(err == 0);
}

void lock_pair(struct lock *a, struct lock *b) NO_LOCK_ANALYSIS
{
	struct lock *first = a < b ? a : b, *second = a < b ? b : a;
	lock_take(first, /*nested=*/false);
	if (second != first)
		lock_take(second, /*nested=*/true);
}

void unlock_pair(struct lock *a, struct lock *b) NO_LOCK_ANALYSIS
{
	unlock(a);
	if (b != a)
		unlock(b);
}
