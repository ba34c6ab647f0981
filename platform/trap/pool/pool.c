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

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/base/log.h"
#include "platform/base/ticks.h"
#include "platform/trap/trap.h"

enum {
	WORKER_STACK = 256 << 10,
	CPUS_A_POOL = 4,
	IDLE_MAX = 2, /* workers that wait for the alarm: the next one, and the one after that */
};

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
	pool_lead(w);
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
	__atomic_store_n(&p->home, cpu, __ATOMIC_RELAXED);
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
