/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain copy comes first: it needs nobody's help.  Where that stops, a thread that lives in the
 * memory lifts the protection for a moment.
 */
#include "sentry/task/memaccess.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/task/errand.h"

/* exec empties the memory under this lock, so it cannot come between check and copy. */
static ssize_t plain(struct mm *mm, const struct file *exe, uaddr_t at, void *buf, size_t size,
		     bool write)
{
	ssize_t n = -ESRCH;

	lock(&mm->lock);
	if (exe && mm->exe == exe)
		n = (ssize_t)(write ? copy_out_some(mm, at, buf, size)
				    : copy_in_some(mm, buf, at, size));
	unlock(&mm->lock);
	return n;
}

struct forced {
	struct mm *mm;
	const struct file *exe;
	uaddr_t at;
	size_t size;
	bool write;
	unsigned char buf[];
};

static long force(struct task *t, void *data)
{
	struct forced *f = data;

	if (t->mm != f->mm)
		return -ESRCH;
	return (long)mm_force_copy(f->mm, t->ctx, f->exe, f->at, f->buf, f->size, f->write);
}

struct search {
	struct mm *mm;
	struct task *found;
};

static bool lives_here(struct group *g, void *arg)
{
	struct search *s = arg;
	struct task *t;

	list_for_each (t, &g->threads, threads)
		if (!s->found && t->mm == s->mm &&
		    !__atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE))
			s->found = task_get(t);
	return !s->found;
}

static struct task *somebody_in(struct mm *mm)
{
	struct task *self = task_current();
	struct search s = {.mm = mm};

	if (self && self->mm == mm)
		return task_get(self);
	lock(&kernel.tasks_lock);
	group_for_each_locked(lives_here, &s);
	unlock(&kernel.tasks_lock);
	return s.found;
}

static ssize_t forced(struct mm *mm, const struct file *exe, uaddr_t at, void *buf, size_t size,
		      bool write)
{
	autofree struct forced *f = malloc(sizeof *f + size);
	long n;

	if (!f)
		return -ENOMEM;
	*f = (struct forced){.mm = mm, .exe = exe, .at = at, .size = size, .write = write};
	if (write)
		memcpy(f->buf, buf, size);
	/* -ESRCH: it was on its way out; another one may live on. */
	do {
		autoput(task) struct task *t = somebody_in(mm);
		if (!t)
			return -ESRCH;
		n = task_errand(t, force, f, sizeof *f + size);
	} while (n == -ESRCH);
	if (n > 0 && !write)
		memcpy(buf, f->buf, (size_t)n);
	return n;
}

static ssize_t copy(struct mm *mm, const struct file *exe, uaddr_t at, void *buf, size_t size,
		    bool write)
{
	ssize_t n = plain(mm, exe, at, buf, size, write);
	if (n < 0 || (size_t)n == size || !mm_may_force(mm, at + (uaddr_t)n, write))
		return n;
	ssize_t more = forced(mm, exe, at + (uaddr_t)n, (char *)buf + n, size - (size_t)n, write);
	return more >= 0 ? n + more : n ? n : more;
}

ssize_t mem_read(struct mm *mm, const struct file *exe, void *dst, uaddr_t src, size_t size)
{
	return copy(mm, exe, src, dst, size, /*write=*/false);
}

ssize_t mem_write(struct mm *mm, const struct file *exe, uaddr_t dst, const void *src, size_t size)
{
	return copy(mm, exe, dst, (void *)(uintptr_t)src, size, /*write=*/true);
}
