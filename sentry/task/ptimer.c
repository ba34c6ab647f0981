/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/ptimer.h"

#include <stdlib.h>

#include "sentry/task/signal.h"
#include "sentry/task/sigset.h"
#include "sentry/task/timers.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/resource.h"

/* An ignored periodic timer looks again no sooner than this. */
enum { IGNORED_PAUSE_NS = 1000000 };

struct ptimer {
	struct ctimer c;
	struct list link;    /* s  in posix_timers.timers */
	int id;		     /* I */
	int clockid;	     /* I  as the guest named it */
	bool signals;	     /* I  not SIGEV_NONE */
	struct task *target; /* I  SIGEV_THREAD_ID, our reference; NULL: the group */
	struct sigqueue q;   /* s */
	int64_t overrun;     /* s  of the signal that is to come */
	int last_overrun;    /* s  of the last one taken */
};

static void ptimer_free(struct ptimer *p)
{
	if (p->target)
		task_put(p->target);
	if (p->c.thread)
		task_put(p->c.thread);
	sigqueue_uncharge(p->q.uid);
	free(p);
}

/* The queue entry goes with the timer or its setting; the bit stays only for other entries. */
static void unqueue_locked(struct ptimer *p)
{
	struct sigpending *pending = p->target ? &p->target->pending : &p->c.group->pending;
	const struct sigqueue *other;
	bool more = false;

	if (list_empty(&p->q.link))
		return;
	list_del(&p->q.link);
	list_for_each (other, &pending->queue, link)
		more = more || other->info.signo == p->q.info.signo;
	if (!more)
		pending->set &= ~SIGBIT(p->q.info.signo);
}

/* A periodic timer that sends waits until its signal is taken: ptimer_taken_locked. */
static void ptimer_expire(struct ctimer *c, int64_t now, int *out_cld)
{
	struct ptimer *p = container_of(c, struct ptimer, c);

	if (!p->signals) {
		if (ctimer_forward_locked(c, now))
			ctimer_arm_locked(c, now);
		else
			c->expiry = 0;
		return;
	}
	if (!c->interval)
		c->expiry = 0;
	if (!list_empty(&p->q.link))
		return;
	int err = signal_send_timer_locked(c->group, p->target, &p->q, out_cld);
	if (err != 0 || list_empty(&p->q.link)) {
		/* Ignored, or already pending by kill(2): nobody will take this one. */
		if (!c->interval)
			return;
		p->overrun = 0;
		ctimer_forward_locked(c, now);
		if (c->expiry < ns_add(now, IGNORED_PAUSE_NS))
			ctimer_forward_locked(c, ns_add(now, IGNORED_PAUSE_NS));
		ctimer_arm_locked(c, now);
	}
}

