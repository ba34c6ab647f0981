/* SPDX-License-Identifier: Apache-2.0 */
/* pipe(2), pipe2(2). */
#include "sentry/fs/pipe/pipe.h"

#include <errno.h>

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

/* Reserve, copy out, and only then let other threads see the descriptors. */
long sys_pipe2(struct task *t, uaddr_t fds, int flags)
{
	autoput(file) struct file *r = NULL, *w = NULL;
	int fd[2];

	if ((uint64_t)flags & ~FLAGS_KNOWN(PIPE))
		return -EINVAL;
	int err = pipe_new(t->cred, (uint32_t)flags, &r, &w);
	if (err == 0)
		err = fd_reserve(t->fds, 2, 0, task_rlimit(t, RLIMIT_NOFILE), fd);
	if (err < 0)
		return err;
	err = copy_out(t->mm, fds, fd, sizeof fd);
	if (err < 0) {
		fd_unreserve(t->fds, fd[0]);
		fd_unreserve(t->fds, fd[1]);
		return err;
	}
	/* Nothing below can fail. */
	fd_publish(t->fds, fd[0], STEAL(r), flags & O_CLOEXEC);
	fd_publish(t->fds, fd[1], STEAL(w), flags & O_CLOEXEC);
	return 0;
}

long sys_pipe(struct task *t, uaddr_t fds)
{
	return sys_pipe2(t, fds, 0);
}
