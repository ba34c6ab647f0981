/* SPDX-License-Identifier: Apache-2.0 */
/* splice(2), tee(2), vmsplice(2). */
#include "sentry/fs/pipe/pipe.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* One side: the file, its pipe if it is one, and where its offset is kept. */
struct side {
	struct file *file; /* our reference */
	struct pipe *pipe;
	int64_t *pos; /* NULL: the file's own */
	int64_t off;
};

static void sides_put(struct side *in, struct side *out)
{
	if (in->file)
		file_put(in->file);
	if (out->file)
		file_put(out->file);
}

static int sides_get(struct task *t, int fd_in, struct side *in, int fd_out, struct side *out)
{
	int err = file_arg_io(t, fd_in, &in->file);
	if (err == 0)
		err = file_arg_io(t, fd_out, &out->file);
	if (err < 0)
		return err;
	in->pipe = pipe_of(in->file);
	out->pipe = pipe_of(out->file);
	return 0;
}

/* Looked at before anything else of the files is. */
static int offset_in(struct task *t, struct side *s, uaddr_t off)
{
	if (!off)
		return 0;
	if (s->pipe)
		return -ESPIPE;
	if (copy_in(t->mm, &s->off, off, sizeof s->off) < 0)
		return -EFAULT;
	s->pos = &s->off;
	return 0;
}

static int sides_check(const struct side *in, const struct side *out)
{
	if (!in->file->readable || !out->file->writable)
		return -EBADF;
	if (!in->pipe && !out->pipe)
		return -EINVAL;
	if ((in->pos && (!in->file->seekable || in->off < 0)) ||
	    (out->pos && (!out->file->seekable || out->off < 0)))
		return -EINVAL;
	return 0;
}

static int offset_out(struct task *t, const struct side *s, uaddr_t off)
{
	return s->pos ? copy_out(t->mm, off, &s->off, sizeof s->off) : 0;
}

/* Pipe to file: what is there now; waits only for the first byte. */
static ssize_t pipe_to_file(struct side *in, struct side *out, size_t len, bool nonblock)
{
	struct pipe_taken taken;
	size_t used = 0;
	ssize_t n;

	while ((n = pipe_take(in->pipe, len, &taken)) == -EAGAIN) {
		int err = file_wait(in->file, EPOLLIN, nonblock, WAIT_FOREVER);
		if (err < 0)
			return err;
	}
	if (n <= 0)
		return n;
	for (unsigned i = 0; i < taken.count; i++) {
		struct uio u;
		size_t size;
		const char *piece = pipe_taken_piece(&taken, i, &size);
		uio_kernel(&u, (char *)(uintptr_t)piece, size);
		n = file_write(out->file, &u, out->pos, nonblock);
		used += n > 0 ? (size_t)n : 0;
		if (n < (ssize_t)size)
			break;
	}
	pipe_untake(in->pipe, &taken, used);
	return used > 0 ? (ssize_t)used : n;
}

/* File to pipe: as much as there is room for; waits for the first slot. */
static ssize_t file_to_pipe(struct side *in, struct side *out, size_t len, bool nonblock)
{
	struct pipe_room room;
	struct uio u;
	int err;

	while ((err = pipe_reserve(out->pipe, len, &room)) == -EAGAIN) {
		err = file_wait(out->file, EPOLLOUT, nonblock, WAIT_FOREVER);
		if (err < 0)
			return err;
	}
	if (err < 0)
		return err;
	uio_kernel(&u, room.buf, room.size);
	ssize_t n = file_read(in->file, &u, in->pos, nonblock);
	pipe_fill(out->pipe, &room, n > 0 ? (size_t)n : 0);
	return n;
}

static ssize_t pipe_to_pipe(struct side *in, struct side *out, size_t len, bool nonblock, bool keep)
{
	ssize_t n;
	while ((n = pipe_transfer(in->pipe, out->pipe, len, keep)) == -EAGAIN) {
		bool empty = !(file_poll(in->file) & EPOLLIN);
		int err = file_wait(empty ? in->file : out->file, empty ? EPOLLIN : EPOLLOUT,
				    nonblock, WAIT_FOREVER);
		if (err < 0)
			return err;
	}
	return n;
}

