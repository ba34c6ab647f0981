/* SPDX-License-Identifier: Apache-2.0 */
/* Host calls that may take long: the office is put up meanwhile, see pool.h. */
#include "platform/trap/pool/private.h"

/* A call for a file that took longer makes the next so many count as long ones. */
enum { SLOW_US = 100, SLOW_MORE = 64 };
static atomic_int slow_files;

/* A block that may be longer than this is no reason to let a sleeper oversleep. */
static const int64_t NEAR_NS = 100000;

/* Files are mostly in the host's memory: their calls count as long ones while some have been. */
static bool blocks(enum host_blocks kind)
{
	return kind != HOST_FILE || atomic_load_explicit(&slow_files, memory_order_relaxed) > 0;
}

static void file_took(uint64_t ticks)
{
	int slow = atomic_load_explicit(&slow_files, memory_order_relaxed);
	if (ticks > SLOW_US * ticks_a_us)
		atomic_store_explicit(&slow_files, SLOW_MORE, memory_order_relaxed);
	else if (slow > 0)
		atomic_store_explicit(&slow_files, slow - 1, memory_order_relaxed);
}

/*
 * All of the leader's is looked at before the office is up: from then on it is another's.  An alarm
 * that came too early for whoever heard it is in p->missed.
 */
static void office_up(struct pool *p)
{
	struct heap_node *n = heap_first(&p->sleepers);
	bool needed = p->first || !pool_tell_stubs(p, ALARM);
	needed |= n && n->key - hand_now() < NEAR_NS;
	atomic_store(&p->state, POOL_BLOCKED);
	if (needed || atomic_load(&p->inbox) || atomic_exchange(&p->missed, false))
		pool_ring_bell(p, ALARM);
}

static void block(enum host_blocks kind)
{
	struct worker *w = worker_self();
	if (!w || !w->fiber)
		return;
	fiber_account(w->fiber);
	w->blocks = w->leads && blocks(kind);
	if (w->blocks)
		office_up(w->pool);
}

static void unblock(enum host_blocks kind)
{
	struct worker *w = worker_self();
	unsigned blocked = POOL_BLOCKED;
	if (!w || !w->fiber)
		return;
	if (w->blocks && !atomic_compare_exchange_strong(&w->pool->state, &blocked, POOL_BUSY))
		w->leads = false;
	if (kind == HOST_WAITS)
		worker_resumes(w, w->fiber->since);
	if (kind == HOST_FILE)
		file_took(ticks_now() - w->fiber->since);
}

void block_init(void)
{
	host_set_blocks(block, unblock);
}
