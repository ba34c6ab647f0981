/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). */
#include "sentry/task/pidfd.h"

#include "sentry/procfs/procfs.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/sched.h"
#include "syscalls/siginfo.h"
#include "syscalls/sys.h"

static struct group *find_leader(int pid, int *out_err)
{
	lock(&kernel.tasks_lock);
	struct group *g = group_find_locked(pid);
	*out_err = g ? 0 : task_find_locked(pid) ? -EINVAL : -ESRCH;
	if (g)
		group_get(g);
	unlock(&kernel.tasks_lock);
	return g;
}

/* PIDFD_THREAD (6.9) is refused like any flag an older kernel does not know. */
long sys_pidfd_open(struct task *t, int pid, uint32_t flags)
{
	struct file *f;
	int err;

	if ((flags & ~(uint32_t)PIDFD_NONBLOCK) || pid <= 0)
		return -EINVAL;
	autoput(group) struct group *g = find_leader(pid, &err);
	if (err == 0)
		err = pidfd_file_new(g, g->leader, t->cred, O_RDWR | (flags & PIDFD_NONBLOCK), &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, /*cloexec=*/true, 0, task_rlimit(t, RLIMIT_NOFILE));
}

static int make_info(struct task *t, const struct group *g, int sig, uaddr_t uinfo,
		     struct abi_siginfo *out)
{
	if (!uinfo) {
		signal_info_user(out, sig, SI_USER, t);
		return 0;
	}
	/* siginfo_copy_in stores sig; the caller must have meant the same. */
	int32_t signo;
	int err = copy_in(t->mm, &signo, uinfo, sizeof signo);
	if (err == 0)
		err = siginfo_copy_in(t->mm, uinfo, sig, out);
	if (err < 0)
		return err;
	if (signo != sig)
		return -EINVAL;
	if (g != t->group && (out->code >= 0 || out->code == SI_TKILL))
		return -EPERM;
	return 0;
}

long sys_pidfd_send_signal(struct task *t, int pidfd, int sig, uaddr_t uinfo, uint32_t flags)
{
	struct abi_siginfo info;

	/* The scopes of 6.9 are not offered. */
	if (flags)
		return -EINVAL;
	autoput(file) struct file *f = fdtab_get(t->fds, pidfd);
	if (!f)
		return -EBADF;
	/* A directory of /proc does too: what there was before pidfd_open (5.3). */
	struct group *g = pidfd_group(f) ?: procfs_group(f);
	if (!g)
		return -EBADF;
	int err = make_info(t, g, sig, uinfo, &info);
	if (err < 0)
		return err;
	lock(&kernel.tasks_lock);
	/* Its number may be somebody else's by now. */
	if (group_by_id_locked(g->tgid) == g)
		err = signal_user_group_locked(t, g, &info);
	else
		err = -ESRCH;
	unlock(&kernel.tasks_lock);
	return err;
}

/* A descriptor of the process's main thread, or of any if that has ended. */
static int take_file(struct task *t, struct group *g, int fd, struct file **out)
{
	struct task *found = NULL, *each;
	struct fdtab *table = NULL;

	lock(&kernel.tasks_lock);
	list_for_each (each, &g->threads, threads)
		if (!found && each->fds)
			found = task_get(each);
	if (found)
		table = fdtab_get_table(found->fds);
	unlock(&kernel.tasks_lock);
	if (!found)
		return -ESRCH;
	int err = task_may_access(t, found);
	*out = err == 0 ? fdtab_get(table, fd) : NULL;
	fdtab_put(table);
	task_put(found);
	if (err < 0)
		return err;
	return *out ? 0 : -EBADF;
}

long sys_pidfd_getfd(struct task *t, int pidfd, int targetfd, uint32_t flags)
{
	struct file *found;

	if (flags)
		return -EINVAL;
	autoput(file) struct file *f = fdtab_get(t->fds, pidfd);
	if (!f)
		return -EBADF;
	struct group *g = pidfd_group(f);
	if (!g)
		return -EBADF;
	int err = take_file(t, g, targetfd, &found);
	if (err < 0)
		return err;
	return fd_install(t->fds, found, /*cloexec=*/true, 0, task_rlimit(t, RLIMIT_NOFILE));
}
