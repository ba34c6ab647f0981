/* SPDX-License-Identifier: Apache-2.0 */
/* epoll_create(2), epoll_ctl(2), epoll_wait(2). */
#include "sentry/fs/epoll/epoll.h"

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/pollset.h"
#include "syscalls/sys.h"

/* As many as fit into an int's worth of bytes. */
enum { EVENTS_MAX = INT32_MAX / (int)sizeof(struct abi_epoll_event) };

long sys_epoll_create1(struct task *t, int flags)
{
	struct file *f;

	if ((uint64_t)flags & ~FLAGS_KNOWN(EPOLL_CREATE))
		return -EINVAL;
	int err = epoll_new(t->cred, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & EPOLL_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}

long sys_epoll_create(struct task *t, int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(t, 0);
}

long sys_epoll_ctl(struct task *t, int epfd, int op, int fd, uaddr_t event)
{
	autoput(file) struct file *ep = NULL, *target = NULL;
	struct abi_epoll_event ev = {.events = 0};

	if (op != EPOLL_CTL_DEL && copy_in(t->mm, &ev, event, sizeof ev) < 0)
		return -EFAULT;
	ep = fdtab_get_io(t->fds, epfd);
	target = fdtab_get_io(t->fds, fd);
	if (!ep || !target)
		return -EBADF;
	return epoll_ctl_file(ep, op, target, fd, &ev);
}

static long do_wait(struct task *t, int epfd, uaddr_t events, int maxevents, int64_t deadline)
{
	autoput(file) struct file *ep = NULL;
	struct epoll_batch b;

	if (maxevents <= 0 || maxevents > EVENTS_MAX)
		return -EINVAL;
	if (events > USER_TOP ||
	    (size_t)maxevents * sizeof(struct abi_epoll_event) > USER_TOP - events)
		return -EFAULT;
	ep = fdtab_get_io(t->fds, epfd);
	if (!ep)
		return -EBADF;
	if (ep->kind != FILE_EPOLL)
		return -EINVAL;
	long n = epoll_collect(ep, (size_t)maxevents, deadline, &b);
	if (n <= 0)
		return n;
	int err = copy_out(t->mm, events, b.events, (size_t)n * sizeof *b.events);
	epoll_done(ep, &b, err == 0);
	return err < 0 ? err : n;
}

static int64_t deadline_ms(int timeout)
{
	return deadline_after(timeout < 0 ? INT64_MAX : (int64_t)timeout * 1000000);
}

long sys_epoll_wait(struct task *t, int epfd, uaddr_t events, int maxevents, int timeout)
{
	return do_wait(t, epfd, events, maxevents, deadline_ms(timeout));
}

static long wait_masked(struct task *t, int epfd, uaddr_t events, int maxevents, int64_t deadline,
			uaddr_t sigmask, uint64_t sigsetsize)
{
	int err = mask_begin(t, sigmask, sigsetsize);
	if (err < 0)
		return err;
	long ret = do_wait(t, epfd, events, maxevents, deadline);
	mask_end(t, ret);
	return ret;
}

long sys_epoll_pwait(struct task *t, int epfd, uaddr_t events, int maxevents, int timeout,
		     uaddr_t sigmask, uint64_t sigsetsize)
{
	return wait_masked(t, epfd, events, maxevents, deadline_ms(timeout), sigmask, sigsetsize);
}

long sys_epoll_pwait2(struct task *t, int epfd, uaddr_t events, int maxevents, uaddr_t timeout,
		      uaddr_t sigmask, uint64_t sigsetsize)
{
	struct abi_timespec ts;
	int64_t ns = INT64_MAX;

	if (timeout) {
		if (copy_in(t->mm, &ts, timeout, sizeof ts) < 0)
			return -EFAULT;
		ns = timespec_timeout(ts.tv_sec, ts.tv_nsec);
		if (ns < 0)
			return ns;
	}
	return wait_masked(t, epfd, events, maxevents, deadline_after(ns), sigmask, sigsetsize);
}
