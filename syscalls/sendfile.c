/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile(2), copy_file_range(2): from one file to another through a sentry buffer. */
#include <stdlib.h>

#include "sentry/fs/pipe/pipe.h"
#include "sentry/task/iocount.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

enum { COPY_CHUNK = 64 * 1024 };

struct copy {
	struct file *in, *out;
	int64_t in_pos;
	int64_t out_pos;
	bool out_at; /* write at out_pos, else wherever the file goes on */
};

static int64_t file_pos(struct file *f)
{
	lock(&f->pos_lock);
	int64_t pos = f->pos;
	unlock(&f->pos_lock);
	return pos;
}

static void file_set_pos(struct file *f, int64_t pos)
{
	lock(&f->pos_lock);
	f->pos = pos;
	unlock(&f->pos_lock);
}

/* Cuts the transfer at RLIMIT_FSIZE; -EFBIG if nothing is left of it. */
static int copy_limit(struct task *t, const struct copy *c, size_t *size)
{
	uint64_t limit = task_rlimit(t, RLIMIT_FSIZE);
	if (limit > INT64_MAX || !mode_is(c->out->inode->mode, S_IFREG))
		return 0;
	uint64_t at = (uint64_t)(c->out_at ? c->out_pos : file_pos(c->out));
	if (at < limit)
		*size = min_u64(*size, limit - at);
	return at < limit ? 0 : fsize_check(t, c->out->inode, at + 1);
}

/* One piece; advances by what was written. */
static ssize_t copy_piece(struct copy *c, char *buf, size_t size)
{
	struct uio u;
	int64_t pos = c->in_pos;
	uio_kernel(&u, buf, size);
	ssize_t got = file_read(c->in, &u, &pos, /*nonblock=*/false);
	if (got <= 0)
		return got;
	uio_kernel(&u, buf, (size_t)got);
	ssize_t put = file_write(c->out, &u, c->out_at ? &c->out_pos : NULL, /*nonblock=*/false);
	if (put > 0)
		c->in_pos += put;
	return put;
}

static ssize_t copy_run(struct task *t, struct copy *c, size_t size)
{
	autofree char *buf = malloc(min_u64(size, COPY_CHUNK) + 1);
	size_t done = 0;
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	if (size > 0 && (n = copy_limit(t, c, &size)) < 0)
		return n;
	while (done < size) {
		n = copy_piece(c, buf, min_u64(size - done, COPY_CHUNK));
		if (n <= 0)
			break;
		done += (size_t)n;
		if (waiter_signalled(&t->waiter))
			break;
	}
	if (n == -EPIPE)
		signal_epipe(t, c->out);
	n = done > 0 ? (ssize_t)done : n;
	return io_write_done(t, io_read_done(t, n));
}

static int sendfile_check(const struct copy *c)
{
	if (!c->in->readable || !c->out->writable)
		return -EBADF;
	/* Only what has pages can be the source. */
	if (!mode_is(c->in->inode->mode, S_IFREG) || !c->in->seekable)
		return -EINVAL;
	if (c->out->kind == FILE_EVENTFD)
		return -EINVAL; /* takes its eight bytes from memory only */
	if (!pipe_of(c->out) && (file_flags(c->out) & O_APPEND))
		return -EINVAL;
	return 0;
}

static long do_sendfile(struct task *t, struct copy *c, uaddr_t offset, uint64_t count)
{
	int64_t off = 0;
	if (offset && c->in->readable && !c->in->seekable)
		return -ESPIPE;
	int err = offset ? copy_in(t->mm, &off, offset, sizeof off) : 0;
	if (err == 0)
		err = sendfile_check(c);
	if (err < 0)
		return err;
	c->in_pos = offset ? off : file_pos(c->in);
	if (c->in_pos < 0 || (int64_t)count < 0)
		return -EINVAL;
	long n = copy_run(t, c, min_u64(count, MAX_RW_COUNT));
	if (offset)
		return copy_out(t->mm, offset, &c->in_pos, sizeof c->in_pos) < 0 ? -EFAULT : n;
	if (n > 0)
		file_set_pos(c->in, c->in_pos);
	return n;
}

long sys_sendfile(struct task *t, int out_fd, int in_fd, uaddr_t offset, uint64_t count)
{
	autoput(file) struct file *in = NULL, *out = NULL;
	int err = file_arg_io(t, in_fd, &in);
	if (err == 0)
		err = file_arg_io(t, out_fd, &out);
	if (err < 0)
		return err;
	struct copy c = {.in = in, .out = out};
	return do_sendfile(t, &c, offset, count);
}

static int range_check(const struct copy *c, uint64_t len, uint32_t flags)
{
	uint32_t in = c->in->inode->mode, out = c->out->inode->mode;
	if (flags)
		return -EINVAL;
	if (mode_is(in, S_IFDIR) || mode_is(out, S_IFDIR))
		return -EISDIR;
	if (!mode_is(in, S_IFREG) || !mode_is(out, S_IFREG))
		return -EINVAL;
	if (!c->in->readable || !c->out->writable || (file_flags(c->out) & O_APPEND))
		return -EBADF;
	if (__builtin_add_overflow_p((uint64_t)c->in_pos, len, (uint64_t)0) ||
	    __builtin_add_overflow_p((uint64_t)c->out_pos, len, (uint64_t)0))
		return -EOVERFLOW;
	return c->out_pos == INT64_MAX ? -EFBIG : 0;
}

/* Ranges that overlap in one file would be copied onto themselves. */
static bool overlaps(const struct copy *c, uint64_t len)
{
	uint64_t a = (uint64_t)c->in_pos, b = (uint64_t)c->out_pos;
	uint64_t size = __atomic_load_n(&c->in->inode->size, __ATOMIC_RELAXED);
	len = min_u64(len, a < size ? size - a : 0);
	return c->in->inode == c->out->inode && a < b + len && b < a + len;
}

static int offset_get(struct task *t, uaddr_t from, struct file *f, int64_t *out)
{
	if (from && copy_in(t->mm, out, from, sizeof *out) < 0)
		return -EFAULT;
	if (!from)
		*out = file_pos(f);
	return *out < 0 ? -EINVAL : 0;
}

static int offset_put(struct task *t, uaddr_t to, struct file *f, int64_t pos)
{
	if (to)
		return copy_out(t->mm, to, &pos, sizeof pos);
	file_set_pos(f, pos);
	return 0;
}

long sys_copy_file_range(struct task *t, int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out,
			 uint64_t len, uint32_t flags)
{
	autoput(file) struct file *in = NULL, *out = NULL;
	int err = file_arg_io(t, fd_in, &in);
	if (err == 0)
		err = file_arg_io(t, fd_out, &out);
	if (err < 0)
		return err;
	struct copy c = {.in = in, .out = out, .out_at = true};
	err = offset_get(t, off_in, in, &c.in_pos);
	if (err == 0)
		err = offset_get(t, off_out, out, &c.out_pos);
	if (err == 0)
		err = range_check(&c, len, flags);
	if (err < 0)
		return err;
	len = min_u64(len, MAX_RW_COUNT);
	if (overlaps(&c, len))
		return -EINVAL;
	long n = copy_run(t, &c, len);
	if (n <= 0)
		return n;
	if (offset_put(t, off_in, in, c.in_pos) < 0 || offset_put(t, off_out, out, c.out_pos) < 0)
		return -EFAULT;
	return n;
}
