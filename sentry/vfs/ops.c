/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared refusals: what an ops table names for what an object cannot do,
 * each with the errno Linux has for it; and what all directories do alike.
 */
#include "sentry/vfs/dentry.h"
#include "sentry/vfs/inode.h"

#include "syscalls/abi/dirent.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"

#define UNUSED __attribute__((unused))

ssize_t file_noread(struct file *f UNUSED, struct uio *u UNUSED, int64_t *pos UNUSED)
{
	return -EINVAL;
}

ssize_t file_nowrite(struct file *f UNUSED, struct uio *u UNUSED, int64_t *pos UNUSED)
{
	return -EINVAL;
}

ssize_t file_isdir(struct file *f UNUSED, struct uio *u UNUSED, int64_t *pos UNUSED)
{
	return -EISDIR;
}

int64_t file_noseek(struct file *f UNUSED, int64_t off UNUSED, int whence UNUSED)
{
	return -ESPIPE;
}

int64_t file_noopseek(struct file *f UNUSED, int64_t off UNUSED, int whence UNUSED)
{
	return 0;
}

int64_t file_seek_generic(struct file *f, int64_t off, int whence, uint64_t size)
{
	int64_t base, result;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		base = (int64_t)size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &result))
		return -EOVERFLOW;
	return result < 0 ? -EINVAL : result;
}

int64_t file_seek_dir(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_generic(f, off, whence, 0);
}

uint32_t file_alwaysready(struct file *f UNUSED)
{
	return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

int64_t file_noioctl(struct file *f UNUSED, const struct ioctl_args *a UNUSED)
{
	return -ENOTTY;
}

int file_nommap(struct file *f UNUSED, int prot UNUSED, bool shared UNUSED, uint64_t off UNUSED,
		uint64_t size UNUSED, struct mmap_source *out UNUSED)
{
	return -ENODEV;
}

int file_noreaddir(struct file *f UNUSED, int64_t *pos UNUSED, dirent_fn fn UNUSED,
		   void *arg UNUSED)
{
	return -ENOTDIR;
}

bool file_put_dots(struct file *f, int64_t *pos, dirent_fn fn, void *arg)
{
	struct dentry *d = f->path.dentry;
	if (*pos == 0) {
		if (!fn(arg, ".", 1, d->inode->ino, DT_DIR, 1))
			return false;
		*pos = 1;
	}
	if (*pos == 1) {
		autoput(dentry) struct dentry *parent = dentry_parent(d);
		if (!fn(arg, "..", 2, parent->inode->ino, DT_DIR, 2))
			return false;
		*pos = 2;
	}
	return true;
}

int file_nofsync(struct file *f UNUSED, bool datasync UNUSED)
{
	return -EINVAL;
}

int file_okfsync(struct file *f UNUSED, bool datasync UNUSED)
{
	return 0;
}

int file_nofallocate(struct file *f UNUSED, int mode UNUSED, int64_t off UNUSED,
		     int64_t size UNUSED)
{
	return -EOPNOTSUPP;
}

int file_okflags(struct file *f UNUSED, int flags UNUSED)
{
	return 0;
}

void file_noflush(struct file *f UNUSED, void *owner UNUSED)
{
}

void file_norelease(struct file *f UNUSED)
{
}

int inode_nolookup(struct dentry *dir UNUSED, const char *name UNUSED, size_t size UNUSED,
		   struct inode **out UNUSED)
{
	return -ENOTDIR;
}

int inode_nocreate(struct dentry *dir UNUSED, struct dentry *child UNUSED,
		   const struct node_spec *s UNUSED)
{
	return -EPERM;
}

int inode_nolink(struct dentry *dir UNUSED, struct dentry *child UNUSED, struct inode *inode UNUSED)
{
	return -EPERM;
}

int inode_nounlink(struct dentry *dir UNUSED, struct dentry *child UNUSED)
{
	return -EPERM;
}

int inode_norename(struct dentry *od UNUSED, struct dentry *oc UNUSED, struct dentry *nd UNUSED,
		   struct dentry *nc UNUSED, uint32_t flags UNUSED)
{
	return -EPERM;
}

ssize_t inode_noreadlink(struct inode *i UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return -EINVAL;
}

int inode_nofollow(struct inode *i UNUSED, struct path *out UNUSED)
{
	return -EOPNOTSUPP;
}

int inode_nosetattr(struct inode *i UNUSED, const struct iattr *a UNUSED)
{
	return -EPERM;
}

int inode_getattr(struct inode *i, struct kstat *out)
{
	inode_fill_stat(i, out);
	return 0;
}

int inode_noopen(struct inode *i UNUSED, struct path path UNUSED, const struct cred *cred UNUSED,
		 uint32_t flags UNUSED, struct file **out UNUSED)
{
	return -ENXIO;
}

ssize_t inode_nogetxattr(struct inode *i UNUSED, const char *name UNUSED, void *buf UNUSED,
			 size_t size UNUSED)
{
	return -EOPNOTSUPP;
}

int inode_nosetxattr(struct inode *i UNUSED, const char *name UNUSED, const void *buf UNUSED,
		     size_t size UNUSED, int flags UNUSED)
{
	return -EOPNOTSUPP;
}

int inode_noremovexattr(struct inode *i UNUSED, const char *name UNUSED)
{
	return -EOPNOTSUPP;
}

ssize_t inode_nolistxattr(struct inode *i UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return 0;
}

void inode_noevict(struct inode *i UNUSED)
{
}

void fs_noshow(struct fs *fs UNUSED, char *buf, size_t size)
{
	if (size)
		buf[0] = 0;
}
