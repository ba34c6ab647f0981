/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/container.h"

#include <limits.h>
#include <stdlib.h>

#include "sentry/task/signal.h"

struct container container_first = {
	.ref = {1},
	.task_limit = UINT_MAX,
	.wq = {.lock = LOCK_INIT(RANK_WAITQ), .entries = LIST_INIT(container_first.wq.entries)},
};

static struct resources *view(void)
{
	const struct task *t = task_current();
	struct container *c = t ? t->group->container : &container_first;
	return c == &container_first ? &resources : &c->resources;
}

struct container *container_new(void)
{
	static unsigned last; /* a */
	struct container *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	c->task_limit = UINT_MAX;
	waitq_init(&c->wq);
	__atomic_store_n(&resources_view, view, __ATOMIC_RELEASE);
	return c;
}

struct container *container_get(struct container *c)
{
	ref_get(&c->ref);
	return c;
}

void container_put(struct container *c)
{
	if (!ref_put(&c->ref))
		return;
	if (c->resources.usage)
		usage_release(c->resources.usage);
	waitq_destroy(&c->wq);
	free(c);
}

bool container_room_locked(struct container *c)
{
	lock_assert_held(&kernel.tasks_lock);
	if (kernel.ntasks < kernel.task_most && c->ntasks < c->task_limit)
		return true;
	c->tasks_refused++;
	return false;
}

void container_add_task_locked(struct container *c)
{
	lock_assert_held(&kernel.tasks_lock);
	kernel.ntasks++;
	if (++c->ntasks > c->tasks_peak)
		c->tasks_peak = c->ntasks;
}

void container_drop_task_locked(struct container *c)
{
	lock_assert_held(&kernel.tasks_lock);
	if (--c->ntasks == 0)
		waitq_wake(&c->wq, 0);
	if (--kernel.ntasks == 0)
		waitq_wake(&kernel.ended, 0);
}

struct visit {
	const struct container *c;
	void (*fn)(struct group *g, void *arg);
	void *arg;
};

static bool visit_one(struct group *g, void *arg)
{
	const struct visit *v = arg;
	if (g->container == v->c)
		v->fn(g, v->arg);
	return true;
}

void container_for_each_locked(struct container *c, void (*fn)(struct group *g, void *arg),
			       void *arg)
{
	struct visit v = {c, fn, arg};
	group_for_each_locked(visit_one, &v);
}

static void kill_one(struct group *g, void *arg)
{
	const struct abi_siginfo info = {.signo = SIGKILL, .code = SI_KERNEL};
	(void)arg;
	if (!g->zombie)
		signal_send_group_locked(g, &info);
}

void container_kill_locked(struct container *c)
{
	container_for_each_locked(c, kill_one, NULL);
}
