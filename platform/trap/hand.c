/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is, on the sentry's side: giving it, waiting for it, and how long
 * to look before sleeping.
 *
 * The policy.  A look costs the other side nothing and finds the turn 0.1 us after
 * it was given; a sleep costs 5 us on one CPU and up to 50 us across two (virtual
 * machine, 2 CPUs).  So both sides look for about as long as a wake-up costs, which
 * is never worse than twice the best choice, but only while there is a CPU to spare:
 * each guest thread that runs may need two.  The sentry's side stops looking for
 * threads that have not come back in time for a while, and tries again now and
 * then.  A guest that waits in the sentry for something else sleeps soon, and so
 * does its sentry thread: at idle nobody looks.
 */
#include "platform/trap/trap.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

enum {
	SPIN_US = 30,
	CREDIT_MAX = 8,	  /* looks in vain until we stop looking */
	CREDIT_EVERY = 64, /* sleeps after which a look is tried again */
};

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
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		cpus = (unsigned)CPU_COUNT(&set);
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

static bool is_ours(struct slot *s)
{
	uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	return turn != TURN_STUB && turn != SENTRY_ASLEEP;
}

void hand_give(struct ctx *c, uint32_t command)
{
	struct slot *s = c->slot;
	s->command = command;
	s->spin = cpu_to_spare() ? spins : 0;
	uint32_t old = __atomic_exchange_n(&s->turn, TURN_STUB, __ATOMIC_ACQ_REL);
	if (old == STUB_ASLEEP) {
		trap_calls++;
		host_futex_wake_shared(&s->turn, 1);
	}
}

static bool look(struct slot *s, uint32_t n)
{
	for (; n > 0; n--) {
		if (is_ours(s))
			return true;
		__builtin_ia32_pause();
	}
	return is_ours(s);
}

static int sleep_for(struct aspace *as, struct slot *s, int64_t deadline_ns)
{
	while (!is_ours(s)) {
		uint32_t turn = TURN_STUB;
		__atomic_compare_exchange_n(&s->turn, &turn, SENTRY_ASLEEP, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&as->dead, __ATOMIC_SEQ_CST))
			return -ESRCH;
		trap_calls++;
		if (host_futex_wait_shared(&s->turn, SENTRY_ASLEEP, deadline_ns) == -ETIMEDOUT)
			return is_ours(s) ? 0 : -ETIMEDOUT;
	}
	return 0;
}

int hand_wait(struct aspace *as, struct slot *s, int64_t deadline_ns)
{
	int err = 0;
	if (!look(s, spins))
		err = sleep_for(as, s, deadline_ns);
	return __atomic_load_n(&as->dead, __ATOMIC_ACQUIRE) ? -ESRCH : err;
}

/* Of the last waits for guest code, were there some that a look would have found the end of? */
static int wait_guest(struct ctx *c)
{
	bool worth = c->spin_credit < CREDIT_MAX || c->spin_credit++ % CREDIT_EVERY == 0;
	if (worth && cpu_to_spare()) {
		if (look(c->slot, spins)) {
			c->spin_credit = 0;
			return 0;
		}
		c->spin_credit++;
	}
	return sleep_for(c->as, c->slot, INT64_MAX);
}

int hand_run(struct ctx *c)
{
	atomic_fetch_add_explicit(&running, 1, memory_order_relaxed);
	hand_give(c, DO_RESUME);
	int err = wait_guest(c);
	atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
	return __atomic_load_n(&c->as->dead, __ATOMIC_ACQUIRE) ? -ESRCH : err;
}
