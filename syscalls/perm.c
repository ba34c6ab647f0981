/* SPDX-License-Identifier: Apache-2.0 */
/* chmod(2), chown(2), umask(2), utimensat(2). */
#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

static long change_path(struct task *t, int dirfd, uaddr_t path, uint32_t walk_flags,
			const struct iattr *a)
{
	struct path p;
	int err = path_lookup(t, dirfd, path, walk_flags, &p);

	if (err < 0)
		return err;
	/* A link has no permissions of its own to change. */
	if ((a->mask & ATTR_MODE) && inode_is(p.dentry->inode, S_IFLNK))
		err = -EOPNOTSUPP;
	else
		err = vfs_setattr(&p, task_cred_self(t), a);
	path_put(&p);
	return err;
}

static long change_fd(struct task *t, int fd, const struct iattr *a)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	return err < 0 ? err : vfs_setattr(&f->path, task_cred_self(t), a);
}

static struct iattr mode_attr(uint32_t mode)
{
	return (struct iattr){.mask = ATTR_MODE, .mode = mode & S_IALLUGO};
}

long sys_fchmodat2(struct task *t, int dirfd, uaddr_t path, uint32_t mode, uint32_t flags)
{
	const struct iattr a = mode_attr(mode);

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(t, dirfd, path, walk_flags_of(flags), &a);
}

long sys_fchmodat(struct task *t, int dirfd, uaddr_t path, uint32_t mode)
{
	return sys_fchmodat2(t, dirfd, path, mode, 0);
}

long sys_chmod(struct task *t, uaddr_t path, uint32_t mode)
{
	return sys_fchmodat2(t, AT_FDCWD, path, mode, 0);
}

long sys_fchmod(struct task *t, int fd, uint32_t mode)
{
	const struct iattr a = mode_attr(mode);
	return change_fd(t, fd, &a);
}

/* -1 leaves an id alone; set-id bits go even if both are -1.  -EINVAL: nobody is called so. */
static int owner_attr(struct task *t, uint32_t uid, uint32_t gid, struct iattr *out)
{
	*out = (struct iattr){.mask = ATTR_KILL_PRIV};
	if (uid != ID_NONE) {
		out->mask |= ATTR_UID;
		out->uid = uid_meant(task_user_ns(t), uid);
	}
	if (gid != ID_NONE) {
		out->mask |= ATTR_GID;
		out->gid = gid_meant(task_user_ns(t), gid);
	}
	return out->uid == ID_NONE || out->gid == ID_NONE ? -EINVAL : 0;
}

long sys_fchownat(struct task *t, int dirfd, uaddr_t path, uint32_t uid, uint32_t gid, int flags)
{
	struct iattr a;

	if (owner_attr(t, uid, gid, &a) < 0)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(t, dirfd, path, walk_flags_of((uint32_t)flags), &a);
}

long sys_chown(struct task *t, uaddr_t path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(t, AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(struct task *t, uaddr_t path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(t, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(struct task *t, int fd, uint32_t uid, uint32_t gid)
{
	struct iattr a;
	int err = owner_attr(t, uid, gid, &a);
	return err < 0 ? err : change_fd(t, fd, &a);
}

long sys_umask(struct task *t, uint32_t mask)
{
	lock(&t->fs->lock);
	uint32_t old = t->fs->umask;
	t->fs->umask = mask & S_IRWXUGO;
	unlock(&t->fs->lock);
	return old;
}

static bool nsec_valid(int64_t nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < NSEC_PER_SEC);
}

static uint32_t time_attr(const struct abi_timespec *ts, struct ktime *out, uint32_t set,
			  uint32_t now)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	if (ts->tv_nsec == UTIME_NOW)
		return now;
	*out = (struct ktime){ts->tv_sec, (uint32_t)ts->tv_nsec};
	return set;
}

/* times NULL: both now.  path 0: dirfd itself. */
static long do_utimes(struct task *t, int dirfd, uaddr_t path, const struct abi_timespec *times,
		      int flags)
{
	static const struct abi_timespec both_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct iattr a = {0};
	struct path p;
	int err;

	if (!times)
		times = both_now;
	bool valid = nsec_valid(times[0].tv_nsec) && nsec_valid(times[1].tv_nsec);
	a.mask |= time_attr(&times[0], &a.atime, ATTR_ATIME, ATTR_ATIME_NOW);
	a.mask |= time_attr(&times[1], &a.mtime, ATTR_MTIME, ATTR_MTIME_NOW);
	if (!path && dirfd != AT_FDCWD) {
		autoput(file) struct file *f = NULL;
		if (flags)
			return -EINVAL;
		err = file_arg_io(t, dirfd, &f);
		if (err == 0)
			err = valid ? vfs_setattr(&f->path, task_cred_self(t), &a) : -EINVAL;
		return err;
	}
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup(t, dirfd, path, walk_flags_of((uint32_t)flags), &p);
	if (err < 0)
		return err;
	err = valid ? vfs_setattr(&p, task_cred_self(t), &a) : -EINVAL;
	path_put(&p);
	return err;
}

long sys_utimensat(struct task *t, int dirfd, uaddr_t path, uaddr_t times, int flags)
{
	struct abi_timespec ts[2];

	if (times) {
		int err = copy_in(t->mm, ts, times, sizeof ts);
		if (err < 0)
			return err;
		/* Nothing to do: not even the path is looked at. */
		if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return do_utimes(t, dirfd, path, times ? ts : NULL, flags);
}

long sys_futimesat(struct task *t, int dirfd, uaddr_t path, uaddr_t times)
{
	struct abi_timeval tv[2];
	struct abi_timespec ts[2];

	if (times) {
		int err = copy_in(t->mm, tv, times, sizeof tv);
		if (err < 0)
			return err;
		for (int i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			ts[i] = (struct abi_timespec){tv[i].tv_sec, tv[i].tv_usec * NSEC_PER_USEC};
		}
	}
	return do_utimes(t, dirfd, path, times ? ts : NULL, 0);
}

long sys_utimes(struct task *t, uaddr_t path, uaddr_t times)
{
	return sys_futimesat(t, AT_FDCWD, path, times);
}

long sys_utime(struct task *t, uaddr_t path, uaddr_t times)
{
	struct abi_utimbuf buf;
	struct abi_timespec ts[2];

	if (times) {
		int err = copy_in(t->mm, &buf, times, sizeof buf);
		if (err < 0)
			return err;
		ts[0] = (struct abi_timespec){buf.actime, 0};
		ts[1] = (struct abi_timespec){buf.modtime, 0};
	}
	return do_utimes(t, AT_FDCWD, path, times ? ts : NULL, 0);
}
