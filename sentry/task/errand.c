/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Shared by who asks and who does it: who asks may be killed before it is done. */
struct errand {
	struct ref ref;
	struct list link;	/* s of the task */
	struct waitq wq;
	errand_fn *fn;
	long result;		/* valid when done */
	uint32_t done;		/* a */
	_Alignas(max_align_t) unsigned char data[];
};

static void errand_put(struct errand *e)
{
	if (!ref_put(&e->ref))
		return;
	waitq_destroy(&e->wq);
	free(e);
}

static void finish(struct errand *e, long result)
{
	e->result = result;
	__atomic_store_n(&e->done, 1, __ATOMIC_RELEASE);
	waitq_wake(&e->wq, 0);
	errand_put(e);
}

static struct errand *next_of(struct task *t)
{
	struct errand *e = NULL;

	lock(&t->group->siglock);
	if (!list_empty(&t->errands)) {
		e = list_first(&t->errands, struct errand, link);
		list_del(&e->link);
	}
	unlock(&t->group->siglock);
	return e;
}

static void serve(struct waiter *w)
{
	struct task *t = container_of(w, struct task, waiter);
	struct errand *e;

	while ((e = next_of(t)))
		finish(e, t->ctx ? e->fn(t, e->data) : -ESRCH);
}

void errand_init(struct task *t)
{
	list_init(&t->errands);
	t->waiter.serve = serve;
}

void errand_refuse(struct task *t)
{
	struct errand *e;

	while ((e = next_of(t)))
		finish(e, -ESRCH);
}

/* False if t has no ctx any more. */
static bool post(struct task *t, struct errand *e)
{
	lock(&t->group->siglock);
	bool alive = t->ctx != NULL;
	if (alive) {
		ref_get(&e->ref);
		list_append(&t->errands, &e->link);
		waiter_flag(&t->waiter, WAITER_ERRAND, 0);
		platform->interrupt(t->ctx);
	}
	unlock(&t->group->siglock);
	return alive;
}

long task_errand(struct task *t, errand_fn *fn, void *data, size_t size)
{
	return task_errand_until(t, fn, data, size, WAIT_FOREVER);
}

long task_errand_until(struct task *t, errand_fn *fn, void *data, size_t size, int64_t deadline_ns)
{
	if (t == task_current())
		return fn(t, data);
	struct errand *e = calloc(1, sizeof *e + size);
	if (!e)
		return -ENOMEM;
	ref_init(&e->ref);
	list_init(&e->link);
	waitq_init(&e->wq);
	e->fn = fn;
	memcpy(e->data, data, size);
	long ret = -ESRCH;
	if (post(t, e)) {
		int err = waitq_sleep(&e->wq, 0, WAIT_KILLABLE, deadline_ns,
				      __atomic_load_n(&e->done, __ATOMIC_ACQUIRE));
		ret = err == 0 ? e->result : err == -ETIMEDOUT ? err : -EINTR;
		if (err == 0)
			memcpy(data, e->data, size);
	}
	errand_put(e);
	return ret;
}
