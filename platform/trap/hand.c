/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is, on the sentry's side: giving it, waiting for it, and how long
 * to look before sleeping.
 *
 * The policy.  A look costs the other side nothing and finds the turn 0.1 us after
 * it was given; a sleep costs 5 us on one CPU and up to 50 us across two (virtual
 * machine, 2 CPUs).  So a guest thread is in one of two modes:
 *
 *	apart	kept off the CPU that its pool's leader is pinned to; both look for
 *		about as long as a wake-up costs before they sleep
 *	joint	wherever the host likes, which after the first wake-up is on the
 *		leader's CPU; nobody looks
 *
 * Several guest threads apart share the CPUs that are left.  They need not have one
 * each: who waits for the leader lets the others run (stub/handler.c yields), and
 * one leader serves them all faster than any of them could sleep and wake.  But then
 * the leader's CPU is worth its looks only if calls come thick, so it looks less long.
 *
 * Of CPUs that other processes keep busy we know nothing, but looks are then in vain,
 * and a thread for which they are joins; it is tried apart again later and later.  The mode
 * is inherited, as affinity is.  While every guest sleeps in the sentry the leader does not look.
 */
#include "platform/trap/trap.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "platform/base/ticks.h"
#include "platform/trap/pool/pool.h"

enum {
	SPIN_US = 30,
	WAKE_SPINS = 4, /* times as long after the other side had to be woken, or neither would wake
			   in time */
	CROWD_US = 6,	/* the same with less than a CPU for each thread that is apart */
	LONG_SPIN = 10, /* times as long, for what is known to take long */
	VAIN_MAX = 8,	/* sleeps during which it was in guest code, until a thread joins */
	TRY_FIRST = 64, /* runs until it is tried apart, */
	TRY_MAX = 16384, /* twice as many each time that fails */
};

/* What a bounded wait is made of: however long we were frozen meanwhile, it counts as one. */
static const int64_t SLICE_NS = 50 * 1000000;

static cpu_set_t all; /* what we may use */
static unsigned cpus = 1;
static uint32_t spins; /* of SPIN_US */
uint64_t ticks_a_us = 1000;

int64_t hand_now(void)
{
	int64_t now = 0;
	host_clock_get(CLOCK_MONOTONIC, &now);
	return now;
}

void hand_init(void)
{
	if (sched_getaffinity(0, sizeof all, &all) == 0)
		cpus = (unsigned)CPU_COUNT(&all);
	int64_t start = hand_now();
	uint64_t from = ticks_now();
	for (int i = 0; i < 1000; i++)
		__builtin_ia32_pause();
	int64_t took = hand_now() - start;
	uint64_t ticks = ticks_now() - from;
	spins = took > 0 ? (uint32_t)(1000ll * SPIN_US * 1000 / took) : 1000;
	if (took > 0 && ticks * 1000 / (uint64_t)took > 0)
		ticks_a_us = ticks * 1000 / (uint64_t)took;
}

unsigned hand_cpus(void)
{
	return cpus;
}

int hand_cpu(void)
{
	int cpu = sched_getcpu();
	return cpus >= 2 && cpu >= 0 && CPU_ISSET(cpu, &all) ? cpu : -1;
}

void hand_roam(void)
{
	host_set_cpus(0, &all, sizeof all);
}

uint64_t hand_look_until(unsigned apart, bool woken)
{
	if (apart == 0)
		return 0;
	unsigned us = apart < cpus ? SPIN_US : CROWD_US;
	return ticks_now() + ticks_a_us * (woken ? WAKE_SPINS * SPIN_US : us);
}

bool hand_tell(struct slot *s, uint32_t bell)
{
	uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	while (turn != TURN_SENTRY && turn != STUB_ASLEEP && turn != bell)
		if (__atomic_compare_exchange_n(&s->turn, &turn, bell, false, __ATOMIC_SEQ_CST,
						__ATOMIC_ACQUIRE))
			return true;
	return turn == bell;
}

void hand_seen(struct ctx *c)
{
	c->vain = 0;
	c->try_after = TRY_FIRST;
}

/* Its looks were not in vain, so it is tried again soon. */
void hand_release(struct ctx *c)
{
	enum { SOON = 4 };
	if (!c->apart || c->called || !__atomic_load_n(&c->as->verified, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&c->as->dead, __ATOMIC_ACQUIRE))
		return;
	c->released = c->vain < VAIN_MAX ? SOON : 0;
	c->vain = VAIN_MAX;
	c->called = true;
	trap_calls++;
	host_tgkill(c->as->pid, c->tid, INTERRUPT_SIGNAL);
}

