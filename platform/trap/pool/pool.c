/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers and their office: see pool.h.
 *
 * No wake-up is lost.  Who has something for the leader first says so (a fiber in the
 * inbox, a turn) and then reads the state; the leader first writes the state and then
 * looks at all of it once more.  Stubs read no state: the word in their slot tells them
 * which descriptor to ring, and giving the turn and being told so are both exchanges of it.
 */
#include "platform/trap/pool/private.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/base/log.h"
#include "platform/base/ticks.h"
#include "platform/trap/trap.h"

enum {
	WORKER_STACK = 256 << 10,
	CPUS_A_POOL = 4,
	IDLE_MAX = 2, /* workers that wait for the alarm: the next one, and the one after that */
	EXPIRE_EVERY =
		16, /* fibers run between two looks at the clock, while somebody sleeps by it */
};

/* For so long a leader that sleeps keeps its CPU free of guest threads that are apart. */
static const int64_t KEEP_NS = HAND_KEEP_US * (NSEC_PER_SEC / 1000000);

static struct pool pools[POOLS_MAX];
static unsigned npools;
static struct lock start_lock = LOCK_INIT(RANK_PLATFORM);
static __thread struct worker *worker;

__attribute__((noinline)) struct worker *worker_self(void)
{
	return worker;
}

struct fiber *fiber_self(void)
{
	struct worker *w = worker_self();
	return w ? w->fiber : NULL;
}

size_t pool_descriptors(int out[POOLS_MAX * POOL_BELLS])
{
	size_t n = 0;
	for (unsigned i = 0; i < npools; i++)
		for (unsigned j = 0; j < POOL_BELLS; j++)
			out[n++] = pools[i].bells[j];
	return n;
}

void pool_ring_bell(const struct pool *p, enum pool_bell which)
{
	trap_calls++;
	host_bell_ring(p->bells[which]);
}

void pool_ring(struct pool *p)
{
	atomic_thread_fence(memory_order_seq_cst);
	unsigned state = atomic_load(&p->state);
	if (state == POOL_ASLEEP && atomic_compare_exchange_strong(&p->state, &state, POOL_BUSY))
		pool_ring_bell(p, BELL);
	else if (state == POOL_BLOCKED)
		pool_ring_bell(p, ALARM);
}

void pool_post(struct fiber *f)
{
	struct pool *p = f->pool;
	struct fiber *head = atomic_load_explicit(&p->inbox, memory_order_relaxed);
	do
		f->next = head;
	while (!atomic_compare_exchange_weak(&p->inbox, &head, f));
	pool_ring(p);
}

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

static void joint_out_add(struct pool *p, int n)
{
	__atomic_store_n(&p->joint_out, p->joint_out + (unsigned)n, __ATOMIC_RELAXED);
}

static void out_add(struct pool *p, struct fiber *f)
{
	list_append(&p->out, &f->out);
	p->apart_out += f->ctx->apart;
	joint_out_add(p, f->ctx->apart ? 0 : 1);
	p->woken |= f->ctx->woken;
}

static void out_remove(struct pool *p, struct fiber *f)
{
	list_del(&f->out);
	p->apart_out -= f->ctx->apart;
	joint_out_add(p, f->ctx->apart ? 0 : -1);
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
			hand_seen(f->ctx);
		hand_meet(f->ctx);
		return f;
	}
	return NULL;
}

