/* SPDX-License-Identifier: Apache-2.0 */
/* exit(2), exit_group(2), wait4(2), waitid(2), set_tid_address(2). */
#include "sentry/task/exit.h"

#include <errno.h>

#include "sentry/task/pidfd.h"
#include "sentry/task/pidns.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/wait.h"
#include "syscalls/sys.h"

long sys_exit(struct task *t, int status)
{
	task_exit_self(t, (status & 0xff) << 8);
	return 0;
}

long sys_exit_group(struct task *t, int status)
{
	task_exit_group(t, (status & 0xff) << 8);
	return 0;
}

long sys_set_tid_address(struct task *t, uaddr_t tidptr)
{
	t->clear_child_tid = tidptr;
	return t->nr;
}

/* The guest's number becomes an id: that of nobody if there is none. */
static int id_of(int nr)
{
	lock(&kernel.tasks_lock);
	int id = pid_id_here_locked(nr);
	unlock(&kernel.tasks_lock);
	return id ? id : -1;
}

enum { WAIT4_OPTIONS = WNOHANG | WUNTRACED | WCONTINUED };
#define WAIT_CLONES (__WNOTHREAD | __WCLONE | __WALL)

long sys_wait4(struct task *t, int pid, uaddr_t status, int options, uaddr_t rusage)
{
	struct wait_result res;
	struct wait_request r = {.which = ABI_P_ALL, .options = options | WEXITED};

	if (options & ~(int)(WAIT4_OPTIONS | WAIT_CLONES))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH; /* it has no positive counterpart: Linux 4.13 */
	if (pid < -1 || pid == 0) {
		r.which = ABI_P_PGID;
		r.id = pid ? id_of(-pid) : 0;
	} else if (pid > 0) {
		r.which = ABI_P_PID;
		r.id = id_of(pid);
	}
	int err = task_wait(t, &r, &res);
	if (err < 0)
		return err;
	if (res.pid && status)
		err = copy_out(t->mm, status, &res.wstatus, sizeof res.wstatus);
	if (err == 0 && res.pid && rusage)
		err = copy_out(t->mm, rusage, &res.usage, sizeof res.usage);
	return err < 0 ? err : res.pid;
}

static int pidfd_request(struct task *t, int fd, struct wait_request *r)
{
	autoput(file) struct file *f = fdtab_get(t->fds, fd);
	if (!f)
		return -EBADF;
	struct group *g = pidfd_group(f);
	if (!g)
		return -EBADF;
	r->which = ABI_P_PID;
	r->id = g->tgid;
	if (file_flags(f) & O_NONBLOCK)
		r->options |= WNOHANG;
	return 0;
}

static int waitid_request(struct task *t, int idtype, int id, int options, struct wait_request *r)
{
	*r = (struct wait_request){.which = idtype, .options = options};
	if ((idtype == ABI_P_PID || idtype == ABI_P_PGID) && id > 0)
		r->id = id_of(id);
	switch (idtype) {
	case ABI_P_ALL:
		return 0;
	case ABI_P_PID:
		return id > 0 ? 0 : -EINVAL;
	case ABI_P_PGID:
		return id >= 0 ? 0 : -EINVAL;
	case ABI_P_PIDFD:
		return id >= 0 ? pidfd_request(t, id, r) : -EINVAL;
	default:
		return -EINVAL;
	}
}

static long do_waitid(struct task *t, int idtype, int id, int options, struct abi_siginfo *info,
		      uaddr_t rusage)
{
	struct wait_result res;
	struct wait_request r;

	if (options & ~(int)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WAIT_CLONES))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	int err = waitid_request(t, idtype, id, options, &r);
	if (err == 0)
		err = task_wait(t, &r, &res);
	if (err < 0)
		return err;
	if (!res.pid && (r.options & WNOHANG) && !(options & WNOHANG))
		return -EAGAIN; /* a non-blocking pidfd: Linux 5.10 */
	if (res.pid) {
		info->signo = SIGCHLD;
		info->code = res.code;
		info->child.pid = res.pid;
		info->child.uid = res.uid;
		info->child.status = res.status;
	}
	if (res.pid && rusage)
		err = copy_out(t->mm, rusage, &res.usage, sizeof res.usage);
	return err;
}

/* infop is written, with zeros, when the call fails too. */
long sys_waitid(struct task *t, int idtype, int id, uaddr_t infop, int options, uaddr_t rusage)
{
	struct abi_siginfo info = {0};
	long ret = do_waitid(t, idtype, id, options, &info, rusage);

	if (infop && copy_out(t->mm, infop, &info, sizeof info) < 0)
		return -EFAULT;
	return ret;
}
