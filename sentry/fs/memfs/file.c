/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files: reading, writing, length, seals.
 *
 * Everything runs under the inode's lock except reads of files that are still
 * the lower tree's, which go straight to the host's page cache.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/devfs/devfs.h"
#include "sentry/fs/memfs/changes.h"
#include "sentry/fs/memfs/private.h"
#include "sentry/fs/pipe/fifo.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"
#include "syscalls/abi/mman.h"

enum { SEALS_WRITE = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE };

/* Still the lower tree's. */
static bool is_lower(const struct node *n)
{
	return n->origin && !n->changed;
}

/* Somebody keeps the lower file open. */
static ssize_t inode_read(struct inode *i, struct uio *u, uint64_t off)
{
	struct node *n = node_of(i);

	lock(&i->lock);
	bool lower = is_lower(n);
	ssize_t done = 0;
	if (!lower && off < i->size)
		done = content_read(&n->content, u, off, min_u64(u->left, i->size - off));
	unlock(&i->lock);
	return lower ? lower_read(i, u, off) : done;
}

static ssize_t file_read_at(struct file *f, struct uio *u, int64_t *pos)
{
	ssize_t done = inode_read(f->inode, u, (uint64_t)*pos);
	if (done > 0)
		*pos += done;
	return done;
}

int memfs_content_hold(struct inode *i)
{
	lock(&i->lock);
	int err = lower_open_locked(i);
	unlock(&i->lock);
	return err;
}

void memfs_content_drop(struct inode *i)
{
	lock(&i->lock);
	lower_close_locked(i);
	unlock(&i->lock);
}

ssize_t memfs_content_read(struct inode *i, void *buf, size_t size, uint64_t off)
{
	struct uio u;
	uio_kernel(&u, buf, size);
	return inode_read(i, &u, off);
}

static ssize_t write_locked(struct inode *i, struct uio *u, uint64_t off)
{
	struct node *n = node_of(i);
	size_t size = min_u64(u->left, INT64_MAX - off);

	if (n->seals & SEALS_WRITE)
		return -EPERM;
	if ((n->seals & F_SEAL_GROW) && off + size > i->size)
		return -EPERM;
	int err = lower_copy_up_locked(i, i->size);
	if (err < 0)
		return err;
	ssize_t done = content_write(&n->content, u, off, size, i->size);
	if (done <= 0)
		return done;
	if (off + (uint64_t)done > i->size)
		i->size = off + (uint64_t)done;
	inode_touch_locked(i, ATTR_MTIME | ATTR_CTIME);
	xattrs_drop_caps_locked(i);
	__atomic_fetch_add(&i->generation, 1, __ATOMIC_RELAXED);
	return done;
}

static ssize_t file_write_at(struct file *f, struct uio *u, int64_t *pos)
{
	struct inode *i = f->inode;
	ssize_t done;

	if (u->left == 0)
		return 0;
	lock(&i->lock);
	if (file_flags(f) & O_APPEND)
		*pos = (int64_t)i->size;
	done = *pos == INT64_MAX ? -EFBIG : write_locked(i, u, (uint64_t)*pos);
	unlock(&i->lock);
	if (done > 0)
		*pos += done;
	return done;
}

int file_resize_locked(struct inode *i, uint64_t length)
{
	struct node *n = node_of(i);

	if (length > INT64_MAX)
		return -EFBIG;
	if ((length < i->size && (n->seals & F_SEAL_SHRINK)) ||
	    (length > i->size && (n->seals & F_SEAL_GROW)))
		return -EPERM;
	int err = lower_copy_up_locked(i, length);
	if (err == 0)
		err = content_resize(&n->content, i->size, length);
	if (err < 0)
		return err;
	i->size = length;
	inode_touch_locked(i, ATTR_MTIME | ATTR_CTIME);
	xattrs_drop_caps_locked(i);
	__atomic_fetch_add(&i->generation, 1, __ATOMIC_RELAXED);
	return 0;
}

uint64_t memfs_content_seek(struct inode *i, uint64_t off, bool data)
{
	struct node *n = node_of(i);
	lock(&i->lock);
	uint64_t size = i->size, at = off;
	if (at < size)
		at = !is_lower(n) ? content_seek(&n->content, at, size, data) : data ? at : size;
	unlock(&i->lock);
	return off >= size || (data && at >= size) ? MEMFS_NOWHERE : at;
}

static int64_t file_seek_hole(struct file *f, int64_t off, bool data)
{
	uint64_t at = off < 0 ? MEMFS_NOWHERE : memfs_content_seek(f->inode, (uint64_t)off, data);
	return at == MEMFS_NOWHERE ? -ENXIO : (int64_t)at;
}