static int saturate(int64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

/*
 * A CPU clock cannot be read with the locks held: its next expiry is one
 * interval on, and what it is late is found and counted when it fires.
 */
void ptimer_taken_locked(struct ptimer *p, struct abi_siginfo *info)
{
	struct ctimer *c = &p->c;

	if (c->expiry && c->interval) {
		int64_t now = c->cpu ? c->expiry : ctimer_wall_now(c);
		int64_t n = ctimer_forward_locked(c, now);
		if (n > 0)
			p->overrun += n - 1;
		ctimer_arm_locked(c, c->cpu ? c->seen : now);
	}
	p->last_overrun = saturate(p->overrun);
	p->overrun = 0;
	if (info)
		info->timer.overrun = p->last_overrun;
}

/* SIGEV_THREAD_ID names a thread of the caller's own process. */
static int resolve_target(struct task *t, const struct abi_sigevent *ev, struct task **out)
{
	*out = NULL;
	switch (ev->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_THREAD_ID:
		*out = task_find(ev->tid);
		if (!*out)
			return -EINVAL;
		if ((*out)->group != t->group) {
			task_put(*out);
			*out = NULL;
			return -EINVAL;
		}
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		break;
	default:
		return -EINVAL;
	}
	if (ev->signo >= 1 && ev->signo <= ABI_NSIG)
		return 0;
	if (*out)
		task_put(*out);
	*out = NULL;
	return -EINVAL;
}

static int set_clock(struct task *t, struct ptimer *p, int clockid)
{
	struct cpuclock cpu;
	int64_t ns;

	p->clockid = p->c.clockid = clockid;
	if (!clock_is_cpu(clockid)) {
		if (clock_deadline(clockid, 0, &ns) == 0)
			return 0;
		/* A clock that can be read but not waited for. */
		return clock_resolution(t, clockid, &ns) == 0 ? -EOPNOTSUPP : -EINVAL;
	}
	int err = cpuclock_resolve(t, clockid, &cpu);
	if (err < 0)
		return err;
	/* Timers on other processes' clocks would outlive them: Linux has them, nobody uses them.
	 */
	if (cpu.group != t->group)
		err = -EOPNOTSUPP;
	p->c.cpu = true;
	p->c.kind = cpu.kind;
	if (err == 0 && cpu.thread)
		p->c.thread = task_get(cpu.task);
	cpuclock_put(&cpu);
	return err;
}

static int ptimer_new(struct task *t, int clockid, const struct abi_sigevent *ev,
		      struct ptimer **out)
{
	struct ptimer *p = calloc(1, sizeof *p);

	if (!p)
		return -EAGAIN;
	p->q.uid = t->cred->ruid;
	if (!sigqueue_charge(p->q.uid, task_rlimit(t, RLIMIT_SIGPENDING))) {
		free(p);
		return -EAGAIN;
	}
	ctimer_init(&p->c, t->group, ptimer_expire);
	list_init(&p->link);
	list_init(&p->q.link);
	p->q.timer = p;
	p->signals = ev->notify != SIGEV_NONE;
	int err = set_clock(t, p, clockid);
	if (err == 0)
		err = resolve_target(t, ev, &p->target);
	if (err < 0) {
		ptimer_free(p);
		return err;
	}
	p->q.info = (struct abi_siginfo){.signo = ev->signo, .code = SI_TIMER};
	p->q.info.timer.value = ev->value;
	*out = p;
	return 0;
}

int ptimer_create(struct task *t, int clockid, const struct abi_sigevent *ev)
{
	const struct abi_sigevent by_default = {.notify = SIGEV_SIGNAL, .signo = SIGALRM};
	struct posix_timers *pt = timers_get(t->group);
	struct ptimer *p;

	if (!pt)
		return -EAGAIN;
	int err = ptimer_new(t, clockid, ev ? ev : &by_default, &p);
	if (err < 0)
		return err;
	lock(&t->group->siglock);
	int id = p->id = pt->next_id;
	pt->next_id = pt->next_id == INT32_MAX ? 0 : pt->next_id + 1;
	p->q.info.timer.tid = id;
	if (!ev)
		p->q.info.timer.value.sival_int = id;
	list_append(&pt->timers, &p->link);
	unlock(&t->group->siglock);
	return id;
}

static struct ptimer *find_locked(struct group *g, int id)
{
	struct ptimer *p;

	if (g->timers)
		list_for_each (p, &g->timers->timers, link)
			if (p->id == id)
				return p;
	return NULL;
}

/* Out of the list first, so that nobody finds it; then it cannot fire; then it is freed. */
static void ptimer_drop(struct ptimer *p)
{
	ctimer_stop(&p->c);
	ptimer_free(p);
}

int ptimer_delete(struct task *t, int id)
{
	struct group *g = t->group;

	lock(&g->siglock);
	struct ptimer *p = find_locked(g, id);
	if (p) {
		list_del(&p->link);
		unqueue_locked(p);
		p->c.expiry = 0;
		signal_recalc_locked(t);
	}
	unlock(&g->siglock);
	if (!p)
		return -EINVAL;
	ptimer_drop(p);
	return 0;
}

void ptimers_drop(struct group *g, struct posix_timers *pt)
{
	for (;;) {
		lock(&g->siglock);
		struct ptimer *p = NULL;
		if (!list_empty(&pt->timers)) {
			p = list_first(&pt->timers, struct ptimer, link);
			list_del(&p->link);
			unqueue_locked(p);
			p->c.expiry = 0;
		}
		unlock(&g->siglock);
		if (!p)
			return;
		ptimer_drop(p);
	}
}

void ptimers_exit(struct group *g)
{
	struct posix_timers *pt = __atomic_load_n(&g->timers, __ATOMIC_ACQUIRE);
	if (pt)
		ptimers_drop(g, pt);
}

/* What timer_gettime(2) says: time left, never 0 while it is armed and will still signal. */
static void read_locked(const struct ptimer *p, int64_t now, struct abi_itimerspec *out)
{
	int64_t left = 0;

	if (p->c.expiry) {
		left = p->c.expiry - now;
		/* Its signal is not taken yet: the next period's end counts. */
		if (left <= 0 && p->c.interval)
			left = p->c.interval - (now - p->c.expiry) % p->c.interval;
		if (left <= 0)
			left = p->signals ? 1 : 0;
	}
	out->it_value = ns_timespec(left);
	out->it_interval = ns_timespec(p->c.interval);
}

/*
 * The clock has to be read before siglock is taken, and it belongs to the
 * timer: a first look under the lock says which it is.
 */
static int timer_now(struct task *t, int id, int64_t *out_now)
{
	struct ctimer copy;

	lock(&t->group->siglock);
	const struct ptimer *p = find_locked(t->group, id);
	if (p) {
		copy = (struct ctimer){.group = t->group,
				       .clockid = p->c.clockid,
				       .cpu = p->c.cpu,
				       .kind = p->c.kind};
		copy.thread = p->c.thread ? task_get(p->c.thread) : NULL;
	}
	unlock(&t->group->siglock);
	if (!p)
		return -EINVAL;
	*out_now = ctimer_now(&copy);
	if (copy.thread)
		task_put(copy.thread);
	return 0;
}

int ptimer_gettime(struct task *t, int id, struct abi_itimerspec *out)
{
	int64_t now;

	int err = timer_now(t, id, &now);
	if (err < 0)
		return err;
	lock(&t->group->siglock);
	const struct ptimer *p = find_locked(t->group, id);
	if (p)
		read_locked(p, now, out);
	unlock(&t->group->siglock);
	return p ? 0 : -EINVAL;
}

/* A relative time on CLOCK_REALTIME must not jump with it. */
static int64_t base_locked(struct ptimer *p, bool absolute, int64_t now)
{
	if (p->c.cpu || absolute) {
		p->c.clockid = p->clockid;
		return absolute ? 0 : now;
	}
	p->c.clockid = p->clockid == CLOCK_REALTIME || p->clockid == CLOCK_TAI ? CLOCK_MONOTONIC
									       : p->clockid;
	return ctimer_wall_now(&p->c);
}

int ptimer_settime(struct task *t, int id, int flags, const struct abi_itimerspec *value,
		   struct abi_itimerspec *out_old)
{
	int64_t now, first, interval;

	int err = timespec_ns(&value->it_value, &first);
	if (err == 0)
		err = timespec_ns(&value->it_interval, &interval);
	if (err == 0)
		err = timer_now(t, id, &now);
	if (err < 0)
		return err;
	lock(&t->group->siglock);
	struct ptimer *p = find_locked(t->group, id);
	if (p) {
		if (out_old)
			read_locked(p, now, out_old);
		unqueue_locked(p);
		p->overrun = p->last_overrun = 0;
		p->c.interval = interval;
		p->c.expiry = 0;
		ktimer_cancel(&p->c.kt);
		if (first) {
			int64_t at = ns_add(base_locked(p, flags & TIMER_ABSTIME, now), first);
			p->c.expiry = at > 0 ? at : 1;
			p->c.seen = p->c.pause = 0;
			err = ctimer_arm_locked(&p->c, now);
		}
		signal_recalc_locked(t);
	}
	unlock(&t->group->siglock);
	return p ? err : -EINVAL;
}

int ptimer_getoverrun(struct task *t, int id)
{
	lock(&t->group->siglock);
	const struct ptimer *p = find_locked(t->group, id);
	int n = p ? p->last_overrun : -EINVAL;
	unlock(&t->group->siglock);
	return n;
}
