/* SPDX-License-Identifier: Apache-2.0 */
/* null(4), full(4), random(4): the devices of major number 1. */
#include <errno.h>
#include <stdlib.h>

#include "platform/host.h"
#include "sentry/fs/devfs/devfs.h"
#include "sentry/fs/memfs/bounce.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/stat.h"

enum {
	MAJOR_MEM = 1,
	MINOR_NULL = 3,
	MINOR_ZERO = 5,
	MINOR_FULL = 7,
	MINOR_RANDOM = 8,
	MINOR_URANDOM = 9
};

/* No read of random(4) is longer, as in Linux before 5.18: it would not end in sensible time. */
enum { RANDOM_READ_MAX = (32 << 20) - 1 };

/* _IOR('R', 0, int): the entropy estimate in bits. */
#define RNDGETENTCNT 0x80045200u

static ssize_t null_read(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

static ssize_t sink_write(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)pos;
	size_t n = u->left;
	uio_advance(u, n);
	return (ssize_t)n;
}

static ssize_t zero_read(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)pos;
	return uio_zero(u, u->left);
}

static ssize_t full_write(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)pos;
	return u->left > 0 ? -ENOSPC : 0;
}

static int zero_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		     struct mmap_source *out)
{
	(void)f;
	(void)prot;
	(void)shared;
	(void)off;
	(void)size;
	*out = (struct mmap_source){.fd = -1};
	return 0;
}

static ssize_t random_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	(void)arg;
	(void)off;
	host_random(buf, n);
	return (ssize_t)n;
}

static ssize_t random_read(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)pos;
	return bounce_read(u, 0, min_u64(u->left, RANDOM_READ_MAX), random_fill, NULL);
}

static int64_t random_ioctl(struct file *f, const struct ioctl_args *a)
{
	int32_t bits = 256;
	(void)f;
	return a->cmd == RNDGETENTCNT ? copy_out(a->mm, a->arg, &bits, sizeof bits) : -ENOTTY;
}

#define DEVICE_OPS(read_, write_, ioctl_, mmap_)                                                   \
	{                                                                                          \
		.read = read_, .write = write_, .seek = file_noopseek, .poll = file_alwaysready,   \
		.ioctl = ioctl_, .mmap = mmap_, .readdir = file_noreaddir, .fsync = file_nofsync,  \
		.fallocate = file_nofallocate, .setflags = file_okflags, .flush = file_noflush,    \
		.release = file_norelease                                                          \
	}

static const struct file_ops null_ops =
	DEVICE_OPS(null_read, sink_write, file_noioctl, file_nommap);
static const struct file_ops zero_ops = DEVICE_OPS(zero_read, sink_write, file_noioctl, zero_mmap);
static const struct file_ops full_ops =
	DEVICE_OPS(zero_read, full_write, file_noioctl, file_nommap);
static const struct file_ops random_ops =
	DEVICE_OPS(random_read, sink_write, random_ioctl, file_nommap);

static int mem_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	const struct file_ops *ops;
	switch (abi_minor(i->rdev)) {
	case MINOR_NULL:
		ops = &null_ops;
		break;
	case MINOR_ZERO:
		ops = &zero_ops;
		break;
	case MINOR_FULL:
		ops = &full_ops;
		break;
	case MINOR_RANDOM:
	case MINOR_URANDOM:
		ops = &random_ops;
		break;
	default:
		return -ENXIO;
	}
	return file_new(ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
}

int devfs_init(void)
{
	return dev_register(MAJOR_MEM, MINOR_NULL, MINOR_URANDOM - MINOR_NULL + 1, "mem", mem_open);
}
