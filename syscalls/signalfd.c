/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd(2), signalfd4(2). */
#include "sentry/task/signalfd.h"

#include <errno.h>

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

static long mask_change(struct task *t, int fd, uint64_t mask)
{
	autoput(file) struct file *f = fdtab_get_io(t->fds, fd);
	if (!f)
		return -EBADF;
	if (f->kind != FILE_SIGNALFD)
		return -EINVAL;
	signalfd_set_mask(f, mask);
	return fd;
}

long sys_signalfd4(struct task *t, int fd, uaddr_t mask, uint64_t sizemask, int flags)
{
	struct file *f;
	uint64_t set;

	if (sizemask != sizeof set)
		return -EINVAL;
	if (copy_in(t->mm, &set, mask, sizeof set) < 0)
		return -EFAULT;
	if ((uint64_t)flags & ~FLAGS_KNOWN(SFD))
		return -EINVAL;
	set &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	if (fd != -1)
		return mask_change(t, fd, set);
	int err = signalfd_new(t->cred, set, (uint32_t)flags, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & SFD_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}

long sys_signalfd(struct task *t, int fd, uaddr_t mask, uint64_t sizemask)
{
	return sys_signalfd4(t, fd, mask, sizemask, 0);
}
