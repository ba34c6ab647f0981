/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd(2), eventfd2(2). */
#include "sentry/fs/eventfd/eventfd.h"

#include <errno.h>

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

long sys_eventfd2(struct task *t, uint32_t count, int flags)
{
	struct file *f;

	if ((uint64_t)flags & ~FLAGS_KNOWN(EFD))
		return -EINVAL;
	int err = eventfd_new(t->cred, count, (uint32_t)flags, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & EFD_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}

long sys_eventfd(struct task *t, uint32_t count)
{
	return sys_eventfd2(t, count, 0);
}