static struct fiber *look(struct pool *p)
{
	struct fiber *f = look_once(p);
	uint64_t until = f ? 0 : hand_look_until(p->apart_out, p->woken);
	p->woken = false;
	p->slept = false;
	while (!f && ticks_now() < until &&
	       !atomic_load_explicit(&p->inbox, memory_order_relaxed)) {
		__builtin_ia32_pause();
		f = look_once(p);
	}
	return f;
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

static void bell_wait(struct pool *p)
{
	struct heap_node *n = heap_first(&p->sleepers);
	int64_t left = n ? n->key - hand_now() : INT64_MAX;
	bool keeps = p->apart_out > 0 && left > KEEP_NS;
	trap_calls++;
	/* Who computes is not to be kept off a CPU whose leader has nothing to do: on its next way
	 * back, which is made now, it joins (hand.c). */
	if (left > 0 && !host_bell_wait(p->bells[BELL], keeps ? KEEP_NS : left) && keeps)
		for_all_out(p, hand_release);
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
	for_all_out(p, hand_vain);
	if (p->home >= 0 && __atomic_load_n(&p->apart, __ATOMIC_RELAXED) == 0)
		p->home = -1;
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

/* Until another one has taken over. */
static void lead(struct worker *w)
{
	struct pool *p = w->pool;
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

static int worker_start(struct pool *p);

static bool office_take(struct pool *p)
{
	unsigned blocked = POOL_BLOCKED;
	return atomic_compare_exchange_strong(&p->state, &blocked, POOL_BUSY);
}

/*
 * Somebody must be there for the next alarm.  The leader may be about to put its office up: one
 * of us two sees what the other has written.
 */
static void take_over(struct worker *w)
{
	struct pool *p = w->pool;
	if (!office_take(p)) {
		atomic_store(&p->missed, true);
		if (!office_take(p))
			return;
	}
	if (atomic_load(&p->idle) == 0 && worker_start(p) < 0)
		log_warning("no thread for the sentry: calls that wait hold up others");
	w->leads = true;
	follow(w);
	lead(w);
}

static void *worker_main(void *arg)
{
	struct worker me = {.pool = arg};
	struct pool *p = me.pool;
	worker = &me;
	for (;;) {
		if (atomic_fetch_add(&p->idle, 1) >= IDLE_MAX)
			break;
		uint64_t from = ticks_now();
		host_bell_wait(p->bells[ALARM], INT64_MAX);
		worker_resumes(&me, from);
		atomic_fetch_sub(&p->idle, 1);
		take_over(&me);
	}
	atomic_fetch_sub(&p->idle, 1);
	return NULL;
}

static int worker_start(struct pool *p)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	int err = pthread_create(&thread, &attr, worker_main, p);
	pthread_attr_destroy(&attr);
	return -err;
}

/* The office of a new pool is up: the first alarm fills it. */
static int pool_open(struct pool *p)
{
	int err = 0;
	lock(&start_lock);
	if (!p->started) {
		atomic_store(&p->state, POOL_BLOCKED);
		if ((err = worker_start(p)) == 0)
			p->started = true;
	}
	unlock(&start_lock);
	return err;
}

/* Where there are fewest; of equals the caller's, whom a new one will most likely talk to. */
static struct pool *pool_choose(void)
{
	struct worker *w = worker_self();
	struct pool *best = w ? w->pool : &pools[0];
	for (unsigned i = 0; i < npools; i++)
		if (atomic_load(&pools[i].living) < atomic_load(&best->living))
			best = &pools[i];
	return best;
}

int pool_start(struct fiber *f)
{
	struct pool *p = pool_choose();
	int err = pool_open(p);
	if (err < 0)
		return err;
	f->pool = p;
	atomic_fetch_add(&p->living, 1);
	pool_post(f);
	return 0;
}

int pool_pin(void)
{
	struct worker *w = worker_self();
	if (!w || !w->leads)
		return -1;
	struct pool *p = w->pool;
	int cpu = p->home >= 0 ? p->home : hand_cpu();
	if (cpu < 0)
		return -1;
	if (!w->pinned) {
		trap_calls++;
		if (host_set_cpu(0, (unsigned)cpu) < 0)
			return -1;
	}
	w->pinned = true;
	p->home = cpu;
	return cpu;
}

int pool_init(unsigned cpus)
{
	unsigned n = cpus / CPUS_A_POOL;
	npools = n < 1 ? 1 : n > POOLS_MAX ? POOLS_MAX : n;
	for (unsigned i = 0; i < npools; i++) {
		struct pool *p = &pools[i];
		*p = (struct pool){.number = i, .home = -1};
		p->last = &p->first;
		list_init(&p->out);
		for (unsigned j = 0; j < POOL_BELLS; j++)
			if ((p->bells[j] = eventfd(0, EFD_CLOEXEC)) < 0)
				return -errno;
	}
	block_init();
	return 0;
}
