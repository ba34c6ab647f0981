/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mem: the offset is an address, and protections do not count (memaccess.h). */
#include <errno.h>
#include <stdlib.h>

#include "sentry/procfs/bind.h"
#include "sentry/procfs/pid.h"
#include "syscalls/abi/fcntl.h"

enum { MEM_BOUNCE = 64 << 10 };

/* Bytes moved, -ESRCH when the program is gone, -EFAULT when the caller's memory is bad. */
typedef ssize_t (*move_fn)(const struct binding *b, struct uio *u, uaddr_t addr, void *buf,
			   size_t size);

static ssize_t move_in(const struct binding *b, struct uio *u, uaddr_t addr, void *buf, size_t size)
{
	ssize_t n = binding_read(b, buf, addr, size);
	return n > 0 ? uio_put(u, buf, (size_t)n) : n;
}

static ssize_t move_out(const struct binding *b, struct uio *u, uaddr_t addr, void *buf,
			size_t size)
{
	ssize_t n = uio_get(u, buf, size);
	if (n <= 0)
		return n;
	ssize_t done = binding_write(b, addr, buf, (size_t)n);
	uio_revert(u, (size_t)(n - (done < 0 ? 0 : done)));
	return done;
}

static ssize_t mem_move(struct file *f, struct uio *u, int64_t *pos, move_fn move)
{
	const struct binding *b = f->priv;
	size_t done = 0;
	ssize_t n = 0;

	if (!binding_mm(b) || u->left == 0)
		return 0;
	autofree void *buf = malloc(MEM_BOUNCE);
	if (!buf)
		return -ENOMEM;
	while (u->left > 0) {
		size_t want = min_u64(u->left, MEM_BOUNCE);
		n = move(b, u, (uaddr_t)*pos, buf, want);
		if (n < 0)
			break;
		done += (size_t)n;
		*pos += n;
		if ((size_t)n < want)
			break;
	}
	if (done)
		return (ssize_t)done;
	/* The program ended meanwhile, as if it had before; or there is no memory at that address. */
	return n == -ESRCH ? 0 : n < 0 ? n : -EIO;
}

static ssize_t mem_read(struct file *f, struct uio *u, int64_t *pos)
{
	return mem_move(f, u, pos, move_in);
}

static ssize_t mem_write(struct file *f, struct uio *u, int64_t *pos)
{
	return mem_move(f, u, pos, move_out);
}

static int64_t mem_seek(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_generic(f, off, whence, 0);
}

static void mem_release(struct file *f)
{
	binding_drop(f->priv);
	free(f->priv);
}

static const struct file_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
	.poll = file_alwaysready,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = mem_release,
};

int pid_mem_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		 struct file **out)
{
	struct binding *b = malloc(sizeof *b);
	if (!b)
		return -ENOMEM;
	int err = binding_make(b, proc_node_of(i));
	if (err < 0) {
		free(b);
		return err;
	}
	err = file_new(&mem_ops, FILE_INODE, b, path, inode_get(i), cred, flags, out);
	if (err < 0) {
		binding_drop(b);
		free(b);
	}
	return err;
}
