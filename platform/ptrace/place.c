/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU a sentry thread shares with its stub thread.
 *
 * The two never run at the same time: each resume puts one to sleep and wakes
 * the other.  On one CPU that is a context switch; across two it is an idle
 * wake-up, up to ten times as dear on a virtual machine.  So each pair is bound
 * to one CPU, and we balance pairs ourselves:
 *
 *	running[cpu] counts the pairs of that CPU that are inside run(), that is,
 *	executing guest code or waiting to;
 *	a new pair starts where that is least, at a tie on its creator's CPU: a
 *	creator that is about to wait for it costs no wake-up then, and one that
 *	is not meets it in run() and moves away;
 *	a pair that enters run() while its CPU has two and another none more than
 *	two fewer moves there, at most once a millisecond.
 *
 * The counts are only advice: relaxed, and wrong for an instant at a move.
 *
 * A tracee whose cgroup has other CPUs than we may use (a pod's container) goes where the host
 * puts it, once a CPU was refused; so do its children.
 */
#include "platform/ptrace/ptrace.h"

#include <sched.h>
#include <time.h>

enum { CPUS_MAX = 256 };
static const int64_t MOVE_EVERY_NS = 1000000;

static unsigned cpus[CPUS_MAX]; /* host CPU numbers we may use */
static atomic_uint cpu_count;	/* 0 or 1: nothing to decide */
static _Alignas(64) struct {
	atomic_int n;
	char pad[60];
} running[CPUS_MAX];

/* One more than the index into cpus of the CPU this sentry thread is bound to; 0: not known. */
static __thread unsigned my_cpu;

void place_init(void)
{
	cpu_set_t set;
	cpu_count = 0;
	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return;
	for (unsigned i = 0; i < CPU_SETSIZE && cpu_count < CPUS_MAX; i++)
		if (CPU_ISSET(i, &set))
			cpus[cpu_count++] = i;
}

static int load_of(unsigned cpu)
{
	return atomic_load_explicit(&running[cpu].n, memory_order_relaxed);
}

static unsigned least_loaded(unsigned preferred)
{
	unsigned best = preferred;
	for (unsigned i = 0; i < cpu_count; i++)
		if (load_of(i) < load_of(best))
			best = i;
	return best;
}

/* Refused to us (a cpuset was changed under us): the host's scheduler decides from then on. */
static void move(struct ctx *c, unsigned cpu)
{
	int err = 0;
	if (!c->bound || c->cpu != cpu) {
		ptrace_calls++;
		if (host_set_cpu(c->tid, cpus[cpu]) < 0) {
			c->roams = true;
			return;
		}
	}
	if (my_cpu != cpu + 1) {
		ptrace_calls++;
		err = host_set_cpu(0, cpus[cpu]);
	}
	if (err < 0) {
		cpu_count = 0;
		return;
	}
	c->cpu = cpu;
	c->bound = true;
	my_cpu = cpu + 1;
}

void place_inherit(struct ctx *c, const struct ctx *from)
{
	c->cpu = from->cpu;
	c->bound = from->bound;
	c->roams = from->roams;
}

void place_start(struct ctx *c)
{
	if (cpu_count < 2 || c->roams)
		return;
	move(c, least_loaded(c->cpu));
}

void place_enter(struct ctx *c)
{
	int64_t now;
	if (cpu_count < 2)
		return;
	if (load_of(c->cpu) >= 1 && !c->roams) {
		unsigned to = least_loaded(c->cpu);
		if (load_of(to) < load_of(c->cpu) && host_clock_get(CLOCK_MONOTONIC, &now) == 0 &&
		    now - c->moved_at >= MOVE_EVERY_NS) {
			c->moved_at = now;
			move(c, to);
		}
	}
	atomic_fetch_add_explicit(&running[c->cpu].n, 1, memory_order_relaxed);
}

void place_leave(struct ctx *c)
{
	if (cpu_count < 2)
		return;
	atomic_fetch_sub_explicit(&running[c->cpu].n, 1, memory_order_relaxed);
}