void hand_sleeps(struct ctx *c)
{
	if (c->apart)
		__atomic_store_n(&c->slot->sleeps, 1, __ATOMIC_RELAXED);
}

void hand_vain(struct ctx *c)
{
	c->vain += c->apart;
	c->woken = false;
	if (c->apart && ticks_now() - c->given > HAND_KEEP_US * ticks_a_us)
		hand_release(c);
}

bool hand_is_ours(struct slot *s)
{
	uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	return turn == TURN_SENTRY || turn == STUB_ASLEEP;
}

void hand_give(struct ctx *c, uint32_t command)
{
	struct slot *s = c->slot;
	if (command == DO_RETURN && !c->lazy)
		command = DO_RESUME;
	if (command == DO_RETURN) {
		s->word[0] = (uint64_t)c->result;
		if (c->packed)
			ranges_pack(&c->ranges, s);
	}
	s->command = (uint8_t)command;
	s->spin = c->apart ? spins : 0;
	s->sleeps = 0;
	uint32_t old = __atomic_exchange_n(&s->turn, TURN_STUB, __ATOMIC_ACQ_REL);
	c->woken = old == STUB_ASLEEP;
	if (c->woken) {
		trap_calls++;
		host_futex_wake_shared(&s->turn, 1);
	}
}

static bool look(struct slot *s, uint32_t n)
{
	for (; n > 0; n--) {
		if (hand_is_ours(s))
			return true;
		__builtin_ia32_pause();
	}
	return hand_is_ours(s);
}

/* Nobody is to wait for this one any more. */
static bool is_over(const struct aspace *as, const struct ctx *c)
{
	return __atomic_load_n(&as->dead, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&as->doomed, __ATOMIC_SEQ_CST) ||
	       (c && __atomic_load_n(&c->abandoned, __ATOMIC_SEQ_CST));
}

/* What is left of the budget.  A guest that plays with the word only wakes us. */
static int64_t sleep_once(struct slot *s, uint32_t turn, int64_t budget_ns)
{
	trap_calls++;
	if (budget_ns == INT64_MAX) {
		host_futex_wait_shared(&s->turn, turn, INT64_MAX);
		return budget_ns;
	}
	int64_t slice = budget_ns < SLICE_NS ? budget_ns : SLICE_NS, from = hand_now();
	host_futex_wait_shared(&s->turn, turn, from + slice);
	int64_t took = hand_now() - from;
	return budget_ns - (took < slice ? took : slice);
}

