/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is, on the sentry's side: giving it, waiting for it, and how long
 * to look before sleeping.
 *
 * The policy.  A look costs the other side nothing and finds the turn 0.1 us after
 * it was given; a sleep costs 5 us on one CPU and up to 50 us across two (virtual
 * machine, 2 CPUs).  So a pair of threads is in one of two modes:
 *
 *	apart	the sentry's thread on one CPU, the stub's on the others; both look for
 *		about as long as a wake-up costs before they sleep
 *	joint	wherever the host likes, which after the first wake-up is on one CPU;
 *		nobody looks
 *
 * Apart is for when there is a CPU to spare: each guest thread that runs may need two.
 * Of CPUs that other processes keep busy we know nothing, but looks are then in vain,
 * and a pair whose looks are in vain joins; it tries again later and later.  The mode
 * is inherited, as affinity is.  A guest that waits in the sentry for something else
 * sleeps soon, and so does its sentry thread: at idle nobody looks.
 */
#include "platform/trap/trap.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	SPIN_US = 30,
	VAIN_MAX = 8,	 /* looks in vain, or without a CPU to spare, until a pair joins */
	TRY_FIRST = 64,	 /* runs until it is tried apart, */
	TRY_MAX = 16384, /* twice as many each time that fails */
};

/* What a bounded wait is made of: however long we were frozen meanwhile, it counts as one. */
static const int64_t SLICE_NS = 50 * 1000000;

static cpu_set_t all; /* what we may use */
static unsigned cpus = 1;
static uint32_t spins; /* of SPIN_US */
static _Alignas(64) atomic_int running; /* guest threads in their code */

static int64_t now_ns(void)
{
	int64_t now = 0;
	host_clock_get(CLOCK_MONOTONIC, &now);
	return now;
}

void hand_init(void)
{
	if (sched_getaffinity(0, sizeof all, &all) == 0)
		cpus = (unsigned)CPU_COUNT(&all);
	int64_t start = now_ns();
	for (int i = 0; i < 1000; i++)
		__builtin_ia32_pause();
	int64_t took = now_ns() - start;
	spins = took > 0 ? (uint32_t)(1000ll * SPIN_US * 1000 / took) : 1000;
}

static bool cpu_to_spare(void)
{
	return 2 * (unsigned)atomic_load_explicit(&running, memory_order_relaxed) <= cpus;
}

bool hand_is_ours(struct slot *s)
{
	uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	return turn != TURN_STUB && turn != SENTRY_ASLEEP;
}

void hand_give(struct ctx *c, uint32_t command)
{
	struct slot *s = c->slot;
	s->command = command;
	s->spin = c->apart && cpu_to_spare() ? spins : 0;
	uint32_t old = __atomic_exchange_n(&s->turn, TURN_STUB, __ATOMIC_ACQ_REL);
	if (old == STUB_ASLEEP) {
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
static int64_t sleep_once(struct slot *s, int64_t budget_ns)
{
	trap_calls++;
	if (budget_ns == INT64_MAX) {
		host_futex_wait_shared(&s->turn, SENTRY_ASLEEP, INT64_MAX);
		return budget_ns;
	}
	int64_t slice = budget_ns < SLICE_NS ? budget_ns : SLICE_NS, from = now_ns();
	host_futex_wait_shared(&s->turn, SENTRY_ASLEEP, from + slice);
	int64_t took = now_ns() - from;
	return budget_ns - (took < slice ? took : slice);
}

static int sleep_for(struct aspace *as, const struct ctx *c, struct slot *s, int64_t budget_ns)
{
	while (!hand_is_ours(s)) {
		uint32_t turn = TURN_STUB;
		__atomic_compare_exchange_n(&s->turn, &turn, SENTRY_ASLEEP, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE);
		if (is_over(as, c))
			return -ESRCH;
		if (budget_ns <= 0)
			return -ETIMEDOUT;
		budget_ns = sleep_once(s, budget_ns);
	}
	return 0;
}

int hand_wait(struct aspace *as, const struct ctx *c, struct slot *s, int64_t budget_ns)
{
	int err = 0;
	if (!look(s, spins))
		err = sleep_for(as, c, s, budget_ns);
	return is_over(as, c) ? -ESRCH : err;
}

void hand_abandon(struct ctx *c)
{
	__atomic_store_n(&c->abandoned, 1, __ATOMIC_SEQ_CST);
	/* It is the sentry's turn for ever: a guest that undoes this is met again by the next call. */
	__atomic_store_n(&c->slot->turn, TURN_SENTRY, __ATOMIC_SEQ_CST);
	host_futex_wake_shared(&c->slot->turn, INT32_MAX);
}

static int wait_for(struct ctx *c, int64_t budget_ns)
{
	if (c->apart && cpu_to_spare() && look(c->slot, spins)) {
		c->vain = 0;
		c->try_after = TRY_FIRST;
		return 0;
	}
	c->vain++;
	return sleep_for(c->as, c, c->slot, budget_ns);
}

int hand_wait_command(struct ctx *c, int64_t budget_ns)
{
	int err = wait_for(c, budget_ns);
	return is_over(c->as, c) ? -ESRCH : err;
}

/* The stub's thread moves itself: its number is not to be believed. */
static int stub_cpus(struct ctx *c, const cpu_set_t *set)
{
	memcpy((char *)c->slot + SLOT_SCRATCH, set, sizeof *set);
	return (int)command_call(c, SYS_sched_setaffinity, 0, sizeof *set, scratch_address(c), 0, 0);
}

static void part(struct ctx *c)
{
	cpu_set_t rest = all;
	int cpu = sched_getcpu();
	c->vain = 0;
	c->runs = 0;
	c->try_after = c->try_after < TRY_MAX ? c->try_after * 2 : TRY_MAX;
	if (cpus < 2 || cpu < 0 || !CPU_ISSET(cpu, &all))
		return;
	CPU_CLR(cpu, &rest);
	if (stub_cpus(c, &rest) < 0)
		return;
	trap_calls++;
	c->apart = host_set_cpu(0, (unsigned)cpu) == 0;
}

static void join(struct ctx *c)
{
	c->vain = 0;
	c->runs = 0;
	c->apart = false;
	stub_cpus(c, &all);
	trap_calls++;
	host_set_cpus(0, &all, sizeof all);
}

void hand_inherit(struct ctx *c, const struct ctx *by)
{
	c->apart = by->apart;
	c->try_after = by->try_after;
}

int hand_run(struct ctx *c)
{
	if (c->apart && c->vain >= VAIN_MAX)
		join(c);
	else if (!c->apart && c->runs++ >= c->try_after && cpu_to_spare())
		part(c);
	atomic_fetch_add_explicit(&running, 1, memory_order_relaxed);
	hand_give(c, DO_RESUME);
	int err = wait_for(c, INT64_MAX);
	atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
	return is_over(c->as, c) ? -ESRCH : err;
}
