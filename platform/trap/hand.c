/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is, on the sentry's side: giving it, waiting for it, looking before
 * sleeping.  How long, and which CPU a guest thread may run on, is the policy of mode.c.
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

const cpu_set_t *hand_set(void)
{
	return &all;
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
	s->spin = c->mode == APART ? spins : 0;
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
	if (c->mode != APART || !look(c->slot, n * spins))
		err = sleep_for(c->as, c, c->slot, budget_ns);
	return is_over(c->as, c) ? -ESRCH : err;
}

int hand_first(struct ctx *c, int64_t budget_ns)
{
	int err = -ETIMEDOUT;
	if (!fiber_self() || hand_is_ours(c->slot))
		return 0;
	for (; err == -ETIMEDOUT && budget_ns > 0; budget_ns -= SLICE_NS)
		err = pool_await(c, hand_now() + SLICE_NS);
	return err;
}

int hand_run(struct ctx *c)
{
	int err = 0;
	c->given = ticks_now();
	mode_choose(c);
	hand_give(c, DO_RETURN);
	if (fiber_self())
		err = pool_await(c, INT64_MAX);
	else
		err = sleep_for(c->as, c, c->slot, INT64_MAX);
	return is_over(c->as, c) ? -ESRCH : err;
}