static int sleep_for(struct aspace *as, const struct ctx *c, struct slot *s, int64_t budget_ns)
{
	while (!hand_is_ours(s)) {
		/* A leader that sleeps has its bell there: it tells us (hand_meet). */
		uint32_t turn = TURN_STUB;
		if (__atomic_compare_exchange_n(&s->turn, &turn, SENTRY_ASLEEP, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			turn = SENTRY_ASLEEP;
		if (turn == TURN_SENTRY || turn == STUB_ASLEEP)
			break;
		if (is_over(as, c))
			return -ESRCH;
		if (budget_ns <= 0)
			return -ETIMEDOUT;
		budget_ns = sleep_once(s, turn, budget_ns);
	}
	return 0;
}

int hand_wait(struct aspace *as, const struct ctx *c, struct slot *s, int64_t budget_ns)
{
	int err = 0;
	if (!look(s, cpus > 1 ? spins : 0)) {
		__atomic_fetch_add(&as->awaited, 1, __ATOMIC_SEQ_CST);
		err = sleep_for(as, c, s, budget_ns);
		__atomic_fetch_sub(&as->awaited, 1, __ATOMIC_SEQ_CST);
	}
	return is_over(as, c) ? -ESRCH : err;
}

/* Who waits has counted itself before it has read the word in which the bell was. */
void hand_meet(struct ctx *c)
{
	if (__atomic_load_n(&c->as->awaited, __ATOMIC_SEQ_CST) == 0)
		return;
	trap_calls++;
	host_futex_wake_shared(&c->slot->turn, INT32_MAX);
}

void hand_abandon(struct ctx *c)
{
	__atomic_store_n(&c->abandoned, 1, __ATOMIC_SEQ_CST);
	hand_over(c);
}

/* A guest that undoes this is met again by the next call. */
void hand_over(struct ctx *c)
{
	struct pool *p = __atomic_load_n(&c->pool, __ATOMIC_ACQUIRE);
	__atomic_store_n(&c->slot->turn, TURN_SENTRY, __ATOMIC_SEQ_CST);
	host_futex_wake_shared(&c->slot->turn, INT32_MAX);
	if (p)
		pool_ring(p);
}

int hand_wait_command(struct ctx *c, int64_t budget_ns, bool is_long)
{
	int err = 0;
	uint32_t n = is_long ? LONG_SPIN : c->woken ? WAKE_SPINS : 1;
	if (!c->apart || !look(c->slot, n * spins))
		err = sleep_for(c->as, c, c->slot, budget_ns);
	return is_over(c->as, c) ? -ESRCH : err;
}

/* The stub's thread moves itself: its number is not to be believed. */
static int stub_cpus(struct ctx *c, const cpu_set_t *set)
{
	memcpy((char *)c->slot + SLOT_SCRATCH, set, sizeof *set);
	return (int)command_call(c, SYS_sched_setaffinity, 0, sizeof *set, scratch_address(c), 0,
				 0);
}

static void set_apart(struct ctx *c, bool apart)
{
	struct pool *p = c->pool;
	if (c->apart == apart)
		return;
	c->apart = apart;
	if (p)
		__atomic_fetch_add(&p->apart, apart ? 1 : -1, __ATOMIC_RELAXED);
}

static void part(struct ctx *c)
{
	cpu_set_t rest = all;
	c->vain = 0;
	c->runs = 0;
	c->try_after = c->try_after < TRY_MAX ? c->try_after * 2 : TRY_MAX;
	int cpu = pool_pin();
	if (cpu < 0)
		return;
	CPU_CLR(cpu, &rest);
	if (stub_cpus(c, &rest) == 0)
		set_apart(c, true);
}

static void join(struct ctx *c)
{
	c->vain = 0;
	c->runs = c->released && c->try_after > c->released ? c->try_after - c->released : 0;
	c->released = 0;
	set_apart(c, false);
	stub_cpus(c, &all);
}

void hand_inherit(struct ctx *c, const struct ctx *by)
{
	c->inherits = by->apart ? by->pool : NULL;
	c->try_after = by->try_after;
}

/* It sleeps, so that it wakes up where it is to be. */
void hand_place(struct ctx *c, const struct ctx *by)
{
	cpu_set_t rest = all;
	int cpu = by->apart && fiber_self() && by->pool == fiber_self()->pool ? pool_pin() : -1;
	if (cpu < 0)
		return;
	CPU_CLR(cpu, &rest);
	trap_calls++;
	if (host_set_cpus(c->as->pid, &rest, sizeof rest) == 0)
		hand_inherit(c, by);
}

void hand_adopt(struct ctx *c)
{
	struct fiber *f = fiber_self();
	__atomic_store_n(&c->pool, f ? f->pool : NULL, __ATOMIC_RELEASE);
	/* What its parent was kept off is another CPU if the pool is another. */
	if (f && c->inherits == f->pool)
		set_apart(c, true);
}

void hand_forget(struct ctx *c)
{
	set_apart(c, false);
}

int hand_first(struct ctx *c, int64_t budget_ns)
{
	if (!fiber_self() || hand_is_ours(c->slot))
		return 0;
	return pool_await(c, hand_now() + budget_ns);
}

/* Others compute, and need the CPUs that the leader and those apart would have for themselves. */
static bool is_crowded(const struct pool *p)
{
	unsigned joint = p ? __atomic_load_n(&p->joint_out, __ATOMIC_RELAXED) : 0;
	return joint > 0 && joint + 2 > cpus;
}

int hand_run(struct ctx *c)
{
	int err = 0;
	c->called = false;
	if (c->apart && (c->vain >= VAIN_MAX || is_crowded(c->pool)))
		join(c);
	else if (!c->apart && c->runs++ >= c->try_after && !is_crowded(c->pool))
		part(c);
	c->given = ticks_now();
	hand_give(c, DO_RETURN);
	if (fiber_self())
		err = pool_await(c, INT64_MAX);
	else
		err = sleep_for(c->as, c, c->slot, INT64_MAX);
	return is_over(c->as, c) ? -ESRCH : err;
}
