/* SPDX-License-Identifier: Apache-2.0 */
/* inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2). */
#include "sentry/fs/inotify/inotify.h"

#include "syscalls/path.h"
#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

long sys_inotify_init1(struct task *t, int flags)
{
	struct file *f;

	if ((uint64_t)flags & ~FLAGS_KNOWN(IN_INIT))
		return -EINVAL;
	int err = inotify_new(t->cred, (uint32_t)flags, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & IN_CLOEXEC, 0, fd_limit(t));
}

long sys_inotify_init(struct task *t)
{
	return sys_inotify_init1(t, 0);
}

static int instance_get(struct task *t, int fd, struct file **out)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (f->kind != FILE_INOTIFY)
		return -EINVAL;
	*out = STEAL(f);
	return 0;
}

static int watch_path(struct task *t, struct file *f, uaddr_t name, uint32_t mask)
{
	uint32_t walk = (mask & IN_DONT_FOLLOW ? WALK_NOFOLLOW : 0) |
			(mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
	struct path p;
	int err = path_lookup(t, AT_FDCWD, name, walk, &p);
	if (err < 0)
		return err;
	err = path_permission(&p, t->cred, MAY_READ);
	if (err == 0)
		err = inotify_watch(f, p.dentry->inode, mask);
	path_put(&p);
	return err;
}

long sys_inotify_add_watch(struct task *t, int fd, uaddr_t path, uint32_t mask)
{
	autoput(file) struct file *f = NULL;
	const uint32_t known = IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED |
			       IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |
			       IN_MASK_ADD | IN_ISDIR | IN_ONESHOT;

	if (!(mask & known) || (mask & ~known))
		return -EINVAL;
	int err = instance_get(t, fd, &f);
	if (err < 0)
		return err;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		return -EINVAL;
	return watch_path(t, f, path, mask);
}

long sys_inotify_rm_watch(struct task *t, int fd, int wd)
{
	autoput(file) struct file *f = NULL;
	int err = instance_get(t, fd, &f);
	return err < 0 ? err : inotify_unwatch(f, wd);
}