static int64_t file_seek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return file_seek_hole(f, off, whence == SEEK_DATA);
	lock(&f->inode->lock);
	uint64_t size = f->inode->size;
	unlock(&f->inode->lock);
	return file_seek_generic(f, off, whence, size);
}

static int64_t file_ioctl(struct file *f, const struct ioctl_args *a)
{
	if (a->cmd != FIONREAD)
		return -ENOTTY;
	lock(&f->pos_lock);
	int64_t pos = f->pos;
	unlock(&f->pos_lock);
	lock(&f->inode->lock);
	int32_t left = (int32_t)((int64_t)f->inode->size - pos);
	unlock(&f->inode->lock);
	return copy_out(a->mm, a->arg, &left, sizeof left);
}

static int file_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		     struct mmap_source *out)
{
	struct inode *i = f->inode;
	struct node *n = node_of(i);
	int fd = 0;
	/* A read-only shared mapping of a file open for writing may become writable (mprotect). */
	bool may_write = shared && f->writable;

	(void)size;
	lock(&i->lock);
	bool sealed = n->seals & SEALS_WRITE;
	if (shared && (prot & PROT_WRITE) && sealed)
		fd = -EPERM;
	else if (may_write)
		fd = lower_copy_up_locked(i, i->size);
	may_write &= !sealed;
	if (fd == 0 && is_lower(n))
		fd = n->lower_fd;
	else if (fd == 0)
		fd = may_write ? content_fd(&n->content, i->size)
			       : content_readonly_fd(&n->content, i->size);
	if (fd >= 0 && may_write)
		object_mapped(n->content.object, off);
	unlock(&i->lock);
	if (fd < 0)
		return fd;
	*out = (struct mmap_source){.fd = fd, .sealed = sealed};
	file_accessed(f);
	return 0;
}

static int fallocate_locked(struct inode *i, int mode, uint64_t off, uint64_t end)
{
	struct node *n = node_of(i);
	uint64_t inside = min_u64(end, i->size);
	bool zero = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	uint64_t length = mode & FALLOC_FL_KEEP_SIZE ? i->size : max_u64(end, i->size);

	if (zero && (n->seals & SEALS_WRITE))
		return -EPERM;
	if (length > i->size && (n->seals & F_SEAL_GROW))
		return -EPERM;
	int err = lower_copy_up_locked(i, i->size);
	if (err == 0 && zero && off < inside)
		err = content_zero(&n->content, off, inside - off);
	if (err == 0 && !(mode & FALLOC_FL_PUNCH_HOLE))
		err = content_reserve(&n->content, off, end - off, i->size, length);
	if (err < 0)
		return err;
	i->size = length;
	inode_touch_locked(i, ATTR_MTIME | ATTR_CTIME);
	__atomic_fetch_add(&i->generation, 1, __ATOMIC_RELAXED);
	return 0;
}

static int file_fallocate(struct file *f, int mode, int64_t off, int64_t size)
{
	int64_t end;
	if (off < 0 || size <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (__builtin_add_overflow(off, size, &end))
		return -EFBIG;
	lock(&f->inode->lock);
	int err = fallocate_locked(f->inode, mode, (uint64_t)off, (uint64_t)end);
	unlock(&f->inode->lock);
	return err;
}

static void file_release(struct file *f)
{
	lock(&f->inode->lock);
	lower_close_locked(f->inode);
	unlock(&f->inode->lock);
}

static int open_regular(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
			struct file **out)
{
	lock(&i->lock);
	if (lower_unopened_locked(i)) {
		unlock(&i->lock);
		files_ahead(path.dentry);
		lock(&i->lock);
	}
	int err = lower_open_locked(i);
	unlock(&i->lock);
	if (err < 0)
		return err;
	err = file_new(&memfs_file_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
	if (err < 0) {
		lock(&i->lock);
		lower_close_locked(i);
		unlock(&i->lock);
	}
	return err;
}

int memfs_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	       struct file **out)
{
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		return open_regular(i, path, cred, flags, out);
	case S_IFDIR:
		return file_new(&memfs_dir_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags,
				out);
	case S_IFIFO:
		return fifo_open(i, path, cred, flags, out);
	case S_IFCHR:
		return dev_open(i, path, cred, flags, out);
	default:
		return -ENXIO;
	}
}

const struct file_ops memfs_file_ops = {
	.read = file_read_at,
	.write = file_write_at,
	.seek = file_seek,
	.poll = file_alwaysready,
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.readdir = file_noreaddir,
	.fsync = file_okfsync,
	.fallocate = file_fallocate,
	.setflags = file_okflags,
	.flush = file_noflush,
	.release = file_release,
};
