/* SPDX-License-Identifier: Apache-2.0 */
/* Names: link(2), unlink(2), rename(2), symlink(2), readlink(2), mknod(2). */
#include <stdlib.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

long sys_linkat(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath,
		int flags)
{
	struct path_arg a;
	struct path old;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	/* A descriptor alone names a file that the caller may not have been allowed to reach. */
	if ((flags & AT_EMPTY_PATH) && !task_capable(t, CAP_DAC_READ_SEARCH))
		return -ENOENT;
	uint32_t walk = (flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW) |
			(flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	int err = path_lookup(t, olddirfd, oldpath, walk, &old);
	if (err < 0)
		return err;
	err = path_arg_get(&a, t, newdirfd, newpath, 0);
	if (err == 0) {
		err = vfs_link(&old, &a.walk, a.name);
		path_arg_put(&a);
	}
	path_put(&old);
	return err;
}

long sys_link(struct task *t, uaddr_t oldpath, uaddr_t newpath)
{
	return sys_linkat(t, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_unlinkat(struct task *t, int dirfd, uaddr_t path, int flags)
{
	struct path_arg a;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	int err = path_arg_get(&a, t, dirfd, path, 0);
	if (err < 0)
		return err;
	err = flags & AT_REMOVEDIR ? vfs_rmdir(&a.walk, a.name) : vfs_unlink(&a.walk, a.name);
	path_arg_put(&a);
	return err;
}

long sys_unlink(struct task *t, uaddr_t path)
{
	return sys_unlinkat(t, AT_FDCWD, path, 0);
}

long sys_renameat2(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath,
		   uint32_t flags)
{
	struct path_arg o, n;
	int err = path_arg_get(&o, t, olddirfd, oldpath, 0);

	if (err < 0)
		return err;
	err = path_arg_get(&n, t, newdirfd, newpath, 0);
	if (err == 0) {
		err = vfs_rename(&o.walk, o.name, &n.walk, n.name, flags);
		path_arg_put(&n);
	}
	path_arg_put(&o);
	return err;
}

long sys_renameat(struct task *t, int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath)
{
	return sys_renameat2(t, olddirfd, oldpath, newdirfd, newpath, 0);
}

long sys_rename(struct task *t, uaddr_t oldpath, uaddr_t newpath)
{
	return sys_renameat2(t, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_symlinkat(struct task *t, uaddr_t target, int newdirfd, uaddr_t linkpath)
{
	autofree char *text = malloc(PATH_MAX);
	struct path_arg a;

	if (!text)
		return -ENOMEM;
	ssize_t n = copy_str(t->mm, text, target, PATH_MAX);
	if (n <= 0)
		return n < 0 ? n : -ENOENT;
	int err = path_arg_get(&a, t, newdirfd, linkpath, 0);
	if (err < 0)
		return err;
	err = vfs_symlink(&a.walk, text, a.name);
	path_arg_put(&a);
	return err;
}

long sys_symlink(struct task *t, uaddr_t target, uaddr_t linkpath)
{
	return sys_symlinkat(t, target, AT_FDCWD, linkpath);
}

static long readlink_out(struct task *t, const struct path *p, uaddr_t buf, size_t size)
{
	autofree char *target = malloc(PATH_MAX);

	if (!target)
		return -ENOMEM;
	ssize_t n = vfs_readlink(p, target, PATH_MAX);
	if (n < 0)
		return n;
	if ((size_t)n > size)
		n = (ssize_t)size;
	int err = copy_out(t->mm, buf, target, (size_t)n);
	return err < 0 ? err : n;
}

/* "" reads the link that an O_PATH descriptor holds. */
long sys_readlinkat(struct task *t, int dirfd, uaddr_t path, uaddr_t buf, int size)
{
	struct path_arg a;
	struct path p;

	if (size <= 0)
		return -EINVAL;
	int err = path_arg_get(&a, t, dirfd, path, WALK_NOFOLLOW | WALK_EMPTY);
	if (err < 0)
		return err;
	bool empty = !*a.name;
	err = path_walk(&a.walk, a.name, &p);
	path_arg_put(&a);
	if (err < 0)
		return err;
	long n = readlink_out(t, &p, buf, (size_t)size);
	if (n == -EINVAL && empty)
		n = -ENOENT;
	path_put(&p);
	return n;
}

long sys_readlink(struct task *t, uaddr_t path, uaddr_t buf, int size)
{
	return sys_readlinkat(t, AT_FDCWD, path, buf, size);
}

/* mknod's argument packs 12 bits of major and 20 of minor number into 32; so does st_rdev. */
long sys_mknodat(struct task *t, int dirfd, uaddr_t path, uint32_t mode, uint32_t dev)
{
	struct path_arg a;
	int err = path_arg_get(&a, t, dirfd, path, 0);

	if (err < 0)
		return err;
	err = vfs_mknod(&a.walk, a.name, mode, dev);
	path_arg_put(&a);
	return err;
}

long sys_mknod(struct task *t, uaddr_t path, uint32_t mode, uint32_t dev)
{
	return sys_mknodat(t, AT_FDCWD, path, mode, dev);
}
