/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose CPU is whose: where guest threads run beside their pool's leader.
 *
 * The policy.  A look costs the other side nothing and finds the turn 0.1 us after
 * it was given; a sleep costs 5 to 15 us on one CPU and up to 50 us across two (virtual
 * machines, 2 CPUs).  So a guest thread is in one of three modes:
 *
 *	APART	kept off the CPU that its pool's leader is pinned to; both look for
 *		about as long as a wake-up costs before they sleep
 *	JOINT	wherever the host likes, which after the first wake-up is on the
 *		leader's CPU; nobody looks
 *	HUDDLED	kept on the leader's CPU, so that no wake-up is across two; nobody looks
 *
 * Several guest threads apart share the CPUs that are left.  They need not have one
 * each: who waits for the leader lets the others run (stub/handler.c yields), and
 * one leader serves them all faster than any of them could sleep and wake.  But then
 * the leader's CPU is worth its looks only if calls come thick, so it looks less long.
 *
 * Of CPUs that other processes keep busy the host tells us nothing, but who is off its CPU while
 * nothing keeps it from running can be told by its clock: the leader while it looks, a process
 * in guest code.  Then the pool counts as loaded, for longer and longer while that is found again.
 * Threads whose calls sleep in the sentry, which are those that wait for each other, huddle:
 * beside one busy process a CPU a pipe's round trip takes 100 us, and 200 to 1000 apart or joint.
 * Those that only call stay apart: a read takes 2 to 5 us there, 24 huddled.
 *
 * Whose looks are in vain joins; it is tried apart again later and later.  The mode is
 * inherited, as affinity is.  While every guest sleeps in the sentry the leader does not look.
 */
#include "platform/trap/trap.h"

#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "platform/base/ticks.h"
#include "platform/trap/pool/pool.h"

enum {
	VAIN_MAX = 8,	    /* sleeps during which it was in guest code, until a thread joins */
	TRY_FIRST = 64,	    /* runs until it is tried apart, */
	TRY_MAX = 16384,    /* twice as many each time that fails */
	SOON = 4,	    /* the same of one whose looks were not in vain */
	COMPUTES_US = 1000, /* so long in guest code: it computes */
	KEEP_US = 2000,	    /* who computes for so long is not kept off a CPU, */
	ALONE_US = 10000,   /* the same of one that huddles, when others call meanwhile */
	KEEP_SHIFT = 9,	    /* or up to 2^9 times as long if others had its CPU meanwhile */
	OFF_US = 700,	    /* so long off its CPU: others have it */
	LOADED_US = 50000,  /* for how long that is believed, */
	LOADED_MAX = 40,   /* at most so many times as long, twice as long when it is found again */
	LOADED_AGAIN = 10, /* found so many times as long after that is over, or later: again */
	SLEEPS = 8,	   /* a call that sleeps is worth so many that do not: one in */
	SLEEPY = 32,	   /* eight makes a thread sleepy, after four */
	SLEEPY_MAX = 64,
};

static int64_t process_cpu(const struct ctx *c)
{
	int64_t cpu = 0;
	trap_calls++;
	host_clock_get(process_clock(c->as->pid), &cpu);
	return cpu;
}

/* The stub's thread moves itself: its number is not to be believed. */
static int stub_cpus(struct ctx *c, const cpu_set_t *set)
{
	memcpy((char *)c->slot + SLOT_SCRATCH, set, sizeof *set);
	return (int)command_call(c, SYS_sched_setaffinity, 0, sizeof *set, scratch_address(c), 0,
				 0);
}

static cpu_set_t cpus_of(enum hand_mode mode, int home)
{
	cpu_set_t set = *hand_set();
	if (mode == APART)
		CPU_CLR(home, &set);
	if (mode != HUDDLED)
		return set;
	CPU_ZERO(&set);
	CPU_SET(home, &set);
	return set;
}

static void set_mode(struct ctx *c, enum hand_mode mode, int home)
{
	struct pool *p = c->pool;
	int placed = (mode != JOINT) - (c->mode != JOINT);
	c->mode = mode;
	c->home = home;
	if (p && placed != 0)
		__atomic_fetch_add(&p->placed, placed, __ATOMIC_RELAXED);
}

