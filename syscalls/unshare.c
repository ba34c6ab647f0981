/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unshare(2) of what threads share.  Namespaces are refused as by a kernel that
 * was built without them.
 */
#include <errno.h>

#include "sentry/ipc/sem.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/sched.h"
#include "syscalls/sys.h"

#define UNSHARE_KNOWN                                                                              \
	(CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |          \
	 CLONE_SYSVSEM | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER |              \
	 CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME)
#define UNSHARE_HERE (CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM)

static int own_fs(struct task *t)
{
	struct fsctx *own, *old;
	int err = fsctx_copy(t->fs, &own);
	if (err < 0)
		return err;
	lock(&kernel.tasks_lock);
	old = t->fs;
	t->fs = own;
	unlock(&kernel.tasks_lock);
	fsctx_put(old);
	return 0;
}

static int own_files(struct task *t)
{
	struct fdtab *own, *old;
	if (!fdtab_shared(t->fds))
		return 0;
	int err = fdtab_copy(t->fds, &own);
	if (err < 0)
		return err;
	lock(&kernel.tasks_lock);
	old = t->fds;
	t->fds = own;
	unlock(&kernel.tasks_lock);
	fdtab_put(old);
	return 0;
}

long sys_unshare(struct task *t, uint64_t flags)
{
	if (flags & ~(uint64_t)UNSHARE_KNOWN || flags & ~(uint64_t)UNSHARE_HERE)
		return -EINVAL;
	/* A thread cannot leave its group; alone in it there is nothing to leave. */
	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) {
		lock(&kernel.tasks_lock);
		bool alone = t->group->nthreads == 1;
		unlock(&kernel.tasks_lock);
		if (!alone)
			return -EINVAL;
	}
	if (flags & CLONE_SYSVSEM)
		sem_exit(t);
	int err = flags & CLONE_FS ? own_fs(t) : 0;
	if (err == 0 && (flags & CLONE_FILES))
		err = own_files(t);
	return err;
}
