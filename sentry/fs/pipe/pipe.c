/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes as files: ends, blocking rules, poll, sizes. */
#include "sentry/fs/pipe/pipe.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/cred/cred.h"
#include "sentry/fs/pipe/fifo.h"
#include "sentry/fs/pipe/private.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"

struct pipe *pipe_attach(struct inode *i)
{
	lock(&i->lock);
	struct pipe *p = i->bound;
	if (!p) {
		p = calloc(1, sizeof *p);
		if (p && ring_init(p, PIPE_DEFAULT_SLOTS) < 0) {
			free(p);
			p = NULL;
		}
		if (p) {
			p->inode = i;
			lock_init(&p->lock, RANK_PIPE);
			waitq_init(&p->wq);
			i->bound = p;
		}
	}
	if (p)
		p->files++;
	unlock(&i->lock);
	return p;
}

void pipe_detach(struct inode *i)
{
	struct pipe *dead = NULL;
	lock(&i->lock);
	struct pipe *p = i->bound;
	if (--p->files == 0) {
		dead = p;
		i->bound = NULL;
	}
	unlock(&i->lock);
	if (!dead)
		return;
	ring_free(dead);
	waitq_destroy(&dead->wq);
	free(dead);
}

void pipe_wake_readers(struct pipe *p)
{
	waitq_wake(&p->wq, EPOLLIN | EPOLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
	waitq_wake(&p->wq, EPOLLOUT | EPOLLWRNORM);
}

void pipe_add_ends(struct pipe *p, bool reads, bool writes)
{
	lock(&p->lock);
	p->readers += reads;
	p->r_opens += reads;
	p->writers += writes;
	p->w_opens += writes;
	unlock(&p->lock);
	/* An open of the other end may wait for this one. */
	waitq_wake(&p->wq, EPOLLIN | EPOLLOUT);
}

void pipe_drop_ends(struct pipe *p, bool reads, bool writes)
{
	lock(&p->lock);
	p->readers -= reads;
	p->writers -= writes;
	bool last = (reads && p->readers == 0) || (writes && p->writers == 0);
	unlock(&p->lock);
	if (last)
		waitq_wake(&p->wq,
			   EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP);
}

static ssize_t pipe_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct pipe *p = f->priv;
	(void)pos;
	if (u->left == 0)
		return 0;
	lock(&p->lock);
	bool was_full = ring_room(p) == 0;
	ssize_t n = ring_read(p, u);
	if (n == 0 && p->count == 0 && p->writers > 0)
		n = -EAGAIN;
	bool room = was_full && ring_room(p) > 0;
	unlock(&p->lock);
	if (room)
		pipe_wake_writers(p);
	return n;
}

static ssize_t pipe_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct pipe *p = f->priv;
	(void)pos;
	if (u->left == 0)
		return 0;
	lock(&p->lock);
	ssize_t n = p->readers > 0 ? ring_write(p, u, file_flags(f) & O_DIRECT) : -EPIPE;
	unlock(&p->lock);
	if (n > 0)
		pipe_wake_readers(p);
	return n;
}

static uint32_t pipe_poll(struct file *f)
{
	struct pipe *p = f->priv;
	uint32_t mask = 0;
	lock(&p->lock);
	if (f->readable) {
		if (p->count > 0)
			mask |= EPOLLIN | EPOLLRDNORM;
		/* Not before there has been a writer since this end was opened. */
		if (p->writers == 0 && f->dir_cookie != p->w_opens)
			mask |= EPOLLHUP;
	}
	if (f->writable) {
		if (ring_room(p) > 0)
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (p->readers == 0)
			mask |= EPOLLERR;
	}
	unlock(&p->lock);
	return mask;
}

static int64_t pipe_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct pipe *p = f->priv;
	if (a->cmd != FIONREAD)
		return -ENOTTY;
	lock(&p->lock);
	int32_t n = (int32_t)ring_bytes(p);
	unlock(&p->lock);
	return copy_out(a->mm, a->arg, &n, sizeof n);
}

static void pipe_release(struct file *f)
{
	pipe_drop_ends(f->priv, f->readable, f->writable);
	pipe_detach(f->inode);
}

const struct file_ops pipe_file_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.seek = file_noseek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = pipe_release,
};

const struct inode_ops pipe_inode_ops = {
	INODE_NO_NAMES,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_generic_setattr,
	.getattr = inode_getattr,
	.open = fifo_open,
	INODE_NO_XATTRS,
	.evict = inode_noevict,
};

/* One end of a nameless pipe; on failure nothing is left of it. */
static int end_new(struct inode *i, const struct cred *cred, uint32_t flags, struct file **out)
{
	bool writes = flags & O_WRONLY;
	struct pipe *p = pipe_attach(i);
	if (!p)
		return -ENOMEM;
	pipe_add_ends(p, !writes, writes);
	int err = file_new(&pipe_file_ops, FILE_PIPE, p, (struct path){NULL, NULL}, inode_get(i),
			   cred, flags, out);
	if (err < 0) {
		pipe_drop_ends(p, !writes, writes);
		pipe_detach(i);
		return err;
	}
	(*out)->wq = &p->wq;
	return 0;
}

int pipe_new(const struct cred *cred, uint32_t flags, struct file **out_read,
	     struct file **out_write)
{
	autoput(inode) struct inode *i = NULL;
	autoput(file) struct file *r = NULL;
	int err = inode_new_anon(&pipe_inode_ops, S_IFIFO | 0600, "pipe:", NULL, &i);
	if (err < 0)
		return err;
	i->uid = cred->fsuid;
	i->gid = cred->fsgid;
	err = end_new(i, cred, O_RDONLY | (flags & O_NONBLOCK), &r);
	if (err == 0)
		err = end_new(i, cred, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), out_write);
	if (err == 0)
		*out_read = STEAL(r);
	return err;
}

struct pipe *pipe_of(const struct file *f)
{
	return f->ops == &pipe_file_ops ? f->priv : NULL;
}

long pipe_get_size(const struct file *f)
{
	struct pipe *p = pipe_of(f);
	if (!p)
		return -EBADF;
	lock(&p->lock);
	long size = (long)(p->slots * PAGE_SIZE);
	unlock(&p->lock);
	return size;
}

static uint32_t max_size = PIPE_MAX_SIZE; /* atomic */

/* A power of two, in pages, for `size` bytes; 0: no pipe is that big. */
static unsigned slots_for(uint64_t size)
{
	unsigned slots = 1;
	if (size > 1u << 31)
		return 0;
	while (slots * PAGE_SIZE < size)
		slots *= 2;
	return slots;
}

uint32_t pipe_max_size(void)
{
	return __atomic_load_n(&max_size, __ATOMIC_RELAXED);
}

int pipe_max_size_set(uint64_t size)
{
	unsigned slots = slots_for(size);
	if (!slots)
		return -EINVAL;
	__atomic_store_n(&max_size, (uint32_t)(slots * PAGE_SIZE), __ATOMIC_RELAXED);
	return 0;
}

long pipe_set_size(struct file *f, uint64_t size, const struct cred *cred)
{
	struct pipe *p = pipe_of(f);
	unsigned slots = slots_for(size);
	if (!p)
		return -EBADF;
	if (!slots)
		return -EINVAL;
	lock(&p->lock);
	int err = 0;
	if (slots > p->slots && size > pipe_max_size() && !cred_capable(cred, CAP_SYS_RESOURCE))
		err = -EPERM;
	if (err == 0)
		err = ring_resize(p, slots);
	unlock(&p->lock);
	if (err < 0)
		return err;
	pipe_wake_writers(p);
	return (long)(slots * PAGE_SIZE);
}
