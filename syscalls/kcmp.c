/* SPDX-License-Identifier: Apache-2.0 */
/* kcmp(2): are two processes' things one thing? */
#include <pthread.h>

#include "platform/base/cleanup.h"
#include "sentry/res/random.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/sched.h"
#include "syscalls/sys.h"

/* Scrambles addresses of the sentry: their order must be stable, but tell nothing. */
static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void secret_init(void)
{
	random_bytes(secret, sizeof secret);
	secret[1] |= 1; /* odd: the product stays one to one */
}

static uint64_t scramble(const void *p)
{
	pthread_once(&secret_once, secret_init);
	return ((uint64_t)(uintptr_t)p ^ secret[0]) * secret[1];
}

static long compare(const void *a, const void *b)
{
	uint64_t x = scramble(a), y = scramble(b);
	return x == y ? 0 : x < y ? 1 : 2;
}

static struct file *file_of(struct task *t, uint64_t fd)
{
	struct fdtab *table = NULL;

	lock(&kernel.tasks_lock);
	if (t->fds)
		table = fdtab_get_table(t->fds);
	unlock(&kernel.tasks_lock);
	if (!table)
		return NULL;
	struct file *f = fd > INT32_MAX ? NULL : fdtab_get(table, (int)fd);
	fdtab_put(table);
	return f;
}

static long compare_files(struct task *a, struct task *b, uint64_t fd1, uint64_t fd2)
{
	autoput(file) struct file *f1 = file_of(a, fd1);
	autoput(file) struct file *f2 = file_of(b, fd2);

	return f1 && f2 ? compare(f1, f2) : -EBADF;
}

static const void *thing_locked(const struct task *t, int type)
{
	switch (type) {
	case KCMP_VM:
		return t->mm;
	case KCMP_FILES:
		return t->fds;
	case KCMP_FS:
		return t->fs;
	case KCMP_SYSVSEM:
		return __atomic_load_n(&t->sem_undos, __ATOMIC_RELAXED);
	default:
		return t->group->actions;
	}
}

static bool io_context(const struct task *t)
{
	return __atomic_load_n(&t->ioprio, __ATOMIC_RELAXED) != 0;
}

long sys_kcmp(struct task *t, int pid1, int pid2, int type, uint64_t idx1, uint64_t idx2)
{
	autoput(task) struct task *a = task_find(pid1);
	autoput(task) struct task *b = task_find(pid2);

	if (!a || !b)
		return -ESRCH;
	if (task_may_access(t, a) < 0 || task_may_access(t, b) < 0)
		return -EPERM;
	switch (type) {
	case KCMP_FILE:
		return compare_files(a, b, (uint32_t)idx1, (uint32_t)idx2);
	case KCMP_VM:
	case KCMP_FILES:
	case KCMP_FS:
	case KCMP_SIGHAND:
	case KCMP_SYSVSEM:
		break;
	case KCMP_IO:
		/* Who never set a priority has no I/O context, and none is like none. */
		if (a == b || (!io_context(a) && !io_context(b)))
			return 0;
		return -EOPNOTSUPP; /* whether CLONE_IO made them share one is not kept */
	case KCMP_EPOLL_TFD:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
	lock(&kernel.tasks_lock);
	long order = compare(thing_locked(a, type), thing_locked(b, type));
	unlock(&kernel.tasks_lock);
	return order;
}
