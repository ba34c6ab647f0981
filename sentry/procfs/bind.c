/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/procfs/bind.h"

#include <errno.h>

#include "sentry/mm/mm.h"
#include "sentry/task/memaccess.h"

int binding_make(struct binding *b, const struct proc_node *n)
{
	autoput(task) struct task *t = proc_task(n);

	*b = (struct binding){NULL, NULL};
	if (!t)
		return -ESRCH;
	b->mm = task_mm_get(t);
	if (b->mm) {
		lock(&b->mm->lock);
		b->exe = b->mm->exe ? file_get(b->mm->exe) : NULL;
		unlock(&b->mm->lock);
	}
	/* After that: an exec in between is seen either by this check or by the next use. */
	int err = proc_may_inspect(t);
	if (err < 0)
		binding_drop(b);
	return err;
}

void binding_drop(struct binding *b)
{
	if (b->exe)
		file_put(STEAL(b->exe));
	if (b->mm)
		mm_put(STEAL(b->mm));
}

static bool same_locked(const struct binding *b)
{
	return b->exe && b->mm->exe == b->exe;
}

struct mm *binding_mm(const struct binding *b)
{
	if (!b->mm)
		return NULL;
	lock(&b->mm->lock);
	bool same = same_locked(b);
	unlock(&b->mm->lock);
	return same ? b->mm : NULL;
}

ssize_t binding_read(const struct binding *b, void *dst, uaddr_t src, size_t size)
{
	return b->mm ? mem_read(b->mm, b->exe, dst, src, size) : -ESRCH;
}

ssize_t binding_write(const struct binding *b, uaddr_t dst, const void *src, size_t size)
{
	return b->mm ? mem_write(b->mm, b->exe, dst, src, size) : -ESRCH;
}
