/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time: what a thread has used is known to its own sentry thread
 * (task_account) and brought up to date at its events.  For a group with
 * threads that compute without a call the host's clock of the stub process is
 * nearer to the truth, as long as nobody else runs in that process.
 */
#include "platform/host.h"
#include "sentry/mm/mm.h"
#include "sentry/task/clock.h"
#include "syscalls/abi/errno.h"

struct cputime task_cputime(struct task *t)
{
	int64_t ns;

	if (waiter_self() == &t->waiter)
		task_account(t);
	struct cputime c = {
		.user = __atomic_load_n(&t->utime_ns, __ATOMIC_RELAXED),
		.system = __atomic_load_n(&t->stime_ns, __ATOMIC_RELAXED),
	};
	if (waiter_self() == &t->waiter)
		return c;
	/* The platform may know more of a thread that computes, or give its last answer. */
	lock(&t->group->siglock);
	if (t->ctx && platform->ctx_cputime(t->ctx, &ns) == 0 && ns > c.user)
		c.user = ns;
	unlock(&t->group->siglock);
	return c;
}

struct cputime group_cputime_locked(struct group *g)
{
	struct cputime sum = {g->dead_utime_ns, g->dead_stime_ns};
	struct task *t;

	list_for_each (t, &g->threads, threads) {
		struct cputime c = task_cputime(t);
		sum.user += c.user;
		sum.system += c.system;
	}
	return sum;
}

/* The address space that only this group runs in, referenced; or NULL. */
static struct mm *own_mm_locked(struct group *g)
{
	struct task *t;

	list_for_each (t, &g->threads, threads)
		if (t->mm && __atomic_load_n(&t->mm->users, __ATOMIC_RELAXED) <= g->nthreads)
			return mm_get(t->mm);
	return NULL;
}

struct cputime group_cputime(struct group *g)
{
	int64_t ns = 0;

	lock(&kernel.tasks_lock);
	struct cputime sum = group_cputime_locked(g);
	/* Of the caller itself all is known. */
	bool alone = g->nthreads == 1 && g->leader && waiter_self() == &g->leader->waiter;
	struct mm *mm = alone ? NULL : own_mm_locked(g);
	unlock(&kernel.tasks_lock);
	if (!mm)
		return sum;
	lock(&mm->lock);
	if (mm->aspace && platform->aspace_cputime(mm->aspace, &ns) == 0 && ns > sum.user)
		sum.user = ns;
	unlock(&mm->lock);
	mm_put(mm);
	return sum;
}

int64_t cputime_pick(struct cputime c, enum cpuclock_kind kind)
{
	return kind == CPUCLOCK_VIRT ? c.user : c.user + c.system;
}

/* As clock_getcpuclockid(3) builds it: ~pid << 3, 4 for one thread, the kind. */
int cpuclock_resolve(struct task *t, int clockid, struct cpuclock *out)
{
	int nr = clockid < 0 ? ~(clockid >> 3) : 0;
	int err = 0;

	*out = (struct cpuclock){.kind = CPUCLOCK_SCHED};
	out->thread = clockid < 0 ? clockid & 4 : clockid == CLOCK_THREAD_CPUTIME_ID;
	if (clockid < 0) {
		/* Kind 3 is a clock behind a descriptor: there are no such devices. */
		if ((clockid & 3) > CPUCLOCK_SCHED)
			return -EINVAL;
		out->kind = (enum cpuclock_kind)(clockid & 3);
	}
	lock(&kernel.tasks_lock);
	struct task *found = nr ? task_find_locked(nr) : t;
	if (!found || (out->thread && found->group != t->group) ||
	    (!out->thread && nr && found->tid != found->group->tgid && found != t)) {
		err = -EINVAL;
	} else {
		out->task = task_get(found);
		out->group = group_get(found->group);
	}
	unlock(&kernel.tasks_lock);
	return err;
}

void cpuclock_put(struct cpuclock *c)
{
	task_put(c->task);
	group_put(c->group);
}

int64_t cpuclock_read(const struct cpuclock *c)
{
	return cputime_pick(c->thread ? task_cputime(c->task) : group_cputime(c->group), c->kind);
}
