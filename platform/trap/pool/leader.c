/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pool's leader does: fibers in line, guest threads in guest code, sleepers; and
 * when there is nothing of these.  Everything here is its alone (L in pool.h).
 */
#include "platform/trap/pool/private.h"

#include <stdlib.h>

#include "platform/base/image.h"
#include "platform/base/ticks.h"

/* Fibers run between two looks at the clock, while somebody sleeps by it. */
enum { EXPIRE_EVERY = 16 };

/* So long after sites have been analysed, what did that is not needed any more. */
static const int64_t FORGET_NS = NSEC_PER_SEC;

static void line_add(struct pool *p, struct fiber *f)
{
	f->next = NULL;
	*p->last = f;
	p->last = &f->next;
}

static struct fiber *line_take(struct pool *p)
{
	struct fiber *f = p->first;
	if (f && !(p->first = f->next))
		p->last = &p->first;
	return f;
}

static void sleep_until(struct pool *p, struct fiber *f)
{
	/* A sandbox without memory for a list of pointers cannot go on correctly. */
	if (f->deadline.key != INT64_MAX && heap_add(&p->sleepers, &f->deadline) < 0)
		abort();
}

static bool is_out(const struct fiber *f)
{
	return !list_empty(&f->out);
}

static void count_out(struct pool *p, const struct ctx *c, int n)
{
	unsigned *count = c->mode == APART ? &p->apart_out : &p->joint_out;
	__atomic_store_n(count, *count + (unsigned)n, __ATOMIC_RELAXED);
}

static void out_add(struct pool *p, struct fiber *f)
{
	list_append(&p->out, &f->out);
	p->turns++;
	count_out(p, f->ctx, 1);
	p->woken |= f->ctx->woken;
}

static void out_remove(struct pool *p, struct fiber *f)
{
	list_del(&f->out);
	count_out(p, f->ctx, -1);
}

/* Of a fiber that waits for a word.  Whoever wakes it changes the word first. */
static void park(struct pool *p, struct fiber *f)
{
	unsigned parked = FIBER_PARKED;
	f->timed_out = false;
	atomic_store(&f->state, FIBER_PARKED);
	if (__atomic_load_n(f->word, __ATOMIC_SEQ_CST) != f->expect &&
	    atomic_compare_exchange_strong(&f->state, &parked, FIBER_RUNS))
		line_add(p, f);
	else
		sleep_until(p, f); /* also of one that is in the inbox by now */
}

/* What a fiber that has left its worker wants. */
static void settle(struct pool *p, struct fiber *f)
{
	switch (f->want) {
	case WANT_RUN:
		line_add(p, f);
		break;
	case WANT_WORD:
		park(p, f);
		break;
	case WANT_TURN:
		f->timed_out = false;
		sleep_until(p, f);
		out_add(p, f);
		break;
	case WANT_END:
		break;
	}
}

static void inbox_take(struct pool *p)
{
	if (!atomic_load_explicit(&p->inbox, memory_order_relaxed))
		return;
	struct fiber *f = atomic_exchange(&p->inbox, NULL), *in_order = NULL;
	while (f) {
		struct fiber *next = f->next;
		f->next = in_order;
		in_order = f;
		f = next;
	}
	while (in_order) {
		f = in_order;
		in_order = f->next;
		if (atomic_load(&f->state) != FIBER_READY) {
			settle(p, f);
			continue;
		}
		heap_remove(&p->sleepers, &f->deadline);
		atomic_store(&f->state, FIBER_RUNS);
		line_add(p, f);
	}
}

/* Wakes whose time has come. */
static void expire(struct pool *p)
{
	struct heap_node *n;
	int64_t now = hand_now();
	while ((n = heap_first(&p->sleepers)) && n->key <= now) {
		struct fiber *f = container_of(n, struct fiber, deadline);
		unsigned parked = FIBER_PARKED;
		heap_remove(&p->sleepers, n);
		if (is_out(f))
			out_remove(p, f);
		else if (!atomic_compare_exchange_strong(&f->state, &parked, FIBER_RUNS))
			continue; /* in the inbox already */
		f->timed_out = true;
		line_add(p, f);
	}
}

/* One look at each guest thread: a fiber whose turn has come, or NULL. */
static struct fiber *look_once(struct pool *p)
{
	struct list *l;
	for (l = p->out.next; l != &p->out; l = l->next) {
		struct fiber *f = container_of(l, struct fiber, out);
		if (!hand_is_ours(f->ctx->slot))
			continue;
		out_remove(p, f);
		heap_remove(&p->sleepers, &f->deadline);
		if (!p->slept)
			mode_seen(f->ctx);
		mode_back(f->ctx);
		hand_meet(f->ctx);
		return f;
	}
	return NULL;
}

