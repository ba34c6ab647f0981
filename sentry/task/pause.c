/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mark in the word that a task sleeps on is what holds it (sync/waitq.h).  All are marked
 * first, so that they stop at once, and new ones are born with it; then each does an errand of
 * nothing, which it can only do where it stands still afterwards.
 */
#include "sentry/task/pause.h"

#include <stdlib.h>

#include "sentry/task/container.h"
#include "sentry/task/errand.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"

struct round {
	struct task **tasks; /* ours, a reference each; NULL: they go on */
	size_t count;
};

static void mark_group(struct group *g, void *arg)
{
	struct round *r = arg;
	struct task *t;

	lock(&g->siglock);
	list_for_each (t, &g->threads, threads) {
		/* Those that end do so: pause_leave(). */
		bool alive = t->ctx && !__atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE);
		waiter_pause(&t->waiter, r->tasks && alive);
		if (!r->tasks || !alive)
			continue;
		platform->interrupt(t->ctx);
		r->tasks[r->count++] = task_get(t);
	}
	unlock(&g->siglock);
}

static int mark_all(struct container *c, struct round *r)
{
	int err = 0;

	lock(&kernel.tasks_lock);
	r->tasks = calloc(c->ntasks + 1, sizeof *r->tasks);
	if (r->tasks) {
		c->paused = true;
		container_for_each_locked(c, mark_group, r);
	} else {
		err = -ENOMEM;
	}
	unlock(&kernel.tasks_lock);
	return err;
}

static long nothing(struct task *t, void *data)
{
	(void)t;
	(void)data;
	return 0;
}

int container_pause(struct container *c, int64_t deadline_ns)
{
	struct round r = {NULL, 0};
	char none = 0;
	int err = mark_all(c, &r);

	for (size_t i = 0; i < r.count; i++) {
		long ret = 0;
		if (err == 0)
			ret = task_errand_until(r.tasks[i], nothing, &none, sizeof none, deadline_ns);
		if (ret == -ETIMEDOUT || ret == -ENOMEM)
			err = (int)ret;
		task_put(r.tasks[i]);
	}
	free(r.tasks);
	if (err < 0)
		container_resume(c);
	return err;
}

void container_resume(struct container *c)
{
	struct round r = {NULL, 0};

	lock(&kernel.tasks_lock);
	c->paused = false;
	container_for_each_locked(c, mark_group, &r);
	unlock(&kernel.tasks_lock);
}

void pause_inherit_locked(struct task *t)
{
	lock_assert_held(&kernel.tasks_lock);
	if (t->group->container->paused)
		waiter_pause(&t->waiter, /*on=*/true);
}

void pause_leave(struct task *t)
{
	/* Whoever marks looks at `exiting' with this lock held. */
	lock(&t->group->siglock);
	waiter_pause(&t->waiter, /*on=*/false);
	unlock(&t->group->siglock);
}
