/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/epoll/epoll.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/epoll/private.h"
#include "syscalls/abi/fcntl.h"

/* The last reference of a watched file is gone. */
static void epoll_file_gone(struct file *f)
{
	/*
	 * Nobody can add an item to it any more: adding takes a reference.  An empty list says
	 * nothing without the lock: whoever takes the last item out may still be at it.
	 */
	if (!__atomic_load_n(&f->watched, __ATOMIC_RELAXED))
		return;
	lock(&epoll_interest);
	while (!list_empty(&f->epolls))
		item_remove(list_first(&f->epolls, struct epitem, of_file));
	unlock(&epoll_interest);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;
	lock(&epoll_interest);
	while (!list_empty(&ep->items))
		item_remove(list_first(&ep->items, struct epitem, all));
	unlock(&epoll_interest);
	waitq_destroy(&ep->sleepers);
	waitq_destroy(&ep->wq);
	free(ep->table);
	free(ep);
}

static const struct file_ops epoll_ops = {
	.read = file_noread,
	.write = file_nowrite,
	.seek = file_noopseek,
	.poll = epoll_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = epoll_release,
};

int epoll_new(const struct cred *cred, struct file **out)
{
	struct epoll *ep = calloc(1, sizeof *ep);
	if (!ep)
		return -ENOMEM;
	file_set_epoll_hook(epoll_file_gone); /* the first time it matters */
	lock_init(&ep->lock, RANK_EPOLL_READY);
	list_init(&ep->ready);
	list_init(&ep->items);
	waitq_init(&ep->sleepers);
	waitq_init(&ep->wq);
	int err = file_new_anon(&epoll_ops, FILE_EPOLL, ep, "[eventpoll]", cred, O_RDWR, out);
	if (err < 0) {
		free(ep);
		return err;
	}
	ep->file = *out;
	(*out)->wq = &ep->wq;
	return 0;
}

/* It may have had events before it was watched, or before the mask named them. */
static void ask(struct epitem *it)
{
	lock(&it->ep->lock);
	uint32_t want = it->events & ~epoll_flag_bits;
	unlock(&it->ep->lock);
	if (file_poll(it->file) & want)
		item_ready(it);
}

static struct epitem *item_new(struct epoll *ep, struct file *f, int fd,
			       const struct abi_epoll_event *ev)
{
	struct epitem *it = calloc(1, sizeof *it);
	if (!it)
		return NULL;
	ref_init(&it->ref);
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->events = ev->events | EPOLLERR | EPOLLHUP;
	it->data = ev->data;
	it->armed = true;
	list_init(&it->ready);
	it->entry = (struct wait_entry){
		.wake = item_woken, .arg = it, .exclusive = ev->events & EPOLLEXCLUSIVE};
	list_init(&it->entry.link);
	return it;
}

/* On success *out is the item, referenced. */
static int item_add(struct epoll *ep, struct file *f, int fd, const struct abi_epoll_event *ev,
		    struct epitem **out)
{
	int err = 0;
	struct epitem *it = item_new(ep, f, fd, ev);
	if (!it)
		return -ENOMEM;
	lock(&epoll_interest);
	if (item_find(ep, f, fd))
		err = -EEXIST;
	else if (f->kind == FILE_EPOLL && epoll_would_loop(ep, f->priv))
		err = -ELOOP;
	else
		err = item_insert(ep, it);
	if (err == 0) {
		ref_get(&it->ref);
		*out = it;
	}
	unlock(&epoll_interest);
	if (err < 0)
		item_put(it);
	return err;
}

static int item_modify(struct epoll *ep, struct file *f, int fd, const struct abi_epoll_event *ev,
		       struct epitem **out)
{
	int err = 0;
	lock(&epoll_interest);
	struct epitem *it = item_find(ep, f, fd);
	if (!it)
		err = -ENOENT;
	else if (it->entry.exclusive)
		err = -EINVAL;
	if (err == 0) {
		lock(&ep->lock);
		it->events = ev->events | EPOLLERR | EPOLLHUP;
		it->data = ev->data;
		it->armed = true;
		unlock(&ep->lock);
		ref_get(&it->ref);
		*out = it;
	}
	unlock(&epoll_interest);
	return err;
}

static int item_delete(struct epoll *ep, struct file *f, int fd)
{
	lock(&epoll_interest);
	struct epitem *it = item_find(ep, f, fd);
	if (it)
		item_remove(it);
	unlock(&epoll_interest);
	return it ? 0 : -ENOENT;
}

/* EPOLLEXCLUSIVE is for adding plain files, with few flags: epoll_ctl(2). */
static bool exclusive_valid(int op, const struct file *target, uint32_t events)
{
	const uint32_t with =
		EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
	return op == EPOLL_CTL_ADD && target->kind != FILE_EPOLL && !(events & ~with);
}

int epoll_ctl_file(struct file *f, int op, struct file *target, int fd,
		   const struct abi_epoll_event *ev)
{
	struct epitem *it = NULL;
	int err;

	/* What has no wait queue is always ready: regular files, directories. */
	if (!target->wq)
		return -EPERM;
	if (f == target || f->kind != FILE_EPOLL)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) &&
	    !exclusive_valid(op, target, ev->events))
		return -EINVAL;
	switch (op) {
	case EPOLL_CTL_ADD:
		err = item_add(f->priv, target, fd, ev, &it);
		break;
	case EPOLL_CTL_MOD:
		err = item_modify(f->priv, target, fd, ev, &it);
		break;
	case EPOLL_CTL_DEL:
		return item_delete(f->priv, target, fd);
	default:
		return -EINVAL;
	}
	if (it) {
		ask(it);
		item_put(it);
	}
	return err;
}

void epoll_for_each(struct file *f,
		    void (*fn)(int fd, struct file *target, const struct abi_epoll_event *ev,
			       void *arg),
		    void *arg)
{
	struct epoll *ep = f->priv;
	struct epitem *it;
	lock(&epoll_interest);
	list_for_each (it, &ep->items, all) {
		struct abi_epoll_event ev = {.events = it->events, .data = it->data};
		fn(it->fd, it->file, &ev, arg);
	}
	unlock(&epoll_interest);
}