static void place(struct ctx *c, enum hand_mode mode)
{
	int home = pool_pin();
	c->vain = 0;
	c->runs = 0;
	if (home < 0)
		return;
	cpu_set_t set = cpus_of(mode, home);
	if (stub_cpus(c, &set) == 0)
		set_mode(c, mode, home);
}

static void part(struct ctx *c)
{
	c->try_after = c->try_after < TRY_MAX ? c->try_after * 2 : TRY_MAX;
	place(c, APART);
}

static void join(struct ctx *c)
{
	c->vain = 0;
	c->runs = c->released && c->try_after > c->released ? c->try_after - c->released : 0;
	c->released = 0;
	set_mode(c, JOINT, -1);
	stub_cpus(c, hand_set());
}

void mode_inherit(struct ctx *c, const struct ctx *by)
{
	c->born = by->mode;
	c->born_in = by->mode == JOINT ? NULL : by->pool;
	c->home = by->home;
	c->sleepy = by->sleepy;
	c->try_after = by->try_after;
}

/* It sleeps, so that it wakes up where it is to be. */
void mode_place(struct ctx *c, const struct ctx *by)
{
	if (by->mode == JOINT || !fiber_self() || by->pool != fiber_self()->pool)
		return;
	cpu_set_t set = cpus_of(by->mode, by->home);
	trap_calls++;
	if (host_set_cpus(c->as->pid, &set, sizeof set) == 0)
		mode_inherit(c, by);
}

void mode_adopt(struct ctx *c)
{
	struct fiber *f = fiber_self();
	__atomic_store_n(&c->pool, f ? f->pool : NULL, __ATOMIC_RELEASE);
	if (!c->born_in)
		return;
	set_mode(c, c->born, c->home);
	/* Where its parent was kept is nothing to another pool. */
	if (!f || c->born_in != f->pool)
		c->vain = VAIN_MAX;
}

void mode_forget(struct ctx *c)
{
	set_mode(c, JOINT, -1);
}

void mode_seen(struct ctx *c)
{
	c->vain = 0;
	c->try_after = TRY_FIRST;
}

