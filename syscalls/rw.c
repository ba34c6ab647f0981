/* SPDX-License-Identifier: Apache-2.0 */
/* read(2), write(2) and their relatives; lseek(2). */
#include <stdlib.h>

#include "sentry/mm/copy.h"
#include "sentry/mm/mm.h"
#include "sentry/res/resources.h"
#include "sentry/task/iocount.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/mman.h"
#include "syscalls/abi/uio.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* What the flags of preadv2 and pwritev2 come down to. */
struct rw {
	int64_t *pos; /* NULL: the file's own offset */
	int flags;    /* RWF_* */
};

/* Bytes that the read will most likely bring: of what may wait, nobody knows. */
static uint64_t read_size(struct file *f, uint64_t asked, const struct rw *rw)
{
	enum { MEM_MAJOR = 1, ZERO = 5, URANDOM = 9 }; /* full and random are between them */
	const struct inode *i = f->inode;
	if (inode_is(i, S_IFCHR) && abi_major(i->rdev) == MEM_MAJOR)
		return abi_minor(i->rdev) >= ZERO && abi_minor(i->rdev) <= URANDOM ? asked : 0;
	if (!inode_is(i, S_IFREG))
		return 0;
	int64_t pos = rw->pos ? *rw->pos : __atomic_load_n(&f->pos, __ATOMIC_RELAXED);
	uint64_t size = __atomic_load_n(&i->size, __ATOMIC_RELAXED);
	return pos >= 0 && (uint64_t)pos < size ? min_u64(asked, size - (uint64_t)pos) : 0;
}

/*
 * Where memory is bounded, the guest's own process takes the pages for large data.  If the sentry
 * did, by filling them, and there were no more, the host would kill that process first and then,
 * because its memory is held by our call, us.
 */
static void read_prepare(struct task *t, struct file *f, const struct uio *u, const struct rw *rw)
{
	enum { LARGE = 16 << 10 }; /* up to here trap's stub does it itself */
	struct limits l;
	if (u->left <= LARGE)
		return;
	uint64_t left = read_size(f, u->left, rw), skip = u->skip;
	if (left <= LARGE)
		return;
	resources_limits(&l);
	for (size_t i = 0; l.memory_max && i < u->count && left > 0; i++, skip = 0) {
		uaddr_t from = (u->vec[i].base + skip) & PAGE_MASK;
		uint64_t n = min_u64(u->vec[i].size - skip, left);
		left -= n;
		/* What cannot be written to is for the read to find. */
		if (n > 0)
			mm_advise(t->mm, t->ctx, from, PAGE_ALIGN(u->vec[i].base + skip + n) - from,
				  MADV_POPULATE_WRITE);
	}
}

static long do_read(struct task *t, struct file *f, struct uio *u, const struct rw *rw)
{
	read_prepare(t, f, u, rw);
	return file_read(f, u, rw->pos, rw->flags & RWF_NOWAIT);
}

/* Where the write would begin; other threads may move it, as on Linux. */
static int64_t write_pos(struct file *f, const struct rw *rw)
{
	int64_t pos;

	if (((file_flags(f) & O_APPEND) || (rw->flags & RWF_APPEND)) && !(rw->flags & RWF_NOAPPEND))
		return (int64_t)__atomic_load_n(&f->inode->size, __ATOMIC_RELAXED);
	if (rw->pos)
		return *rw->pos;
	lock(&f->pos_lock);
	pos = f->pos;
	unlock(&f->pos_lock);
	return pos;
}

/* Cuts the transfer at RLIMIT_FSIZE; -EFBIG if nothing is left of it. */
static int write_limit(struct task *t, struct file *f, struct uio *u, const struct rw *rw)
{
	uint64_t limit = task_rlimit(t, RLIMIT_FSIZE);

	if (limit == RLIM64_INFINITY || u->left == 0)
		return 0;
	int64_t pos = write_pos(f, rw);
	if (pos >= 0 && u->left > (uint64_t)(INT64_MAX - pos))
		return -EINVAL;
	if (pos >= 0 && (uint64_t)pos >= limit) {
		signal_self(t, SIGXFSZ);
		return -EFBIG;
	}
	if (pos >= 0)
		u->left = min_u64(u->left, limit - (uint64_t)pos);
	return 0;
}

/* True if the flags ask for another O_APPEND than the file has. */
static bool write_as(const struct file *f, int flags)
{
	bool append = file_flags(f) & O_APPEND;
	return ((flags & RWF_APPEND) && !append) || ((flags & RWF_NOAPPEND) && append);
}

/* A pipe whose last reader closed half way: the count comes back, and the signal too. */
static bool reader_went(struct file *f, const struct uio *u, long n)
{
	return f->kind == FILE_PIPE && n > 0 && u->left > 0 && (file_poll(f) & EPOLLERR);
}

static long do_write(struct task *t, struct file *f, struct uio *u, const struct rw *rw)
{
	if (f->writable && inode_is(f->inode, S_IFREG)) {
		int err = write_limit(t, f, u, rw);
		if (err < 0)
			return err;
		file_remove_privs(f, task_cred_self(t));
	}
	long n = write_as(f, rw->flags) ? file_write_as(f, u, rw->pos, rw->flags & RWF_APPEND)
					: file_write(f, u, rw->pos, rw->flags & RWF_NOWAIT);
	if (n == -EPIPE || reader_went(f, u, n))
		signal_epipe(t, f);
	if (n > 0 && (rw->flags & (RWF_DSYNC | RWF_SYNC))) {
		int err = f->ops->fsync(f, !(rw->flags & RWF_SYNC));
		if (err < 0)
			return err;
	}
	return n;
}

