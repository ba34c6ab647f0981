/* SPDX-License-Identifier: Apache-2.0 */
/* How a fiber starts, sleeps, is woken, and waits for its guest thread: platform_ops.strands. */
#include <errno.h>

#include "platform/trap/pool/private.h"

static int strand_start(void (*fn)(void *arg), void *arg)
{
	struct fiber *f = fiber_new(fn, arg);
	int err = f ? pool_start(f) : -EAGAIN;
	if (err == 0)
		return 0;
	if (f)
		fiber_free(f);
	return -EAGAIN;
}

static __attribute__((noreturn)) void strand_end(void)
{
	struct worker *w = worker_self();
	w->fiber->want = WANT_END;
	fiber_end(w->fiber, &w->at);
}

/* To the worker's own stack; what it wants is in f. */
static void go(struct fiber *f)
{
	struct worker *w = worker_self();
	lock_assert_none();
	fiber_account(f);
	fiber_leave(f, &w->at);
}

static struct strand *strand_self(void)
{
	return (struct strand *)fiber_self();
}

static int strand_sleep(uint32_t *word, uint32_t expect, int64_t deadline_ns)
{
	struct fiber *f = fiber_self();
	struct ctx *c = trap_current();
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expect)
		return 0;
	if (c)
		mode_sleeps(c);
	f->want = WANT_WORD;
	f->word = word;
	f->expect = expect;
	f->deadline.key = deadline_ns;
	go(f);
	return f->timed_out ? -ETIMEDOUT : 0;
}

static void strand_wake(struct strand *s)
{
	struct fiber *f = (struct fiber *)s;
	unsigned parked = FIBER_PARKED;
	if (atomic_compare_exchange_strong(&f->state, &parked, FIBER_READY))
		pool_post(f);
}

static int64_t strand_time(void)
{
	struct fiber *f = fiber_self();
	fiber_account(f);
	return ticks_ns(f->ticks);
}

const struct strand_ops pool_strands = {
	.start = strand_start,
	.end = strand_end,
	.self = strand_self,
	.sleep = strand_sleep,
	.wake = strand_wake,
	.time = strand_time,
};

enum { FIRST_LOOK = 2 }; /* in pauses */

/* Nobody else needs this worker: what its one guest thread says is heard without a switch. */
static bool look_alone(struct pool *p, struct fiber *f)
{
	struct slot *s = f->ctx->slot;
	if (!list_empty(&p->out) || p->first || heap_first(&p->sleepers))
		return false;
	fiber_account(f);
	bool ours;
	uint64_t until = hand_look_until(f->ctx->mode == APART, f->ctx->woken), last = 0, now;
	/* As in stub/handler.c: a look too early costs both sides more than it saves. */
	for (uint32_t i = 0; until > 0 && i < FIRST_LOOK; i++)
		__builtin_ia32_pause();
	while (!(ours = hand_is_ours(s)) &&
	       !atomic_load_explicit(&p->inbox, memory_order_relaxed) &&
	       (now = ticks_now()) < until) {
		mode_looks(p, last, now);
		last = now;
		__builtin_ia32_pause();
	}
	f->since = ticks_now();
	if (ours)
		mode_seen(f->ctx);
	return ours;
}

int pool_await(struct ctx *c, int64_t deadline_ns)
{
	struct fiber *f = fiber_self();
	f->ctx = c;
	if (worker_self()->leads && look_alone(f->pool, f))
		return 0;
	f->want = WANT_TURN;
	f->deadline.key = deadline_ns;
	go(f);
	return f->timed_out ? -ETIMEDOUT : 0;
}
