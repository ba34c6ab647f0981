/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer on any clock, of one group: the common half of POSIX timers, interval
 * timers and the CPU limit.
 *
 * Wall clocks are a ktimer.  CPU clocks only advance while guest code runs, so
 * the ktimer is set to the earliest moment at which the clock can have reached
 * the expiry (all CPUs busy with this group), looks, and is set again.  While
 * every thread that could move the clock is asleep it is parked: not set at
 * all until one wakes.  While none gets a CPU the looks become rarer, down to
 * ten a second.
 *
 * State is protected by the group's siglock.  expire() runs with tasks_lock and
 * siglock held, on the timer thread.  Cancel with ctimer_stop() before freeing.
 */
#pragma once

#include "sentry/sync/timer.h"
#include "sentry/task/clock.h"
#include "sentry/task/task.h"

struct ctimer {
	struct ktimer kt;
	struct group *group;	/* I  outlives the timer */
	int clockid;		/* s  of a wall clock */
	bool cpu;		/* I */
	enum cpuclock_kind kind; /* I  of a CPU clock */
	struct task *thread;	/* I  whose CPU time counts, our reference; NULL: the group's */
	int64_t expiry;		/* s  on that clock; 0: not armed */
	int64_t interval;	/* s */
	struct list parked;	/* s  in group->parked */
	int64_t seen, pause;	/* s  a CPU clock at the last look, and how long until the next */
	/* now >= expiry.  *out_cld as for signal_send_timer_locked. */
	void (*expire)(struct ctimer *c, int64_t now, int *out_cld);
};

void ctimer_init(struct ctimer *c, struct group *g,
		 void (*expire)(struct ctimer *c, int64_t now, int *out_cld));
/* What its clock shows; no lock held. */
int64_t ctimer_now(const struct ctimer *c);
/* The same for wall clocks; any locks. */
int64_t ctimer_wall_now(const struct ctimer *c);
/* Sets the ktimer by expiry, which may be in the past; siglock held; -ENOMEM. */
int ctimer_arm_locked(struct ctimer *c, int64_t now);
/* struct waiter's `rests': what has stood still goes on. */
void ctimer_rests(struct waiter *w, bool asleep);
/* Moves expiry past now by whole intervals; how many. */
int64_t ctimer_forward_locked(struct ctimer *c, int64_t now);
/* Not armed any more, and expire() does not run; no lock held. */
void ctimer_stop(struct ctimer *c);

/* All timers of a group. */
struct posix_timers;
/* Made on first use; NULL: no memory.  No lock held. */
struct posix_timers *timers_get(struct group *g);
/* The group ends: everything is stopped and freed.  No lock held. */
void timers_exit(struct group *g);
