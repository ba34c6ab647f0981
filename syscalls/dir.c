/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: listing, current directory, root, mkdir(2), rmdir(2). */
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/copy.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/dirent.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* A call fills at most this much; programs ask for 32 KiB. */
enum { DENTS_MAX = 256 * 1024 };

struct dents {
	char *buf;
	size_t size, used;
	bool old; /* the records of getdents(2) */
};

static bool put_dirent(void *arg, const char *name, size_t name_size, uint64_t ino, uint8_t type,
		       int64_t next_pos)
{
	struct dents *d = arg;
	size_t head = d->old ? offsetof(struct abi_dirent, d_name)
			     : offsetof(struct abi_dirent64, d_name);
	/* The old record ends with the type, behind the padding. */
	size_t size = (head + name_size + 1 + d->old + 7) & ~(size_t)7;
	char *at = d->buf + d->used;

	if (size > d->size - d->used)
		return false;
	memset(at, 0, size);
	if (d->old) {
		struct abi_dirent e = {ino, (uint64_t)next_pos, (uint16_t)size};
		memcpy(at, &e, head);
		at[size - 1] = (char)type;
	} else {
		struct abi_dirent64 e = {ino, next_pos, (uint16_t)size, type};
		memcpy(at, &e, head);
	}
	memcpy(at + head, name, name_size);
	d->used += size;
	return true;
}

/*
 * A bad page in the middle of the buffer: the entries before it count.  Cuts
 * d->used to whole records within `size` bytes and moves *pos behind the last.
 */
static void cut_records(struct dents *d, size_t size, int64_t *pos)
{
	size_t at = 0;

	while (at + offsetof(struct abi_dirent64, d_name) <= size) {
		struct abi_dirent64 e; /* begins as the old record does */
		memcpy(&e, d->buf + at, offsetof(struct abi_dirent64, d_name));
		if (e.d_reclen > size - at)
			break;
		*pos = e.d_off;
		at += e.d_reclen;
	}
	d->used = at;
}

/* The position moves only past what the guest has got. */
static long list_out(struct task *t, struct file *f, struct dents *d, uaddr_t dirp)
{
	lock(&f->pos_lock);
	int64_t pos = f->pos;
	int err = f->ops->readdir(f, &pos, put_dirent, d);
	if (err == 0 && d->used) {
		size_t copied = copy_out_some(t->mm, dirp, d->buf, d->used);
		if (copied < d->used)
			cut_records(d, copied, &pos);
		if (!d->used)
			err = -EFAULT;
	}
	if (err == 0)
		f->pos = pos;
	unlock(&f->pos_lock);
	return err < 0 ? err : (long)d->used;
}

/* Sees whether there is an entry at all: tells a full buffer from the end. */
static bool any_dirent(void *arg, const char *name __attribute__((unused)),
		       size_t name_size __attribute__((unused)),
		       uint64_t ino __attribute__((unused)), uint8_t type __attribute__((unused)),
		       int64_t next_pos __attribute__((unused)))
{
	*(bool *)arg = true;
	return false;
}

static bool at_end(struct file *f)
{
	bool any = false;

	lock(&f->pos_lock);
	int64_t pos = f->pos;
	int err = f->ops->readdir(f, &pos, any_dirent, &any);
	unlock(&f->pos_lock);
	return err == 0 && !any;
}

static long do_getdents(struct task *t, int fd, uaddr_t dirp, uint32_t count, bool old)
{
	autoput(file) struct file *f = NULL;
	struct dents d = {.old = old, .size = min_u64(count, DENTS_MAX)};
	int err = file_arg_io(t, fd, &f);

	if (err < 0)
		return err;
	if (!inode_is(f->inode, S_IFDIR))
		return -ENOTDIR;
	lock(&f->path.dentry->lock);
	bool deleted = f->path.dentry->deleted;
	unlock(&f->path.dentry->lock);
	if (deleted)
		return -ENOENT;
	autofree char *buf = malloc(d.size + 1);
	if (!buf)
		return -ENOMEM;
	d.buf = buf;
	long n = list_out(t, f, &d, dirp);
	/* More is there, but not even one entry fits. */
	if (n == 0 && !at_end(f))
		return -EINVAL;
	if (n >= 0)
		notify_file(f, IN_ACCESS);
	return n;
}

