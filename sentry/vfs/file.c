/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: life, and the blocking of reads and writes.
 *
 * The first try is made without touching the wait queue; only when it says
 * -EAGAIN and waiting is allowed, it is repeated inside waitq_sleep, which
 * queues first and so loses no wake-up.
 */
#include "sentry/vfs/file.h"

#include <stdlib.h>

#include "platform/base/count.h"
#include "sentry/cred/cred.h"
#include "sentry/vfs/async.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/lock.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

/* As fs.file-max would say; far above what RLIMIT_NOFILE lets one process have. */
enum { FILES_MAX = 1 << 20 };

static unsigned files_open;
static void (*epoll_gone)(struct file *f);

static const uint32_t read_events =
	EPOLLIN | EPOLLRDNORM | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
static const uint32_t write_events = EPOLLOUT | EPOLLWRNORM | EPOLLHUP | EPOLLERR;

static bool count_file(void)
{
	if (__atomic_add_fetch(&files_open, 1, __ATOMIC_RELAXED) <= FILES_MAX)
		return true;
	__atomic_sub_fetch(&files_open, 1, __ATOMIC_RELAXED);
	return false;
}

static void file_init(struct file *f, const struct file_ops *ops, enum file_kind kind, void *priv,
		      uint32_t flags)
{
	uint32_t mode = flags & O_ACCMODE;

	ref_init(&f->ref);
	lock_init(&f->pos_lock, RANK_FILEPOS);
	list_init(&f->epolls);
	f->ops = ops;
	f->kind = kind;
	f->priv = priv;
	f->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	f->readable = kind != FILE_PATH && (mode == O_RDONLY || mode == O_RDWR);
	f->writable = kind != FILE_PATH && (mode == O_WRONLY || mode == O_RDWR);
	f->seekable = kind == FILE_INODE && ops->seek != file_noseek;
}

int file_new(const struct file_ops *ops, enum file_kind kind, void *priv, struct path path,
	     struct inode *inode, const struct cred *cred, uint32_t flags, struct file **out)
{
	struct file *f = NULL;
	int err = -ENFILE;

	if (!count_file())
		goto undo_inode;
	err = -ENOMEM;
	f = calloc(1, sizeof *f);
	if (!f)
		goto undo_count;
	if (!path.dentry && (err = anon_path(inode, &path)) < 0)
		goto undo_count;
	file_init(f, ops, kind, priv, flags);
	f->path = path;
	f->inode = inode;
	/* The count is all that changes of published credentials. */
	f->cred = cred_get((struct cred *)(uintptr_t)cred);
	*out = f;
	count_new(file);
	return 0;

undo_count:
	__atomic_sub_fetch(&files_open, 1, __ATOMIC_RELAXED);
	free(f);
undo_inode:
	inode_put(inode);
	return err;
}

int file_new_anon(const struct file_ops *ops, enum file_kind kind, void *priv, const char *label,
		  const struct cred *cred, uint32_t flags, struct file **out)
{
	uint32_t mode = kind == FILE_PIPE     ? S_IFIFO | 0600
			: kind == FILE_SOCKET ? S_IFSOCK | 0777
					      : 0600;
	struct inode *inode;
	int err = inode_new_anon(NULL, mode, label, NULL, &inode);
	if (err < 0)
		return err;
	inode->uid = cred->fsuid;
	inode->gid = cred->fsgid;
	return file_new(ops, kind, priv, (struct path){0}, inode, cred, flags, out);
}

struct file *file_get(struct file *f)
{
	ref_get(&f->ref);
	return f;
}

void file_set_epoll_hook(void (*gone)(struct file *f))
{
	__atomic_store_n(&epoll_gone, gone, __ATOMIC_RELEASE);
}

