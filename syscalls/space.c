/* SPDX-License-Identifier: Apache-2.0 */
/* The size of files and when they reach a disk: truncate(2), fallocate(2), fsync(2), ... */
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

long sys_truncate(struct task *t, uaddr_t path, int64_t length)
{
	struct path p;

	if (length < 0)
		return -EINVAL;
	int err = path_lookup(t, AT_FDCWD, path, 0, &p);
	if (err < 0)
		return err;
	if (inode_is(p.dentry->inode, S_IFREG))
		err = fsize_check(t, p.dentry->inode, (uint64_t)length);
	if (err == 0)
		err = vfs_truncate(&p, task_cred_self(t), (uint64_t)length);
	path_put(&p);
	return err;
}

long sys_ftruncate(struct task *t, int fd, int64_t length)
{
	autoput(file) struct file *f = NULL;
	struct iattr a = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_MTIME_NOW};

	if (length < 0)
		return -EINVAL;
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (!inode_is(f->inode, S_IFREG) || !f->writable)
		return -EINVAL;
	err = fsize_check(t, f->inode, (uint64_t)length);
	a.size = (uint64_t)length;
	return err < 0 ? err : vfs_setattr(&f->path, task_cred_self(t), &a);
}

static int fallocate_check(const struct file *f, int mode, int64_t offset, int64_t size)
{
	uint32_t type = f->inode->mode & S_IFMT;

	if (offset < 0 || size <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
		     FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if (!f->writable)
		return -EBADF;
	if (type == S_IFIFO)
		return -ESPIPE;
	if (type == S_IFDIR)
		return -EISDIR;
	if (type != S_IFREG && type != S_IFBLK)
		return -ENODEV;
	return offset > INT64_MAX - size ? -EFBIG : 0;
}

long sys_fallocate(struct task *t, int fd, int mode, int64_t offset, int64_t len)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	if (err == 0)
		err = fallocate_check(f, mode, offset, len);
	if (err == 0 && !(mode & FALLOC_FL_KEEP_SIZE))
		err = fsize_check(t, f->inode, (uint64_t)(offset + len));
	if (err < 0)
		return err;
	file_remove_privs(f, task_cred_self(t));
	err = f->ops->fallocate(f, mode, offset, len);
	if (err == 0)
		notify_file(f, IN_MODIFY);
	return err;
}

static long do_fsync(struct task *t, int fd, bool datasync)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	return err < 0 ? err : f->ops->fsync(f, datasync);
}

long sys_fsync(struct task *t, int fd)
{
	return do_fsync(t, fd, /*datasync=*/false);
}

long sys_fdatasync(struct task *t, int fd)
{
	return do_fsync(t, fd, /*datasync=*/true);
}

/* Nothing waits here to be written: what was written to host files is the host's already. */
long sys_sync(struct task *t)
{
	(void)t;
	return 0;
}

long sys_syncfs(struct task *t, int fd)
{
	autoput(file) struct file *f = NULL;
	return file_arg_io(t, fd, &f);
}

static bool has_pages(const struct file *f)
{
	uint32_t type = f->inode->mode & S_IFMT;
	return type == S_IFREG || type == S_IFBLK || type == S_IFDIR || type == S_IFLNK;
}

long sys_sync_file_range(struct task *t, int fd, int64_t offset, int64_t nbytes, uint32_t flags)
{
	const uint32_t known =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	autoput(file) struct file *f = NULL;
	int64_t end;
	int err = file_arg_io(t, fd, &f);

	if (err < 0)
		return err;
	if ((flags & ~known) || offset < 0 || __builtin_add_overflow(offset, nbytes, &end) ||
	    end < offset)
		return -EINVAL;
	if (!has_pages(f))
		return -ESPIPE;
	return flags & known & ~SYNC_FILE_RANGE_WRITE ? f->ops->fsync(f, /*datasync=*/true) : 0;
}

/* Advice may be ignored, and is; what it says is checked. */
long sys_fadvise64(struct task *t, int fd, int64_t offset, uint64_t len, int advice)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	(void)offset;
	if (err < 0)
		return err;
	if (inode_is(f->inode, S_IFIFO))
		return -ESPIPE;
	if ((int64_t)len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	return 0;
}

long sys_readahead(struct task *t, int fd, int64_t offset, uint64_t count)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	(void)offset;
	if (err < 0)
		return err;
	if (!f->readable)
		return -EBADF;
	if ((int64_t)count < 0)
		return -EINVAL;
	return inode_is(f->inode, S_IFREG) && f->kind == FILE_INODE ? 0 : -EINVAL;
}
