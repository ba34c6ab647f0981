/* SPDX-License-Identifier: Apache-2.0 */
/* The twelve calls of xattr(7): by path, by link, by descriptor. */
#include <stdlib.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/xattr.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* A name in one of three ways; the path is referenced. */
enum how { BY_PATH, BY_LINK, BY_FD };

static int target(struct task *t, enum how how, uint64_t what, struct path *out)
{
	autoput(file) struct file *f = NULL;

	if (how != BY_FD)
		return path_lookup(t, AT_FDCWD, what, how == BY_LINK ? WALK_NOFOLLOW : 0, out);
	int err = file_arg_io(t, (int)what, &f);
	if (err < 0)
		return err;
	*out = f->path;
	path_get(out);
	return 0;
}

struct xname {
	char s[XATTR_NAME_MAX + 1];
};

static int name_in(struct task *t, uaddr_t addr, struct xname *out)
{
	ssize_t n = copy_str(t->mm, out->s, addr, sizeof out->s);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static long do_set(struct task *t, enum how how, uint64_t what, uaddr_t name, uaddr_t value,
		   uint64_t size, int flags)
{
	struct xname xname;
	struct path p;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	int err = name_in(t, name, &xname);
	if (err < 0)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	autofree char *buf = malloc(size + 1);
	if (!buf)
		return -ENOMEM;
	err = copy_in(t->mm, buf, value, size);
	if (err == 0)
		err = target(t, how, what, &p);
	if (err < 0)
		return err;
	err = vfs_setxattr(&p, task_cred_self(t), xname.s, buf, size, flags);
	path_put(&p);
	return err;
}

static long do_get(struct task *t, enum how how, uint64_t what, uaddr_t name, uaddr_t value,
		   uint64_t size)
{
	struct xname xname;
	struct path p;

	int err = name_in(t, name, &xname);
	if (err < 0)
		return err;
	size = min_u64(size, XATTR_SIZE_MAX);
	autofree char *buf = malloc(size + 1);
	if (!buf)
		return -ENOMEM;
	err = target(t, how, what, &p);
	if (err < 0)
		return err;
	ssize_t n = vfs_getxattr(&p, task_cred_self(t), xname.s, buf, size);
	path_put(&p);
	if (n > 0 && size > 0) {
		err = copy_out(t->mm, value, buf, (size_t)n);
		if (err < 0)
			return err;
	}
	return n;
}

static long do_list(struct task *t, enum how how, uint64_t what, uaddr_t list, uint64_t size)
{
	struct path p;

	size = min_u64(size, XATTR_LIST_MAX);
	autofree char *buf = malloc(size + 1);
	if (!buf)
		return -ENOMEM;
	int err = target(t, how, what, &p);
	if (err < 0)
		return err;
	ssize_t n = vfs_listxattr(&p, task_cred_self(t), buf, size);
	path_put(&p);
	if (n > 0 && size > 0) {
		err = copy_out(t->mm, list, buf, (size_t)n);
		if (err < 0)
			return err;
	}
	return n;
}

static long do_remove(struct task *t, enum how how, uint64_t what, uaddr_t name)
{
	struct xname xname;
	struct path p;

	int err = name_in(t, name, &xname);
	if (err == 0)
		err = target(t, how, what, &p);
	if (err < 0)
		return err;
	err = vfs_removexattr(&p, task_cred_self(t), xname.s);
	path_put(&p);
	return err;
}

long sys_setxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, uint64_t size,
		  int flags)
{
	return do_set(t, BY_PATH, path, name, value, size, flags);
}

long sys_lsetxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, uint64_t size,
		   int flags)
{
	return do_set(t, BY_LINK, path, name, value, size, flags);
}

long sys_fsetxattr(struct task *t, int fd, uaddr_t name, uaddr_t value, uint64_t size, int flags)
{
	return do_set(t, BY_FD, (uint64_t)fd, name, value, size, flags);
}

long sys_getxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, uint64_t size)
{
	return do_get(t, BY_PATH, path, name, value, size);
}

long sys_lgetxattr(struct task *t, uaddr_t path, uaddr_t name, uaddr_t value, uint64_t size)
{
	return do_get(t, BY_LINK, path, name, value, size);
}

long sys_fgetxattr(struct task *t, int fd, uaddr_t name, uaddr_t value, uint64_t size)
{
	return do_get(t, BY_FD, (uint64_t)fd, name, value, size);
}

long sys_listxattr(struct task *t, uaddr_t path, uaddr_t list, uint64_t size)
{
	return do_list(t, BY_PATH, path, list, size);
}

long sys_llistxattr(struct task *t, uaddr_t path, uaddr_t list, uint64_t size)
{
	return do_list(t, BY_LINK, path, list, size);
}

long sys_flistxattr(struct task *t, int fd, uaddr_t list, uint64_t size)
{
	return do_list(t, BY_FD, (uint64_t)fd, list, size);
}

long sys_removexattr(struct task *t, uaddr_t path, uaddr_t name)
{
	return do_remove(t, BY_PATH, path, name);
}

long sys_lremovexattr(struct task *t, uaddr_t path, uaddr_t name)
{
	return do_remove(t, BY_LINK, path, name);
}

long sys_fremovexattr(struct task *t, int fd, uaddr_t name)
{
	return do_remove(t, BY_FD, (uint64_t)fd, name);
}
