/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/sync/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "platform/base/lock.h"
#include "platform/host.h"

static struct lock timers = LOCK_INIT(RANK_TIMER);
static struct heap armed;	/* timers: ktimer.deadline */
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

static struct ktimer *first_locked(void)
{
	struct heap_node *n = heap_first(&armed);
	return n ? container_of(n, struct ktimer, deadline) : NULL;
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
	struct ktimer *t;
	while ((t = first_locked()) && t->deadline.key <= clock_mono_ns()) {
		heap_remove(&armed, &t->deadline);
		firing = t;
		unlock(&timers);
		t->fire(t);
		lock(&timers);
		firing = NULL;
		__atomic_fetch_add(&fired_seq, 1, __ATOMIC_RELEASE);
		host_futex_wake(&fired_seq, INT32_MAX);
	}
	int64_t next = t ? t->deadline.key : INT64_MAX;
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
	int err = thread_start_locked();
	if (err == 0) {
		heap_remove(&armed, &t->deadline);
		t->deadline.key = deadline_ns;
		err = heap_add(&armed, &t->deadline);
	}
	bool earliest = err == 0 && heap_first(&armed) == &t->deadline;
	unlock(&timers);
	if (earliest)
		kick_thread();
	return err;
}

/* *out_firing: its fire function runs, and may arm it until it has returned. */
static bool cancel(struct ktimer *t, bool *out_firing)
{
	lock(&timers);
	bool was = t->deadline.slot != 0;
	heap_remove(&armed, &t->deadline);
	*out_firing = firing == t;
	unlock(&timers);
	return was;
}

bool ktimer_cancel(struct ktimer *t)
{
	bool busy;
	return cancel(t, &busy);
}

bool ktimer_cancel_sync(struct ktimer *t)
{
	bool was = false, busy;
	for (;;) {
		uint32_t seen = __atomic_load_n(&fired_seq, __ATOMIC_ACQUIRE);
		was |= cancel(t, &busy);
		if (!busy)
			return was;
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
	heap_free(&armed);
	unlock(&timers);
}