/* One buffer, either way. */
static long rw_buf(struct task *t, int fd, uaddr_t buf, uint64_t count, int64_t *pos, bool write)
{
	autoput(file) struct file *f = NULL;
	const struct rw rw = {.pos = pos};
	struct uio u;

	if (pos && *pos < 0)
		return -EINVAL;
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (pos && !f->seekable)
		return -ESPIPE;
	if (!(write ? f->writable : f->readable))
		return -EBADF;
	err = uio_user(&u, t->mm, buf, count);
	if (err < 0)
		return err;
	return write ? io_write_done(t, do_write(t, f, &u, &rw))
		     : io_read_done(t, do_read(t, f, &u, &rw));
}

long sys_read(struct task *t, int fd, uaddr_t buf, uint64_t count)
{
	return rw_buf(t, fd, buf, count, NULL, /*write=*/false);
}

long sys_write(struct task *t, int fd, uaddr_t buf, uint64_t count)
{
	return rw_buf(t, fd, buf, count, NULL, /*write=*/true);
}

long sys_pread64(struct task *t, int fd, uaddr_t buf, uint64_t count, int64_t pos)
{
	return rw_buf(t, fd, buf, count, &pos, /*write=*/false);
}

long sys_pwrite64(struct task *t, int fd, uaddr_t buf, uint64_t count, int64_t pos)
{
	return rw_buf(t, fd, buf, count, &pos, /*write=*/true);
}

static int rwf_check(const struct file *f, int flags, bool write)
{
	const int known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if ((flags & RWF_APPEND) && (flags & RWF_NOAPPEND))
		return -EINVAL;
	/* Of a device nobody knows what its end would be. */
	if (write && write_as(f, flags) && !inode_is(f->inode, S_IFREG))
		return -EOPNOTSUPP;
	return 0;
}

/* count: Linux looks at the low half only.  Of nothing at all it asks no more than the mode. */
static long do_vec(struct task *t, int fd, uaddr_t iov, uint32_t count, const struct rw *rw,
		   bool write)
{
	autoput(file) struct file *f = NULL;
	autofree struct uvec *vec = NULL;
	struct uio u;
	size_t total;

	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (rw->pos && !f->seekable)
		return -ESPIPE;
	if (!(write ? f->writable : f->readable))
		return -EBADF;
	if (write ? f->ops->write == file_nowrite : f->ops->read == file_noread)
		return -EINVAL;
	err = uio_copy_iovec(t->mm, iov, count, &vec, &total);
	if (err < 0 || total == 0)
		return err;
	err = rwf_check(f, rw->flags, write);
	if (err == 0)
		err = uio_uservec(&u, t->mm, vec, count);
	if (err < 0)
		return err;
	return write ? do_write(t, f, &u, rw) : do_read(t, f, &u, rw);
}

/* Calls with a vector count when they fail, too. */
static long rw_vec(struct task *t, int fd, uaddr_t iov, uint32_t count, const struct rw *rw,
		   bool write)
{
	if (rw->pos && *rw->pos < 0)
		return -EINVAL;
	long n = do_vec(t, fd, iov, count, rw, write);
	return write ? io_write_done(t, n) : io_read_done(t, n);
}

long sys_readv(struct task *t, int fd, uaddr_t iov, uint64_t vlen)
{
	return rw_vec(t, fd, iov, (uint32_t)vlen, &(struct rw){0}, /*write=*/false);
}

long sys_writev(struct task *t, int fd, uaddr_t iov, uint64_t vlen)
{
	return rw_vec(t, fd, iov, (uint32_t)vlen, &(struct rw){0}, /*write=*/true);
}

/* The high half matters on 32-bit machines only. */
long sys_preadv(struct task *t, int fd, uaddr_t iov, uint64_t vlen, int64_t pos,
		uint64_t pos_high __attribute__((unused)))
{
	return rw_vec(t, fd, iov, (uint32_t)vlen, &(struct rw){.pos = &pos}, /*write=*/false);
}

long sys_pwritev(struct task *t, int fd, uaddr_t iov, uint64_t vlen, int64_t pos,
		 uint64_t pos_high __attribute__((unused)))
{
	return rw_vec(t, fd, iov, (uint32_t)vlen, &(struct rw){.pos = &pos}, /*write=*/true);
}

long sys_preadv2(struct task *t, int fd, uaddr_t iov, uint64_t vlen, int64_t pos,
		 uint64_t pos_high __attribute__((unused)), int flags)
{
	const struct rw rw = {.pos = pos == -1 ? NULL : &pos, .flags = flags};
	return rw_vec(t, fd, iov, (uint32_t)vlen, &rw, /*write=*/false);
}

long sys_pwritev2(struct task *t, int fd, uaddr_t iov, uint64_t vlen, int64_t pos,
		  uint64_t pos_high __attribute__((unused)), int flags)
{
	const struct rw rw = {.pos = pos == -1 ? NULL : &pos, .flags = flags};
	return rw_vec(t, fd, iov, (uint32_t)vlen, &rw, /*write=*/true);
}

long sys_lseek(struct task *t, int fd, int64_t offset, uint32_t whence)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);

	if (err < 0)
		return err;
	if (whence > SEEK_HOLE)
		return -EINVAL;
	/* What has no offset says so itself: -ESPIPE for pipes, 0 for an eventfd. */
	lock(&f->pos_lock);
	int64_t pos = f->ops->seek(f, offset, (int)whence);
	if (pos >= 0)
		f->pos = pos;
	unlock(&f->pos_lock);
	return pos;
}
