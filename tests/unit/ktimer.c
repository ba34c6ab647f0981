/* SPDX-License-Identifier: Apache-2.0 */
/* The timer heap: order, and everything that may come while a timer fires. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/types.h"
#include "sentry/sync/timer.h"

enum { MS = 1000000, ORDERED = 200, THREADS = 4, TIMERS = 24, ROUNDS = 4000 };

static unsigned fired_order[ORDERED], fired; /* fired: a */

struct numbered {
	struct ktimer t;
	unsigned number;
};

static void note(struct ktimer *t)
{
	unsigned at = __atomic_load_n(&fired, __ATOMIC_RELAXED);
	fired_order[at] = container_of(t, struct numbered, t)->number;
	__atomic_store_n(&fired, at + 1, __ATOMIC_RELEASE);
}

static void wait_for(unsigned count)
{
	while (__atomic_load_n(&fired, __ATOMIC_ACQUIRE) < count)
		sched_yield();
}

static void they_fire_in_order(void **state)
{
	static struct numbered timers[ORDERED];
	int64_t start = clock_mono_ns() + 20 * MS;
	(void)state;
	fired = 0;
	for (unsigned i = 0; i < ORDERED; i++) {
		unsigned n = i * 77 % ORDERED;
		timers[n].number = n;
		ktimer_init(&timers[n].t, note);
		assert_int_equal(ktimer_arm(&timers[n].t, start + (ORDERED - n) * 1000), 0);
	}
	/* Moved, both ways. */
	for (unsigned n = 0; n < ORDERED; n += 3)
		assert_int_equal(ktimer_arm(&timers[n].t, start + n * 1000), 0);
	for (unsigned n = 0; n < ORDERED; n++)
		if (n % 3)
			assert_int_equal(ktimer_arm(&timers[n].t, start + n * 1000), 0);
	for (unsigned n = 1; n < ORDERED; n += 2)
		assert_true(ktimer_cancel(&timers[n].t));
	assert_false(ktimer_cancel(&timers[1].t));
	wait_for(ORDERED / 2);
	for (unsigned i = 0; i < ORDERED / 2; i++)
		assert_int_equal(fired_order[i], 2 * i);
}

/* Timers that outlive the thread, as that of stubs that die at the end of a sandbox. */
static void an_end_with_armed_timers(void **state)
{
	struct numbered timers[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
	(void)state;
	fired = 0;
	for (int again = 0; again < 3; again++) {
		for (unsigned i = 0; i < 3; i++) {
			if (again == 0)
				ktimer_init(&timers[i].t, note);
			assert_int_equal(ktimer_arm(&timers[i].t, INT64_MAX - i), 0);
		}
		ktimer_shutdown();
		ktimer_shutdown();
		assert_false(ktimer_cancel(&timers[again].t));
		assert_int_equal(ktimer_arm(&timers[again].t, 0), 0);
		wait_for((unsigned)again + 1);
		ktimer_cancel_sync(&timers[again].t);
	}
	ktimer_shutdown();
}

/* One that is armed by its own fire function, by its owner, and freed by him at any moment. */
struct restless {
	struct ktimer t;
	uint32_t again;	 /* a: how often it arms itself */
	uint64_t canary; /* wrong once it is freed */
};

enum { CANARY = 0x600dc0de };

static void rearm(struct ktimer *t)
{
	struct restless *r = container_of(t, struct restless, t);
	if (__atomic_load_n(&r->canary, __ATOMIC_RELAXED) != CANARY)
		abort();
	if (__atomic_load_n(&r->again, __ATOMIC_RELAXED) == 0)
		return;
	__atomic_fetch_sub(&r->again, 1, __ATOMIC_RELAXED);
	ktimer_arm(t, 0);
}

static struct restless *restless_new(unsigned again)
{
	struct restless *r = malloc(sizeof *r);
	if (!r)
		abort();
	r->again = again;
	r->canary = CANARY;
	ktimer_init(&r->t, rearm);
	return r;
}

static void restless_free(struct restless *r)
{
	ktimer_cancel_sync(&r->t);
	memset(r, 0xee, sizeof *r);
	free(r);
}

static void *worry(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct restless *mine[TIMERS];
	for (int i = 0; i < TIMERS; i++)
		mine[i] = restless_new(1000);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t now = clock_mono_ns();
		seed = seed * 1103515245 + 12345;
		struct restless **r = &mine[(seed >> 16) % TIMERS];
		switch (seed >> 8 & 7) {
		case 0:
			restless_free(*r);
			*r = restless_new(seed >> 24);
			break;
		case 1:
			ktimer_cancel(&(*r)->t);
			break;
		case 2:
			ktimer_cancel_sync(&(*r)->t);
			break;
		default:
			if (ktimer_arm(&(*r)->t, now + (seed >> 20)) < 0)
				abort();
		}
	}
	for (int i = 0; i < TIMERS; i++)
		restless_free(mine[i]);
	return NULL;
}

static void anything_while_they_fire(void **state)
{
	pthread_t t[THREADS];
	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worry, (void *)(i * 7919 + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ktimer_shutdown();
}

/* The narrow one: cancelled just when the fire function arms it for the last time. */
static void freed_when_it_arms_itself(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct restless *r = restless_new(1);
		ktimer_arm(&r->t, 0);
		while (__atomic_load_n(&r->again, __ATOMIC_SEQ_CST) == 1)
			sched_yield();
		restless_free(r);
	}
	ktimer_shutdown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_fire_in_order),
		cmocka_unit_test(an_end_with_armed_timers),
		cmocka_unit_test(anything_while_they_fire),
		cmocka_unit_test(freed_when_it_arms_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