long sys_getdents64(struct task *t, int fd, uaddr_t dirp, uint32_t count)
{
	return do_getdents(t, fd, dirp, count, /*old=*/false);
}

long sys_getdents(struct task *t, int fd, uaddr_t dirp, uint32_t count)
{
	return do_getdents(t, fd, dirp, count, /*old=*/true);
}

static struct path path_copy_locked(const struct path *p)
{
	struct path copy = *p;
	path_get(&copy);
	return copy;
}

long sys_getcwd(struct task *t, uaddr_t buf, uint64_t size)
{
	autofree char *name = malloc(PATH_MAX);
	if (!name)
		return -ENOMEM;
	lock(&t->fs->lock);
	struct path cwd = path_copy_locked(&t->fs->cwd), root = path_copy_locked(&t->fs->root);
	unlock(&t->fs->lock);
	lock(&cwd.dentry->lock);
	ssize_t n = cwd.dentry->deleted ? -ENOENT : 0;
	unlock(&cwd.dentry->lock);
	if (n == 0)
		n = path_format(&cwd, &root, name, PATH_MAX);
	path_put(&cwd);
	path_put(&root);
	if (n < 0)
		return n;
	if ((uint64_t)n + 1 > size)
		return -ERANGE;
	int err = copy_out(t->mm, buf, name, (size_t)n + 1);
	return err < 0 ? err : n + 1;
}

/* Takes over p. */
static void fs_set(struct task *t, struct path *which, struct path p)
{
	lock(&t->fs->lock);
	struct path old = *which;
	*which = p;
	unlock(&t->fs->lock);
	path_put(&old);
}

long sys_chdir(struct task *t, uaddr_t path)
{
	struct path p;
	int err = path_lookup(t, AT_FDCWD, path, WALK_DIRECTORY, &p);

	if (err < 0)
		return err;
	err = path_permission(&p, task_cred_self(t), MAY_EXEC);
	if (err < 0)
		path_put(&p);
	else
		fs_set(t, &t->fs->cwd, p);
	return err;
}

long sys_fchdir(struct task *t, int fd)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg(t, fd, &f);

	if (err < 0)
		return err;
	if (!inode_is(f->inode, S_IFDIR))
		return -ENOTDIR;
	err = path_permission(&f->path, task_cred_self(t), MAY_EXEC);
	if (err == 0)
		fs_set(t, &t->fs->cwd, path_copy_locked(&f->path));
	return err;
}

long sys_chroot(struct task *t, uaddr_t path)
{
	struct path p;
	int err = path_lookup(t, AT_FDCWD, path, WALK_DIRECTORY, &p);

	if (err < 0)
		return err;
	err = path_permission(&p, task_cred_self(t), MAY_EXEC);
	if (err == 0 && !cred_capable_own(t->cred, CAP_SYS_CHROOT))
		err = -EPERM;
	if (err < 0)
		path_put(&p);
	else
		fs_set(t, &t->fs->root, p);
	return err;
}

long sys_mkdirat(struct task *t, int dirfd, uaddr_t path, uint32_t mode)
{
	struct path_arg a;
	int err = path_arg_get(&a, t, dirfd, path, 0);

	if (err < 0)
		return err;
	err = vfs_mkdir(&a.walk, a.name, mode);
	path_arg_put(&a);
	return err;
}

long sys_mkdir(struct task *t, uaddr_t path, uint32_t mode)
{
	return sys_mkdirat(t, AT_FDCWD, path, mode);
}

long sys_rmdir(struct task *t, uaddr_t path)
{
	return sys_unlinkat(t, AT_FDCWD, path, AT_REMOVEDIR);
}
