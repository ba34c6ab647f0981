/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/ctimer.h"

#include "platform/host.h"
#include "sentry/res/resources.h"
#include "sentry/task/jobctl.h"
#include "syscalls/abi/errno.h"

enum {
	PAUSE_MIN_NS = 500000,
	PAUSE_IDLE_MAX_NS = 100000000,
};

int64_t ctimer_wall_now(const struct ctimer *c)
{
	int64_t now = 0;
	host_clock_get(c->clockid, &now);
	return now;
}

int64_t ctimer_now(const struct ctimer *c)
{
	if (!c->cpu)
		return ctimer_wall_now(c);
	return cputime_pick(c->thread ? task_cputime(c->thread) : group_cputime(c->group), c->kind);
}

/* How long a CPU clock needs at least for what is left. */
static int64_t cpu_pause(struct ctimer *c, int64_t now)
{
	unsigned running = __atomic_load_n(&c->group->nthreads, __ATOMIC_RELAXED);
	int64_t threads = c->thread ? 1 : (int64_t)min_u64(running, resources_cpus());
	int64_t left = c->expiry > now ? c->expiry - now : 0;
	int64_t pause = left / (threads > 0 ? threads : 1);

	if (now == c->seen && c->pause * 2 > pause)
		pause = c->pause * 2 < PAUSE_IDLE_MAX_NS ? c->pause * 2 : PAUSE_IDLE_MAX_NS;
	if (pause < PAUSE_MIN_NS && left > 0)
		pause = PAUSE_MIN_NS;
	c->seen = now;
	c->pause = pause;
	return pause;
}

/*
 * Whoever parks a timer says so before it looks a last time if the clock stands
 * still; whoever wakes says so before it looks if any timer is parked.
 */
static bool stands_still(const struct ctimer *c)
{
	return c->thread ? __atomic_load_n(&c->thread->asleep, __ATOMIC_SEQ_CST)
			 : __atomic_load_n(&c->group->awake, __ATOMIC_SEQ_CST) == 0;
}

static void unpark_locked(struct ctimer *c)
{
	list_del(&c->parked);
	__atomic_store_n(&c->group->any_parked, !list_empty(&c->group->parked), __ATOMIC_SEQ_CST);
}

static bool park_locked(struct ctimer *c, int64_t now)
{
	list_append(&c->group->parked, &c->parked);
	__atomic_store_n(&c->group->any_parked, true, __ATOMIC_SEQ_CST);
	c->seen = now;
	c->pause = 0;
	if (stands_still(c))
		return true;
	unpark_locked(c);
	return false;
}

static void unpark_group(struct group *g)
{
	struct ctimer *c, *next;

	lock(&g->siglock);
	list_for_each_safe(c, next, &g->parked, parked) {
		if (stands_still(c))
			continue;
		if (c->expiry)
			ctimer_arm_locked(c, c->seen);
		else
			unpark_locked(c);
	}
	unlock(&g->siglock);
}

void ctimer_rests(struct waiter *w, bool asleep)
{
	struct task *t = container_of(w, struct task, waiter);
	struct group *g = t->group;

	if (asleep) {
		/* While it sleeps everybody else must know what it has used until now. */
		if (__atomic_load_n(&g->cpu_timers, __ATOMIC_RELAXED))
			task_account(t);
		__atomic_store_n(&t->asleep, true, __ATOMIC_SEQ_CST);
		__atomic_sub_fetch(&g->awake, 1, __ATOMIC_SEQ_CST);
		return;
	}
	__atomic_store_n(&t->asleep, false, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&g->awake, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&g->any_parked, __ATOMIC_SEQ_CST))
		unpark_group(g);
}

int ctimer_arm_locked(struct ctimer *c, int64_t now)
{
	int64_t deadline;

	if (!list_empty(&c->parked))
		unpark_locked(c);
	if (c->cpu)
		__atomic_store_n(&c->group->cpu_timers, true, __ATOMIC_RELAXED);
	if (c->cpu)
		deadline = deadline_in(cpu_pause(c, now));
	else if (clock_deadline(c->clockid, c->expiry, &deadline) < 0)
		return -EINVAL;
	return ktimer_arm(&c->kt, deadline);
}

int64_t ctimer_forward_locked(struct ctimer *c, int64_t now)
{
	if (c->interval <= 0 || now < c->expiry)
		return 0;
	int64_t n = (now - c->expiry) / c->interval + 1, step;
	if (__builtin_mul_overflow(n, c->interval, &step))
		step = INT64_MAX;
	c->expiry = ns_add(c->expiry, step);
	return n;
}

static void ctimer_fire(struct ktimer *kt)
{
	struct ctimer *c = container_of(kt, struct ctimer, kt);
	struct group *g = c->group;
	int cld = 0;

	bool still = c->cpu && stands_still(c);
	int64_t now = ctimer_now(c);
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	if (c->expiry && now < c->expiry) {
		/* Only at an event of its own does a thread tell how much it has used. */
		if (c->thread && c->thread->ctx && !still)
			platform->interrupt(c->thread->ctx);
		if (!still || !park_locked(c, now))
			ctimer_arm_locked(c, now);
	} else if (c->expiry) {
		c->seen = now;
		c->pause = 0;
		c->expire(c, now, &cld);
	}
	unlock(&g->siglock);
	if (cld)
		jobctl_notify_locked(g, cld);
	unlock(&kernel.tasks_lock);
}

void ctimer_init(struct ctimer *c, struct group *g,
		 void (*expire)(struct ctimer *c, int64_t now, int *out_cld))
{
	*c = (struct ctimer){.group = g, .clockid = CLOCK_MONOTONIC, .expire = expire};
	list_init(&c->parked);
	ktimer_init(&c->kt, ctimer_fire);
}

void ctimer_stop(struct ctimer *c)
{
	lock(&c->group->siglock);
	c->expiry = 0;
	if (!list_empty(&c->parked))
		unpark_locked(c);
	unlock(&c->group->siglock);
	/* expire() may have armed it just before it saw that. */
	ktimer_cancel_sync(&c->kt);
	ktimer_cancel(&c->kt);
}
