/* SPDX-License-Identifier: Apache-2.0 */
/* A binary min-heap; slot 0 is unused so that slot == 0 can mean "not armed". */
#include "sentry/sync/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "platform/base/lock.h"
#include "platform/host.h"

static struct lock timers = LOCK_INIT(RANK_TIMER);
static struct ktimer **heap;	/* timers */
static size_t heap_count, heap_size;	/* timers; entries 1..heap_count */
static struct ktimer *firing;	/* timers: whose fire function runs now */
static uint32_t fired_seq;	/* a: changes when a fire function has returned */
static uint32_t kick;		/* a: changes when the earliest deadline may have changed */
static bool running, stopping;	/* timers */
static pthread_t thread;

int64_t clock_mono_ns(void)
{
	int64_t ns = 0;
	host_clock_get(CLOCK_MONOTONIC, &ns);
	return ns;
}

int64_t clock_real_ns(void)
{
	int64_t ns = 0;
	host_clock_get(CLOCK_REALTIME, &ns);
	return ns;
}

int64_t clock_real_coarse_ns(void)
{
	int64_t ns = 0;
	host_clock_get(CLOCK_REALTIME_COARSE, &ns);
	return ns;
}

static void heap_place(struct ktimer *t, size_t i)
{
	heap[i] = t;
	t->slot = i;
}

static void heap_up(struct ktimer *t, size_t i)
{
	for (; i > 1 && heap[i / 2]->deadline_ns > t->deadline_ns; i /= 2)
		heap_place(heap[i / 2], i);
	heap_place(t, i);
}

static void heap_down(struct ktimer *t, size_t i)
{
	for (;;) {
		size_t child = 2 * i;
		if (child > heap_count)
			break;
		if (child < heap_count && heap[child + 1]->deadline_ns < heap[child]->deadline_ns)
			child++;
		if (heap[child]->deadline_ns >= t->deadline_ns)
			break;
		heap_place(heap[child], i);
		i = child;
	}
	heap_place(t, i);
}

static void heap_remove(struct ktimer *t)
{
	size_t i = t->slot;
	struct ktimer *last = heap[heap_count--];
	t->slot = 0;
	if (last == t)
		return;
	if (i > 1 && heap[i / 2]->deadline_ns > last->deadline_ns)
		heap_up(last, i);
	else
		heap_down(last, i);
}

static void kick_thread(void)
{
	__atomic_fetch_add(&kick, 1, __ATOMIC_RELEASE);
	host_futex_wake(&kick, 1);
}

/* Fires all that is due; returns the next deadline. */
static int64_t fire_due(void)
{
	lock(&timers);
	while (heap_count > 0 && heap[1]->deadline_ns <= clock_mono_ns()) {
		struct ktimer *t = heap[1];
		heap_remove(t);
		firing = t;
		unlock(&timers);
		t->fire(t);
		lock(&timers);
		firing = NULL;
		__atomic_fetch_add(&fired_seq, 1, __ATOMIC_RELEASE);
		host_futex_wake(&fired_seq, INT32_MAX);
	}
	int64_t next = heap_count > 0 ? heap[1]->deadline_ns : INT64_MAX;
	unlock(&timers);
	return next;
}

static void *timer_main(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = __atomic_load_n(&kick, __ATOMIC_ACQUIRE);
		lock(&timers);
		bool stop = stopping;
		unlock(&timers);
		if (stop)
			return NULL;
		int64_t next = fire_due();
		host_futex_wait(&kick, seen, next);
	}
}

static int heap_reserve_locked(void)
{
	if (heap_count + 1 < heap_size)
		return 0;
	size_t size = heap_size ? heap_size * 2 : 64;
	struct ktimer **bigger = realloc(heap, size * sizeof *heap);
	if (!bigger)
		return -ENOMEM;
	heap = bigger;
	heap_size = size;
	return 0;
}

static int thread_start_locked(void)
{
	if (running)
		return 0;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024); /* thread-local storage counts too */
	int err = pthread_create(&thread, &attr, timer_main, NULL);
	pthread_attr_destroy(&attr);
	running = err == 0;
	return err ? -ENOMEM : 0;
}

void ktimer_init(struct ktimer *t, void (*fire)(struct ktimer *t))
{
	*t = (struct ktimer){.fire = fire};
}

int ktimer_arm(struct ktimer *t, int64_t deadline_ns)
{
	lock(&timers);
	int err = heap_reserve_locked();
	if (err == 0)
		err = thread_start_locked();
	if (err == 0) {
		if (t->slot)
			heap_remove(t);
		t->deadline_ns = deadline_ns;
		heap_count++;
		heap_up(t, heap_count);
	}
	bool earliest = err == 0 && t->slot == 1;
	unlock(&timers);
	if (earliest)
		kick_thread();
	return err;
}

/* *out_firing: its fire function runs, and may arm it until it has returned. */
static bool cancel(struct ktimer *t, bool *out_firing)
{
	lock(&timers);
	bool armed = t->slot != 0;
	if (armed)
		heap_remove(t);
	*out_firing = firing == t;
	unlock(&timers);
	return armed;
}

bool ktimer_cancel(struct ktimer *t)
{
	bool busy;
	return cancel(t, &busy);
}

bool ktimer_cancel_sync(struct ktimer *t)
{
	bool armed = false, busy;
	for (;;) {
		uint32_t seen = __atomic_load_n(&fired_seq, __ATOMIC_ACQUIRE);
		armed |= cancel(t, &busy);
		if (!busy)
			return armed;
		host_futex_wait(&fired_seq, seen, INT64_MAX);
	}
}

/* What is armed still has an owner, who may cancel or arm it later: a stub may die at any time. */
void ktimer_shutdown(void)
{
	lock(&timers);
	bool join = running;
	stopping = join;
	unlock(&timers);
	if (!join)
		return;
	kick_thread();
	pthread_join(thread, NULL);
	lock(&timers);
	running = stopping = false;
	for (size_t i = 1; i <= heap_count; i++)
		heap[i]->slot = 0;
	free(heap);
	heap = NULL;
	heap_count = heap_size = 0;
	unlock(&timers);
}
