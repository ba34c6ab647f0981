/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: dup(2), fcntl(2) but for locks (lock.c), ioctl(2). */
#include "sentry/fs/memfs/memfs.h"
#include "sentry/fs/pipe/pipe.h"
#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"
#include "syscalls/lock.h"
#include "syscalls/path.h"
#include "syscalls/sigio.h"
#include "syscalls/sys.h"

long sys_dup(struct task *t, int fd)
{
	struct file *f;
	int err = file_arg(t, fd, &f);

	return err < 0 ? err : fd_install(t->fds, f, /*cloexec=*/false, 0, fd_limit(t));
}

static long do_dup3(struct task *t, int oldfd, int newfd, bool cloexec)
{
	struct file *f;

	if (newfd < 0 || (uint64_t)newfd >= fd_limit(t))
		return -EBADF;
	int err = file_arg(t, oldfd, &f);
	return err < 0 ? err : fd_replace(t->fds, newfd, f, cloexec, fd_limit(t));
}

long sys_dup2(struct task *t, int oldfd, int newfd)
{
	if (oldfd == newfd) {
		int on = fd_get_cloexec(t->fds, oldfd);
		return on < 0 ? on : newfd;
	}
	return do_dup3(t, oldfd, newfd, /*cloexec=*/false);
}

long sys_dup3(struct task *t, int oldfd, int newfd, int flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	return do_dup3(t, oldfd, newfd, flags & O_CLOEXEC);
}

static long dup_from(struct task *t, struct file *f, uint64_t min, bool cloexec)
{
	if (min >= fd_limit(t))
		return -EINVAL;
	return fd_install(t->fds, file_get(f), cloexec, (unsigned)min, fd_limit(t));
}

static void flags_change(struct file *f, uint32_t set, uint32_t mask)
{
	uint32_t old = file_flags(f);

	while (!__atomic_compare_exchange_n(&f->flags, &old, (old & ~mask) | (set & mask), true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static long set_flags(struct task *t, int fd, struct file *f, uint32_t flags)
{
	const uint32_t mask = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;
	uint32_t old = file_flags(f);

	if ((flags & ~old & O_NOATIME) && !inode_owner_or_capable(f->inode, task_cred_self(t)))
		return -EPERM;
	int err = f->ops->setflags(f, (int)((old & ~mask) | (flags & mask)));
	if (err == 0 && ((flags ^ old) & O_ASYNC))
		err = sigio_switch(f, fd, flags & O_ASYNC);
	if (err == 0)
		flags_change(f, flags, mask);
	return err;
}

/* Commands that need more than the name of a file. */
static long fcntl_io(struct task *t, int fd, struct file *f, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(t, fd, f, (uint32_t)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(t, fd, f, cmd, arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return sigio_owner(t, f, cmd, arg);
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg, task_cred_self(t));
	case F_ADD_SEALS:
		return memfs_add_seals(f, (uint32_t)arg);
	case F_GET_SEALS:
		return memfs_get_seals(f);
	case F_GETLEASE:
		/* There never is one, since F_SETLEASE is refused. */
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

static long dup_query(struct task *t, const struct file *f, int fd)
{
	autoput(file) struct file *other = NULL;
	int err = file_arg(t, fd, &other);

	return err < 0 ? err : other == f;
}

long sys_fcntl(struct task *t, int fd, uint32_t cmd, uint64_t arg)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg(t, fd, &f);

	if (err < 0)
		return err;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_from(t, f, (uint32_t)arg, cmd == F_DUPFD_CLOEXEC);
	case F_DUPFD_QUERY:
		return dup_query(t, f, (int)arg);
	case F_GETFD:
		return fd_get_cloexec(t->fds, fd) > 0 ? FD_CLOEXEC : 0;
	case F_SETFD:
		return fd_set_cloexec(t->fds, fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return file_flags(f);
	case F_CREATED_QUERY:
		return f->created;
	default:
		return f->kind == FILE_PATH ? -EBADF : fcntl_io(t, fd, f, cmd, arg);
	}
}

static long nonblock_set(struct task *t, struct file *f, uaddr_t arg)
{
	int32_t on;
	int err = copy_in(t->mm, &on, arg, sizeof on);

	if (err == 0)
		err = f->ops->setflags(
			f, (int)((file_flags(f) & ~(uint32_t)O_NONBLOCK) | (on ? O_NONBLOCK : 0)));
	if (err == 0)
		flags_change(f, on ? O_NONBLOCK : 0, O_NONBLOCK);
	return err;
}

/* Files that never wake anybody have nothing to switch. */
static long async_set(struct task *t, int fd, struct file *f, uaddr_t arg)
{
	int32_t on;
	int err = copy_in(t->mm, &on, arg, sizeof on);

	if (err < 0)
		return err;
	if (!f->wq)
		return !on == !(file_flags(f) & O_ASYNC) ? 0 : -ENOTTY;
	err = sigio_switch(f, fd, on);
	if (err == 0)
		flags_change(f, on ? O_ASYNC : 0, O_ASYNC);
	return err;
}

static long regular_ioctl(struct task *t, struct file *f, uint32_t cmd, uaddr_t arg)
{
	struct kstat st;
	int32_t left;
	int err = vfs_getattr(&f->path, &st);

	if (err < 0)
		return err;
	if (cmd == FIGETBSZ)
		return copy_out(t->mm, arg, &st.blksize, sizeof st.blksize);
	if (cmd == FIOQSIZE)
		return copy_out(t->mm, arg, &st.size, sizeof st.size);
	lock(&f->pos_lock);
	left = (int32_t)((int64_t)st.size - f->pos);
	unlock(&f->pos_lock);
	return copy_out(t->mm, arg, &left, sizeof left);
}

long sys_ioctl(struct task *t, int fd, uint32_t cmd, uint64_t arg)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	if (err < 0)
		return err;
	bool regular = inode_is(f->inode, S_IFREG) && f->kind == FILE_INODE;
	const struct ioctl_args args = {
		.cmd = cmd, .arg = arg, .mm = t->mm, .task = t, .cred = task_cred_self(t)};

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_set_cloexec(t->fds, fd, cmd == FIOCLEX);
	case FIONBIO:
		return nonblock_set(t, f, arg);
	case FIOASYNC:
		return async_set(t, fd, f, arg);
	case FIONREAD:
	case FIOQSIZE:
	case FIGETBSZ:
		if (regular)
			return regular_ioctl(t, f, cmd, arg);
		break;
	default:
		break;
	}
	return f->ops->ioctl(f, &args);
}
