/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/itimer.h"

#include "sentry/task/signal.h"
#include "sentry/task/sigset.h"
#include "sentry/task/timers.h"
#include "syscalls/abi/errno.h"

/*
 * Shorter intervals fire this often and count as one: the signal is pending
 * anyhow, and the timer thread serves everybody.
 */
enum { INTERVAL_MIN_NS = 100000 };

static int itimer_signal(const struct ctimer *c)
{
	if (!c->cpu)
		return SIGALRM;
	return c->kind == CPUCLOCK_VIRT ? SIGVTALRM : SIGPROF;
}

static void itimer_expire(struct ctimer *c, int64_t now, int *out_cld)
{
	const struct abi_siginfo info = {.signo = itimer_signal(c), .code = SI_KERNEL};

	if (ctimer_forward_locked(c, now)) {
		if (c->expiry < ns_add(now, INTERVAL_MIN_NS))
			ctimer_forward_locked(c, ns_add(now, INTERVAL_MIN_NS));
		ctimer_arm_locked(c, now);
	} else {
		c->expiry = 0;
	}
	signal_send_locked(c->group, &info, out_cld);
}

void itimer_init(struct ctimer *c, struct group *g, int which)
{
	ctimer_init(c, g, itimer_expire);
	c->cpu = which != ABI_ITIMER_REAL;
	c->kind = which == ABI_ITIMER_VIRTUAL ? CPUCLOCK_VIRT : CPUCLOCK_PROF;
}

static void read_locked(const struct ctimer *c, int64_t now, struct abi_itimerval *out)
{
	int64_t left = 0;

	/* One that is due but has not fired yet is not off. */
	if (c->expiry)
		left = c->expiry - now < NSEC_PER_USEC ? NSEC_PER_USEC : c->expiry - now;
	out->it_value = ns_timeval(left);
	out->it_interval = ns_timeval(c->interval);
}

static int itimer_find(struct task *t, int which, struct ctimer **out)
{
	if (which < 0 || which >= ITIMER_COUNT)
		return -EINVAL;
	struct posix_timers *pt = timers_get(t->group);
	if (!pt)
		return -ENOMEM;
	*out = &pt->itimer[which];
	return 0;
}

int itimer_get(struct task *t, int which, struct abi_itimerval *out)
{
	struct ctimer *c;

	int err = itimer_find(t, which, &c);
	if (err < 0)
		return err;
	int64_t now = ctimer_now(c);
	lock(&t->group->siglock);
	read_locked(c, now, out);
	unlock(&t->group->siglock);
	return 0;
}

int itimer_set(struct task *t, int which, const struct abi_itimerval *value,
	       struct abi_itimerval *out_old)
{
	int64_t first, interval;
	struct ctimer *c;

	int err = itimer_find(t, which, &c);
	if (err == 0)
		err = timeval_ns(&value->it_value, &first);
	if (err == 0)
		err = timeval_ns(&value->it_interval, &interval);
	if (err < 0)
		return err;
	int64_t now = ctimer_now(c);
	lock(&t->group->siglock);
	if (out_old)
		read_locked(c, now, out_old);
	ktimer_cancel(&c->kt);
	c->interval = first ? interval : 0;
	c->expiry = first ? ns_add(now, first) : 0;
	c->seen = c->pause = 0;
	if (first)
		err = ctimer_arm_locked(c, now);
	unlock(&t->group->siglock);
	return err;
}
