/* SPDX-License-Identifier: Apache-2.0 */
/* unshare(2) and setns(2): leaving what is shared, joining the namespaces of others. */
#include <errno.h>

#include "sentry/ipc/sem.h"
#include "sentry/task/nsset.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/sched.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

#define UNSHARE_KNOWN                                                                              \
	(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM |        \
	 NS_FLAGS)
/* Namespaces that cannot be had yet: what a kernel built without them says. */
#define UNSHARE_MISSING CLONE_NEWTIME

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
	if (flags & ~(uint64_t)UNSHARE_KNOWN || flags & UNSHARE_MISSING)
		return -EINVAL;
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	/* A thread cannot leave its group; alone in it there is nothing to leave. */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !task_is_alone(t))
		return -EINVAL;
	int err = flags & CLONE_FS ? own_fs(t) : 0;
	if (err == 0 && (flags & CLONE_FILES))
		err = own_files(t);
	if (err == 0 && (flags & NS_FLAGS))
		err = task_unshare_ns(t, flags & NS_FLAGS);
	/* What is to be undone is so before its semaphores cannot be seen any more. */
	if (err == 0 && (flags & (CLONE_SYSVSEM | CLONE_NEWIPC)))
		sem_exit(t);
	return err;
}

long sys_setns(struct task *t, int fd, int nstype)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);
	return err < 0 ? err : task_setns(t, f, nstype);
}
