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
	int64_t threads = c->thread ? 1 : (int64_t)min_u64(running, resources.cpus);
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

int ctimer_arm_locked(struct ctimer *c, int64_t now)
{
	int64_t deadline;

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

	int64_t now = ctimer_now(c);
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	if (c->expiry && now < c->expiry) {
		/* Only at an event of its own does a thread tell how much it has used. */
		if (c->thread && c->thread->ctx)
			platform->interrupt(c->thread->ctx);
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
	ktimer_init(&c->kt, ctimer_fire);
}

void ctimer_stop(struct ctimer *c)
{
	lock(&c->group->siglock);
	c->expiry = 0;
	unlock(&c->group->siglock);
	/* expire() may have armed it just before it saw that. */
	ktimer_cancel_sync(&c->kt);
	ktimer_cancel(&c->kt);
}