void file_put(struct file *f)
{
	if (!ref_put(&f->ref))
		return;
	void (*gone)(struct file *) = __atomic_load_n(&epoll_gone, __ATOMIC_ACQUIRE);
	if (gone)
		gone(f);
	if (f->kind != FILE_PATH)
		notify_file(f, f->writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	file_async_stop(f);
	lock_release_file(f);
	f->ops->release(f);
	if (f->write_counted) {
		inode_put_write(f->inode);
		mount_put_write(f->path.mnt);
	}
	path_put(&f->path);
	inode_put(f->inode);
	cred_put(f->cred);
	free(f);
	count_gone(file);
	__atomic_sub_fetch(&files_open, 1, __ATOMIC_RELAXED);
}

typedef ssize_t (*rw_fn)(struct file *f, struct uio *u, int64_t *pos);

/* No transfer may reach beyond the largest offset there is. */
static ssize_t try_at(struct file *f, rw_fn op, struct uio *u, int64_t *pos)
{
	return u->left > (uint64_t)(INT64_MAX - *pos) ? -EINVAL : op(f, u, pos);
}

/* pos NULL: the file's own, locked for as long as the operation runs. */
static ssize_t try_once(struct file *f, rw_fn op, struct uio *u, int64_t *pos)
{
	int64_t none = 0;

	if (pos)
		return try_at(f, op, u, pos);
	/* Devices look at no offset, and those who share one need not wait for each other. */
	if (!f->seekable || inode_is(f->inode, S_IFCHR))
		return op(f, u, &none);
	lock(&f->pos_lock);
	ssize_t n = try_at(f, op, u, &f->pos);
	unlock(&f->pos_lock);
	return n;
}

static bool may_block(const struct file *f, bool nonblock)
{
	return f->wq && !nonblock && !(file_flags(f) & O_NONBLOCK);
}

static ssize_t try_blocking(struct file *f, rw_fn op, uint32_t events, struct uio *u, int64_t *pos,
			    bool nonblock)
{
	if (f->waits && nonblock) {
		struct file as = *f; /* as in file_write_as */
		as.flags |= O_NONBLOCK;
		return try_once(&as, op, u, pos);
	}
	ssize_t n = try_once(f, op, u, pos);
	if (n != -EAGAIN || f->waits || !may_block(f, nonblock))
		return n;
	int err = waitq_sleep(f->wq, events, WAIT_INTR, WAIT_FOREVER,
			      (n = try_once(f, op, u, pos)) != -EAGAIN);
	return err < 0 ? err : n;
}

ssize_t file_read(struct file *f, struct uio *u, int64_t *pos, bool nonblock)
{
	if (pos && !f->seekable)
		return -ESPIPE;
	if (pos && *pos < 0)
		return -EINVAL;
	if (!f->readable)
		return -EBADF;
	ssize_t n = try_blocking(f, f->ops->read, read_events, u, pos, nonblock);
	/* The drivers of the devices there are do not touch atime. */
	if (n >= 0 && f->kind == FILE_INODE && !inode_is(f->inode, S_IFCHR))
		file_accessed(f);
	if (n > 0)
		notify_file(f, IN_ACCESS);
	return n;
}

/* A blocking write of these goes on until everything is written. */
static bool writes_all(const struct file *f)
{
	return f->kind == FILE_PIPE || f->kind == FILE_TTY || f->kind == FILE_HOST;
}

ssize_t file_write(struct file *f, struct uio *u, int64_t *pos, bool nonblock)
{
	ssize_t done = 0, n;

	if (pos && !f->seekable)
		return -ESPIPE;
	if (pos && *pos < 0)
		return -EINVAL;
	if (!f->writable)
		return -EBADF;
	do {
		n = try_blocking(f, f->ops->write, write_events, u, pos, nonblock);
		if (n > 0)
			done += n;
		/* What is written in small pieces must not outlast a signal. */
	} while (n > 0 && u->left > 0 && writes_all(f) && may_block(f, nonblock) &&
		 !waiter_signalled(waiter_self()));
	if (done > 0)
		notify_file(f, IN_MODIFY);
	return done > 0 ? done : n;
}

ssize_t file_write_as(struct file *f, struct uio *u, int64_t *pos, bool append)
{
	/* Never published, and only looked at by the operation: locks and lists in it are dead. */
	struct file as = *f;

	if (!f->writable)
		return -EBADF;
	as.flags = append ? as.flags | O_APPEND : as.flags & ~(uint32_t)O_APPEND;
	if (f->waits)
		as.flags |= O_NONBLOCK; /* pos_lock is held */
	ssize_t n;
	if (pos) {
		n = try_at(&as, f->ops->write, u, pos);
	} else {
		lock(&f->pos_lock);
		n = try_at(&as, f->ops->write, u, &f->pos);
		unlock(&f->pos_lock);
	}
	if (n > 0)
		notify_file(f, IN_MODIFY);
	return n;
}

uint32_t file_poll(struct file *f)
{
	return f->ops->poll(f);
}

int file_wait(struct file *f, uint32_t events, bool nonblock, int64_t deadline_ns)
{
	events |= EPOLLERR | EPOLLHUP;
	if (file_poll(f) & events)
		return 0;
	if (!may_block(f, nonblock))
		return -EAGAIN;
	int err = waitq_sleep(f->wq, events, WAIT_INTR, deadline_ns, (file_poll(f) & events) != 0);
	return err == -ETIMEDOUT ? -EAGAIN : err;
}