void mode_sleeps(struct ctx *c)
{
	c->sleepy = c->sleepy + SLEEPS < SLEEPY_MAX ? c->sleepy + SLEEPS : SLEEPY_MAX;
	if (c->mode == APART)
		__atomic_store_n(&c->slot->sleeps, 1, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void found_loaded(struct pool *p)
{
	uint64_t now = ticks_now(), least = LOADED_US * ticks_a_us;
	uint64_t until = __atomic_load_n(&p->loaded_until, __ATOMIC_RELAXED);
	uint64_t span = __atomic_load_n(&p->loaded_span, __ATOMIC_RELAXED);
	if (now < until)
		return;
	/* Soon after it was last believed. */
	bool again = until != 0 && now - until < 2 * span + LOADED_AGAIN * least;
	span = !again ? least : span < LOADED_MAX * least ? 2 * span : span;
	__atomic_store_n(&p->loaded_span, span, __ATOMIC_RELAXED);
	__atomic_store_n(&p->loaded_until, now + span, __ATOMIC_RELAXED);
}

void mode_looks(struct pool *p, uint64_t last, uint64_t now)
{
	if (last != 0 && now - last > OFF_US * ticks_a_us)
		found_loaded(p);
}

static bool is_loaded(const struct pool *p, uint64_t now)
{
	return p && now < __atomic_load_n(&p->loaded_until, __ATOMIC_RELAXED);
}

/*
 * Since it is watched: ticks on the wall during which its process did not run.  0 if others of the
 * pool have: they share a CPU.
 */
static uint64_t off_its_cpu(const struct ctx *c, uint64_t now)
{
	if (c->watched_turn != c->pool->turns)
		return 0;
	int64_t used = (process_cpu(c) - c->watched_cpu) * (int64_t)ticks_a_us / 1000;
	int64_t span = (int64_t)(now - c->watched);
	return used < span ? (uint64_t)(span - used) : 0;
}

static void watch(struct ctx *c)
{
	c->watched = ticks_now();
	c->watched_turn = c->pool->turns;
	c->watched_cpu = process_cpu(c);
}

static int64_t keep_ns(const struct ctx *c)
{
	return (int64_t)KEEP_US * 1000 << c->spared;
}

static bool can_be_called(const struct ctx *c)
{
	return c->mode != JOINT && !c->called &&
	       __atomic_load_n(&c->as->verified, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&c->as->dead, __ATOMIC_ACQUIRE);
}

int64_t mode_keeps(const struct ctx *c)
{
	if (c->watched == 0 || !can_be_called(c))
		return INT64_MAX;
	int64_t left = keep_ns(c) - ticks_ns(ticks_now() - c->watched);
	return left > 0 ? left : 0;
}

/* Whose looks were not in vain is tried again soon. */
static void call_back(struct ctx *c)
{
	if (!can_be_called(c))
		return;
	c->released = c->vain < VAIN_MAX ? SOON : 0;
	c->vain = VAIN_MAX;
	c->sleepy = 0;
	c->called = true;
	trap_calls++;
	host_tgkill(c->as->pid, c->tid, INTERRUPT_SIGNAL);
}

void mode_release(struct ctx *c)
{
	uint64_t now = ticks_now();
	if (c->watched == 0 || ticks_ns(now - c->watched) < keep_ns(c))
		return;
	/* It does not compute if others do in its stead. */
	if (off_its_cpu(c, now) < (now - c->watched) / 2) {
		call_back(c);
		return;
	}
	found_loaded(c->pool);
	c->spared += c->spared < KEEP_SHIFT;
	watch(c);
}

/* One that huddles has its CPU while the leader sleeps: it may compute until others call. */
void mode_vain(struct ctx *c)
{
	c->vain += c->mode == APART;
	c->woken = false;
	if (c->mode == APART && c->watched == 0)
		watch(c);
	else if (c->mode == APART)
		mode_release(c);
	else if (c->mode == HUDDLED && ticks_now() - c->given > ALONE_US * ticks_a_us)
		call_back(c);
}

void mode_back(struct ctx *c)
{
	uint64_t now;
	if (c->watched == 0)
		return;
	now = ticks_now();
	if (now - c->watched > OFF_US * ticks_a_us && off_its_cpu(c, now) > OFF_US * ticks_a_us)
		found_loaded(c->pool);
}

/*
 * Others compute, and need the CPUs that the leader and those apart would have for themselves.  Who
 * is joint and calls is no reason, or many who begin joint would stay so.
 */
static bool is_crowded(const struct ctx *c)
{
	const struct pool *p = c->pool;
	unsigned joint = p ? __atomic_load_n(&p->joint_out, __ATOMIC_RELAXED) : 0;
	if (joint == 0 || joint + 2 <= hand_cpus())
		return false;
	unsigned busy = pool_computing(c->given - COMPUTES_US * ticks_a_us);
	return busy > 0 && busy + 2 > hand_cpus();
}

/* That is over, or the leader is at home elsewhere. */
static bool has_to_leave(const struct ctx *c, bool loaded)
{
	return c->mode == HUDDLED &&
	       (!loaded || !c->pool || c->home != __atomic_load_n(&c->pool->home, __ATOMIC_RELAXED));
}

void mode_choose(struct ctx *c)
{
	bool loaded = is_loaded(c->pool, c->given);
	bool huddles = loaded && c->sleepy >= SLEEPY &&
		       __atomic_load_n(&c->pool->apart_out, __ATOMIC_RELAXED) == 0;
	c->called = false;
	c->watched = 0;
	c->spared = 0;
	c->sleepy -= c->sleepy > 0;
	if (c->mode != JOINT && c->vain >= VAIN_MAX) {
		join(c);
	} else if (has_to_leave(c, loaded)) {
		c->released = SOON;
		join(c);
	} else if (huddles && c->mode != HUDDLED) {
		place(c, HUDDLED);
	} else if (c->mode == APART && is_crowded(c)) {
		join(c);
	} else if (c->mode == JOINT && c->runs++ >= c->try_after && !is_crowded(c)) {
		part(c);
	}
}
