/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/cpulimit.h"

#include "sentry/task/sigset.h"
#include "sentry/task/timers.h"

static struct abi_rlimit cpu_rlimit(struct group *g)
{
	lock(&g->rlimit_lock);
	struct abi_rlimit r = g->rlimits[RLIMIT_CPU];
	unlock(&g->rlimit_lock);
	return r;
}

static int64_t seconds_ns(uint64_t seconds)
{
	if (seconds == 0)
		return NSEC_PER_SEC; /* at once would mean never: Linux takes it for one second */
	return seconds > INT64_MAX / NSEC_PER_SEC ? INT64_MAX : (int64_t)seconds * NSEC_PER_SEC;
}

static void cpulimit_expire(struct ctimer *c, int64_t now, int *out_cld)
{
	struct abi_rlimit r = cpu_rlimit(c->group);
	bool over = now >= seconds_ns(r.rlim_max);
	const struct abi_siginfo info = {.signo = over ? SIGKILL : SIGXCPU, .code = SI_KERNEL};

	c->expiry = over ? 0 : ns_add(now, NSEC_PER_SEC);
	if (c->expiry > seconds_ns(r.rlim_max))
		c->expiry = seconds_ns(r.rlim_max);
	if (!over)
		ctimer_arm_locked(c, now);
	signal_send_locked(c->group, &info, out_cld);
}

void cpulimit_init(struct ctimer *c, struct group *g)
{
	ctimer_init(c, g, cpulimit_expire);
	c->cpu = true;
	c->kind = CPUCLOCK_PROF;
}

/* g may be another process, which ends meanwhile: its timers are there with siglock held only. */
void cpulimit_changed(struct group *g)
{
	struct abi_rlimit r = cpu_rlimit(g);

	if (r.rlim_cur == RLIM64_INFINITY && r.rlim_max == RLIM64_INFINITY &&
	    !__atomic_load_n(&g->timers, __ATOMIC_ACQUIRE))
		return;
	if (!timers_get(g))
		return;
	int64_t now = cputime_pick(group_cputime(g), CPUCLOCK_PROF);
	int64_t at = seconds_ns(r.rlim_cur);
	lock(&g->siglock);
	struct posix_timers *pt = g->timers;
	if (pt) {
		ktimer_cancel(&pt->cpulimit.kt);
		pt->cpulimit.expiry = at == INT64_MAX ? 0 : at;
		pt->cpulimit.seen = pt->cpulimit.pause = 0;
		if (pt->cpulimit.expiry)
			ctimer_arm_locked(&pt->cpulimit, now);
	}
	unlock(&g->siglock);
}
