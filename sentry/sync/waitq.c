/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lost wake-ups are impossible because WAITER_WOKEN is sticky: a wake between
 * the test of the condition and the sleep leaves the bit set, and the futex
 * compares the whole word.
 */
#include "sentry/sync/waitq.h"

#include <assert.h>

#include "platform/base/local.h"
#include "platform/host.h"
#include "platform/platform.h"
#include "syscalls/abi/errno.h"

static __thread struct waiter own; /* never a strand's */

static const struct strand_ops *strands(void)
{
	return platform ? platform->strands : NULL;
}

static struct strand *strand_self(void)
{
	return strands() ? strands()->self() : NULL;
}

struct waiter *waiter_self(void)
{
	struct waiter *w = local_get(LOCAL_WAITER);
	return w ? w : &own;
}

void waiter_set_self(struct waiter *w)
{
	struct waiter *old = local_get(LOCAL_WAITER);
	/* Who still sees the strand wakes somebody in vain. */
	if (old)
		__atomic_store_n(&old->strand, NULL, __ATOMIC_SEQ_CST);
	if (w)
		__atomic_store_n(&w->strand, strand_self(), __ATOMIC_SEQ_CST);
	local_set(LOCAL_WAITER, w);
}

/* Its word has been changed. */
static void rouse(struct waiter *w)
{
	struct strand *s = __atomic_load_n(&w->strand, __ATOMIC_SEQ_CST);
	if (s)
		strands()->wake(s);
	else
		host_futex_wake(&w->word, 1);
}

static int rest(struct waiter *w, uint32_t word, int64_t deadline_ns)
{
	return __atomic_load_n(&w->strand, __ATOMIC_RELAXED)
		       ? strands()->sleep(&w->word, word, deadline_ns)
		       : host_futex_wait(&w->word, word, deadline_ns);
}

static uint32_t waiter_load(const struct waiter *w)
{
	return __atomic_load_n(&w->word, __ATOMIC_ACQUIRE);
}

bool waiter_wake(struct waiter *w)
{
	uint32_t old = __atomic_fetch_or(&w->word, WAITER_WOKEN, __ATOMIC_SEQ_CST);
	if (old & WAITER_WOKEN)
		return false;
	rouse(w);
	return true;
}

void waiter_flag(struct waiter *w, uint32_t set, uint32_t clear)
{
	if (clear)
		__atomic_fetch_and(&w->word, ~clear, __ATOMIC_RELEASE);
	if (set && (__atomic_fetch_or(&w->word, set, __ATOMIC_SEQ_CST) & set) != set)
		rouse(w);
}

bool waiter_signalled(const struct waiter *w)
{
	return waiter_load(w) & WAITER_SIGNAL;
}

bool waiter_killed(const struct waiter *w)
{
	return waiter_load(w) & WAITER_KILLED;
}

bool waiter_attention(const struct waiter *w)
{
	return waiter_load(w) & (WAITER_SIGNAL | WAITER_ERRAND | WAITER_PAUSED);
}

void waiter_pause(struct waiter *w, bool on)
{
	if (on)
		__atomic_fetch_or(&w->word, WAITER_PAUSED, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&w->word, ~(uint32_t)WAITER_PAUSED, __ATOMIC_SEQ_CST);
	rouse(w);
}

static int nap(struct waiter *w, uint32_t word, int64_t deadline_ns)
{
	if (w->sleeps)
		__atomic_store_n(w->sleeps, *w->sleeps + 1, __ATOMIC_RELAXED);
	if (w->rests)
		w->rests(w, /*asleep=*/true);
	int err = rest(w, word, deadline_ns);
	if (w->rests)
		w->rests(w, /*asleep=*/false);
	return err;
}

static bool must_stand(uint32_t word)
{
	return (word & (WAITER_PAUSED | WAITER_KILLED)) == WAITER_PAUSED;
}

void waiter_stand(struct waiter *w)
{
	uint32_t v;
	while ((v = waiter_load(w)) & WAITER_ERRAND || must_stand(v)) {
		if (!(v & WAITER_ERRAND)) {
			nap(w, v, WAIT_FOREVER);
			continue;
		}
		__atomic_fetch_and(&w->word, ~(uint32_t)WAITER_ERRAND, __ATOMIC_ACQ_REL);
		w->serve(w);
	}
}

int waiter_sleep(struct waiter *w, enum wait_mode mode, int64_t deadline_ns)
{
	uint32_t stop = mode == WAIT_INTR ? WAITER_SIGNAL | WAITER_KILLED : WAITER_KILLED;

	lock_assert_none();
	for (;;) {
		waiter_stand(w);
		uint32_t v = waiter_load(w);
		if (v & WAITER_ERRAND || must_stand(v))
			continue;
		/* A signal first: one who is woken again and again would never hear of it. */
		if (v & (stop | WAITER_WOKEN)) {
			__atomic_fetch_and(&w->word, ~(uint32_t)WAITER_WOKEN, __ATOMIC_ACQ_REL);
			return v & stop ? -ERESTARTSYS : 0;
		}
		if (nap(w, v, deadline_ns) == -ETIMEDOUT && !must_stand(waiter_load(w)))
			return -ETIMEDOUT;
	}
}

static bool wake_waiter(struct wait_entry *e, uint32_t events)
{
	(void)events;
	return waiter_wake(e->arg);
}

void wait_entry_init(struct wait_entry *e, struct waiter *w, uint32_t events)
{
	*e = (struct wait_entry){.events = events, .wake = wake_waiter, .arg = w};
	list_init(&e->link);
}

void waitq_init(struct waitq *q)
{
	lock_init(&q->lock, RANK_WAITQ);
	list_init(&q->entries);
}

void waitq_destroy(struct waitq *q)
{
	assert(list_empty(&q->entries));
}

void waitq_add(struct waitq *q, struct wait_entry *e)
{
	lock(&q->lock);
	e->q = q;
	if (e->exclusive)
		list_append(&q->entries, &e->link);
	else
		list_push(&q->entries, &e->link);
	unlock(&q->lock);
}

void waitq_remove(struct wait_entry *e)
{
	struct waitq *q = e->q;
	if (!q)
		return;
	lock(&q->lock);
	list_del(&e->link);
	e->q = NULL;
	unlock(&q->lock);
}

static bool wake_locked(struct waitq *q, uint32_t events)
{
	struct wait_entry *e, *next;
	bool any = false;
	list_for_each_safe (e, next, &q->entries, link) {
		if (e->events && events && !(e->events & events))
			continue;
		bool exclusive = e->exclusive;
		bool took = e->wake(e, events);
		any |= took;
		if (exclusive && took)
			break;
	}
	return any;
}

void waitq_wake(struct waitq *q, uint32_t events)
{
	lock(&q->lock);
	wake_locked(q, events);
	unlock(&q->lock);
}

/* Nesting is bounded and acyclic: epoll_ctl refuses loops and more than five levels. */
bool waitq_wake_nested(struct waitq *q, uint32_t events)
{
	lock_nested(&q->lock);
	bool took = wake_locked(q, events);
	unlock(&q->lock);
	return took;
}

bool waitq_busy(struct waitq *q)
{
	lock(&q->lock);
	bool busy = !list_empty(&q->entries);
	unlock(&q->lock);
	return busy;
}
