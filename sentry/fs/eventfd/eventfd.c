/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/eventfd/eventfd.h"

#include <errno.h>
#include <stdlib.h>

#include "syscalls/abi/epoll.h"
#include "syscalls/abi/eventfd.h"
#include "syscalls/abi/fcntl.h"

/* A write never takes the counter there; eventfd_signal may, and poll says EPOLLERR then. */
#define COUNT_OVERFLOW UINT64_MAX
#define COUNT_MAX      (UINT64_MAX - 1)

struct eventfd {
	struct lock lock; /* RANK_PIPE */
	uint64_t count;	  /* lock */
	bool semaphore;	  /* I */
	struct waitq wq;
};

static ssize_t eventfd_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value = 0;

	(void)pos;
	if (u->left < sizeof value)
		return -EINVAL;
	lock(&e->lock);
	if (e->count > 0) {
		value = e->semaphore ? 1 : e->count;
		e->count -= value;
	}
	unlock(&e->lock);
	if (value == 0)
		return -EAGAIN;
	waitq_wake(&e->wq, EPOLLOUT | EPOLLWRNORM);
	/* The count is gone even if its place is bad, as in Linux. */
	ssize_t n = uio_put(u, &value, sizeof value);
	return n < 0 ? n : n == sizeof value ? n : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;

	(void)pos;
	if (u->left < sizeof value)
		return -EINVAL;
	ssize_t n = uio_get(u, &value, sizeof value);
	if (n != (ssize_t)sizeof value)
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	lock(&e->lock);
	bool fits = value <= COUNT_MAX - e->count && e->count <= COUNT_MAX;
	if (fits)
		e->count += value;
	unlock(&e->lock);
	if (!fits) {
		uio_revert(u, sizeof value);
		return -EAGAIN;
	}
	waitq_wake(&e->wq, EPOLLIN | EPOLLRDNORM);
	return n;
}

static uint32_t eventfd_poll(struct file *f)
{
	uint64_t count = eventfd_count(f);
	uint32_t mask = 0;
	if (count > 0)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (count == COUNT_OVERFLOW)
		mask |= EPOLLERR;
	if (count < COUNT_MAX)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static void eventfd_release(struct file *f)
{
	struct eventfd *e = f->priv;
	waitq_destroy(&e->wq);
	free(e);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.seek = file_noopseek,
	.poll = eventfd_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = eventfd_release,
};

int eventfd_new(const struct cred *cred, uint32_t count, uint32_t flags, struct file **out)
{
	struct eventfd *e = calloc(1, sizeof *e);
	if (!e)
		return -ENOMEM;
	lock_init(&e->lock, RANK_PIPE);
	waitq_init(&e->wq);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	int err = file_new_anon(&eventfd_ops, FILE_EVENTFD, e, "[eventfd]", cred,
				O_RDWR | (flags & O_NONBLOCK), out);
	if (err < 0) {
		free(e);
		return err;
	}
	(*out)->wq = &e->wq;
	return 0;
}

void eventfd_signal(struct file *f, uint64_t n)
{
	struct eventfd *e = f->priv;
	lock(&e->lock);
	e->count = n > COUNT_OVERFLOW - e->count ? COUNT_OVERFLOW : e->count + n;
	unlock(&e->lock);
	waitq_wake(&e->wq, EPOLLIN | EPOLLRDNORM);
}

uint64_t eventfd_count(struct file *f)
{
	struct eventfd *e = f->priv;
	lock(&e->lock);
	uint64_t count = e->count;
	unlock(&e->lock);
	return count;
}
