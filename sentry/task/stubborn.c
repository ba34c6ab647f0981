/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/stubborn.h"

#include "sentry/mm/mm.h"
#include "sentry/sync/timer.h"
#include "sentry/task/task.h"

static const int64_t GRACE_NS = 5 * 1000000;
static const int64_t GRACE_MAX_NS = NSEC_PER_SEC;

static void fire(struct ktimer *t);
static struct ktimer timer = {.fire = fire};
static int64_t armed_for = INT64_MAX; /* a */

static void arm(int64_t deadline)
{
	__atomic_store_n(&armed_for, deadline, __ATOMIC_RELAXED);
	ktimer_arm(&timer, deadline); /* -ENOMEM: the next one to be told has better luck */
}

void stubborn_watch_locked(struct group *g)
{
	lock_assert_held(&g->siglock);
	if (!platform->abandon || g->ends_by_ns != 0)
		return;
	g->ends_grace_ns = GRACE_NS;
	g->ends_by_ns = clock_mono_ns() + GRACE_NS;
	if (g->ends_by_ns < __atomic_load_n(&armed_for, __ATOMIC_RELAXED))
		arm(g->ends_by_ns);
}

struct sharing {
	const struct mm *mm;
	bool living;
};

static bool look_for_living(struct group *g, void *arg)
{
	struct sharing *s = arg;
	struct task *t;
	lock(&g->siglock);
	if (!g->zombie && !g->exiting)
		list_for_each(t, &g->threads, threads)
			s->living |= t->mm == s->mm;
	unlock(&g->siglock);
	return !s->living;
}

/* All of g's threads are in one memory, or have left it. */
static bool memory_lives_on(struct group *g)
{
	struct sharing s = {0};
	struct task *t;
	unsigned ours = 0;
	list_for_each(t, &g->threads, threads)
		if (t->mm) {
			s.mm = t->mm;
			ours++;
		}
	if (!s.mm || __atomic_load_n(&s.mm->users, __ATOMIC_RELAXED) <= ours)
		return false;
	group_for_each_locked(look_for_living, &s);
	return s.living;
}

static unsigned abandon_locked(struct group *g, bool spare)
{
	struct task *t;
	unsigned n = 0;
	list_for_each(t, &g->threads, threads) {
		if (!t->ctx || t == g->exec_task ||
		    !__atomic_load_n(&t->exiting, __ATOMIC_RELAXED))
			continue;
		if (!spare)
			platform->abandon(t->ctx);
		n++;
	}
	return n;
}

/* Siglock held.  Who execs has the old memory only until it is done. */
static void give_up_locked(struct group *g, int64_t now, bool spare)
{
	bool some = abandon_locked(g, spare) > 0;
	g->ends_grace_ns = min_u64(2 * (uint64_t)g->ends_grace_ns, (uint64_t)GRACE_MAX_NS);
	g->ends_by_ns = some ? now + g->ends_grace_ns : 0;
}

/* *arg: when to look again. */
static bool look_at(struct group *g, void *arg)
{
	int64_t *next = arg, now = clock_mono_ns();
	lock(&g->siglock);
	bool due = g->ends_by_ns != 0 && now >= g->ends_by_ns, execs = g->exec_task;
	unlock(&g->siglock);
	bool spare = due && !execs && memory_lives_on(g);
	lock(&g->siglock);
	if (due && g->ends_by_ns != 0)
		give_up_locked(g, now, spare);
	if (g->ends_by_ns != 0 && g->ends_by_ns < *next)
		*next = g->ends_by_ns;
	unlock(&g->siglock);
	return true;
}

static void fire(struct ktimer *t)
{
	int64_t next = INT64_MAX;
	(void)t;
	__atomic_store_n(&armed_for, INT64_MAX, __ATOMIC_RELAXED);
	lock(&kernel.tasks_lock);
	group_for_each_locked(look_at, &next);
	if (next < __atomic_load_n(&armed_for, __ATOMIC_RELAXED))
		arm(next);
	unlock(&kernel.tasks_lock);
}