static struct fiber *look(struct pool *p)
{
	struct fiber *f = look_once(p);
	uint64_t until = f ? 0 : hand_look_until(p->apart_out, p->woken), now;
	p->woken = false;
	p->slept = false;
	for (uint64_t last = 0; !f && (now = ticks_now()) < until; last = now) {
		if (atomic_load_explicit(&p->inbox, memory_order_relaxed))
			break;
		mode_looks(p, last, now);
		__builtin_ia32_pause();
		f = look_once(p);
	}
	return f;
}

unsigned pool_computing(uint64_t since)
{
	struct worker *w = worker_self();
	unsigned n = 0;
	struct list *l;
	if (!w || !w->leads)
		return 0;
	for (l = w->pool->out.next; l != &w->pool->out; l = l->next) {
		const struct ctx *c = container_of(l, struct fiber, out)->ctx;
		n += c->mode == JOINT && c->given < since;
	}
	return n;
}

bool pool_tell_stubs(struct pool *p, enum pool_bell which)
{
	struct list *l;
	bool none = true;
	for (l = p->out.next; l != &p->out; l = l->next) {
		struct fiber *f = container_of(l, struct fiber, out);
		none &= hand_tell(f->ctx->slot, TURN_BELL + POOL_BELLS * p->number + which);
	}
	return none;
}

static void for_all_out(struct pool *p, void (*fn)(struct ctx *c))
{
	struct list *l;
	for (l = p->out.next; l != &p->out; l = l->next)
		fn(container_of(l, struct fiber, out)->ctx);
}

static int64_t keeps_for(const struct pool *p)
{
	int64_t ns = INT64_MAX;
	const struct list *l;
	for (l = p->out.next; l != &p->out; l = l->next) {
		int64_t own = mode_keeps(container_of(l, const struct fiber, out)->ctx);
		ns = own < ns ? own : ns;
	}
	return ns;
}

/*
 * Until our own image is to be forgotten.  Not after a sleep of that length: a sleep with an end
 * costs a host call more, and who is always woken earlier would pay it for ever.
 */
static int64_t forgets_in(struct pool *p)
{
	uint64_t now = ticks_now();
	if (!image_is_touched()) {
		p->touched = 0;
		return INT64_MAX;
	}
	if (p->touched == 0)
		p->touched = now;
	if (ticks_ns(now - p->touched) < FORGET_NS)
		return FORGET_NS - ticks_ns(now - p->touched);
	p->touched = 0;
	image_forget();
	return INT64_MAX;
}

static void bell_wait(struct pool *p)
{
	struct heap_node *n = heap_first(&p->sleepers);
	int64_t left = n ? n->key - hand_now() : INT64_MAX;
	int64_t keep = keeps_for(p), forget = forgets_in(p);
	bool keeps = left > keep;
	if (keeps)
		left = keep;
	left = forget < left ? forget : left;
	trap_calls++;
	if (left <= 0 || host_bell_wait(p->bells[BELL], left))
		return;
	/* Who computes is not to be kept off a CPU whose leader has nothing to do: on its next way
	 * back, which is made now, it joins (mode.c). */
	if (keeps)
		for_all_out(p, mode_release);
}

/* This worker goes where the pool is at home. */
static void follow(struct worker *w)
{
	bool pin = w->pool->home >= 0;
	if (w->pinned == pin)
		return;
	trap_calls++;
	if (pin)
		host_set_cpu(0, (unsigned)w->pool->home);
	else
		hand_roam();
	w->pinned = pin;
}

/* Nothing to do, as it seems. */
static void idle(struct worker *w)
{
	struct pool *p = w->pool;
	for_all_out(p, mode_vain);
	if (p->home >= 0 && __atomic_load_n(&p->placed, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&p->home, -1, __ATOMIC_RELAXED);
	follow(w);
	atomic_store(&p->state, POOL_ASLEEP);
	if (pool_tell_stubs(p, BELL) && !atomic_load(&p->inbox)) {
		uint64_t from = ticks_now();
		bell_wait(p);
		worker_resumes(w, from);
		p->slept = true;
	}
	atomic_store(&p->state, POOL_BUSY);
	if (heap_first(&p->sleepers))
		expire(p);
}

static void run(struct worker *w, struct fiber *f)
{
	w->fiber = f;
	f->since = ticks_now();
	locals_use(&f->locals);
	fiber_enter(&w->at, f);
	locals_use(NULL);
	w->fiber = NULL;
	if (f->want == WANT_END) {
		atomic_fetch_sub(&w->pool->living, 1);
		fiber_free(f);
	} else if (w->leads) {
		settle(w->pool, f);
	} else {
		pool_post(f);
	}
}

void pool_lead(struct worker *w)
{
	struct pool *p = w->pool;
	follow(w);
	while (w->leads) {
		inbox_take(p);
		if (heap_first(&p->sleepers) && ++p->rounds % EXPIRE_EVERY == 0)
			expire(p);
		struct fiber *f = line_take(p);
		if (!f)
			f = look(p);
		if (f)
			run(w, f);
		else if (!atomic_load_explicit(&p->inbox, memory_order_relaxed))
			idle(w);
	}
}