static ssize_t splice_sides(struct side *in, struct side *out, size_t len, bool nonblock)
{
	if (in->pipe && out->pipe)
		return in->pipe == out->pipe ? -EINVAL
					     : pipe_to_pipe(in, out, len, nonblock, /*keep=*/false);
	if (in->pipe)
		return file_flags(out->file) & O_APPEND ? -EINVAL
							: pipe_to_file(in, out, len, nonblock);
	if (mode_is(in->file->inode->mode, S_IFDIR))
		return -EINVAL;
	return file_to_pipe(in, out, len, nonblock);
}

static long do_splice(struct task *t, struct side *in, uaddr_t off_in, struct side *out,
		      uaddr_t off_out, size_t len, bool nonblock)
{
	int err = offset_in(t, out, off_out);
	if (err == 0)
		err = offset_in(t, in, off_in);
	if (err == 0)
		err = sides_check(in, out);
	if (err < 0)
		return err;
	ssize_t n = splice_sides(in, out, len, nonblock);
	if (n == -EPIPE)
		signal_epipe(t, out->file);
	if (n <= 0)
		return n;
	if (offset_out(t, in, off_in) < 0 || offset_out(t, out, off_out) < 0)
		return -EFAULT;
	return n;
}

long sys_splice(struct task *t, int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out,
		uint64_t len, uint32_t flags)
{
	struct side in = {.file = NULL}, out = {.file = NULL};

	if (len == 0)
		return 0;
	if (flags & ~FLAGS_KNOWN(SPLICE))
		return -EINVAL;
	long ret = sides_get(t, fd_in, &in, fd_out, &out);
	if (ret == 0)
		ret = do_splice(t, &in, off_in, &out, off_out, min_u64(len, MAX_RW_COUNT),
				flags & SPLICE_F_NONBLOCK);
	sides_put(&in, &out);
	return ret;
}

long sys_tee(struct task *t, int fd_in, int fd_out, uint64_t len, uint32_t flags)
{
	struct side in = {.file = NULL}, out = {.file = NULL};

	if (flags & ~FLAGS_KNOWN(SPLICE))
		return -EINVAL;
	if (len == 0)
		return 0;
	long ret = sides_get(t, fd_in, &in, fd_out, &out);
	if (ret == 0 && (!in.file->readable || !out.file->writable))
		ret = -EBADF;
	if (ret == 0 && (!in.pipe || !out.pipe || in.pipe == out.pipe))
		ret = -EINVAL;
	if (ret == 0)
		ret = pipe_to_pipe(&in, &out, min_u64(len, MAX_RW_COUNT), flags & SPLICE_F_NONBLOCK,
				   /*keep=*/true);
	if (ret == -EPIPE)
		signal_epipe(t, out.file);
	sides_put(&in, &out);
	return ret;
}

/* Once it can begin, what goes in or comes out at once: nothing more is waited for. */
static long vmsplice_once(struct task *t, struct file *f, struct uio *u, bool nonblock)
{
	int64_t none = 0;
	for (;;) {
		ssize_t n = f->writable ? f->ops->write(f, u, &none) : f->ops->read(f, u, &none);
		if (n == -EPIPE)
			signal_epipe(t, f);
		if (n != -EAGAIN)
			return n;
		int err = file_wait(f, f->writable ? EPOLLOUT : EPOLLIN, nonblock, WAIT_FOREVER);
		if (err < 0)
			return err;
	}
}

long sys_vmsplice(struct task *t, int fd, uaddr_t iov, uint64_t vlen, uint32_t flags)
{
	autoput(file) struct file *f = NULL;
	autofree struct uvec *vec = NULL;
	struct uio u;
	size_t total;

	if (flags & ~FLAGS_KNOWN(SPLICE))
		return -EINVAL;
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	err = uio_copy_iovec(t->mm, iov, (uint32_t)vlen, &vec, &total);
	if (err == 0)
		err = uio_uservec(&u, t->mm, vec, (uint32_t)vlen);
	if (err < 0 || total == 0)
		return err;
	if (!pipe_of(f))
		return -EBADF;
	return vmsplice_once(t, f, &u, flags & SPLICE_F_NONBLOCK);
}
