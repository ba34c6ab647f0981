/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue: messages in order, and those who sleep.
 *
 * 1. Receivers sleep only while it is empty, senders only while it is full.
 * 2. Who is served is taken off its list with the lock held, and then has succeeded: a signal
 *    or the end of its time that comes later does not matter.
 */
#include <errno.h>

#include "platform/base/cleanup.h"
#include "sentry/ipc/mq_private.h"
#include "sentry/task/schedparam.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"

/* One who sleeps; on its own stack. */
struct mq_wait {
	struct list link;
	struct waiter *waiter;
	struct mq_msg *msg; /* a sender's; what a receiver got */
	int level;	    /* as Linux orders tasks: the lowest goes first */
	bool served;
};

static struct mq_msg *msg_of(struct heap_node *n)
{
	return container_of(n, struct mq_msg, order);
}

/* ---- messages ---- */

/* Of equal priority the older one goes first.  -ENOMEM. */
static int put_locked(struct mqueue *q, struct mq_msg *m)
{
	enum { AGE_BITS = 48 };
	m->order.key = (int64_t)(MQ_PRIO_MAX - 1 - m->prio) << AGE_BITS |
		       (int64_t)(q->next & ((1ull << AGE_BITS) - 1));
	int err = heap_add(&q->messages, &m->order);
	if (err < 0)
		return err;
	q->next++;
	q->bytes += m->size;
	return 0;
}

static struct mq_msg *take_locked(struct mqueue *q)
{
	struct mq_msg *m = msg_of(heap_first(&q->messages));
	heap_remove(&q->messages, &m->order);
	q->bytes -= m->size;
	return m;
}

static bool full_locked(const struct mqueue *q)
{
	return q->messages.count >= (uint64_t)q->maxmsg;
}

/* ---- sleeping ---- */

/* Behind all of the same level. */
static void wait_add_locked(struct list *all, struct mq_wait *w)
{
	struct mq_wait *at;
	list_for_each (at, all, link)
		if (at->level > w->level)
			break;
	list_insert(&w->link, at->link.prev, &at->link);
}

static struct mq_wait *wait_serve_locked(struct list *all)
{
	if (list_empty(all))
		return NULL;
	struct mq_wait *w = list_first(all, struct mq_wait, link);
	list_del(&w->link);
	w->served = true;
	waiter_wake(w->waiter);
	return w;
}

static bool wait_served(struct mqueue *q, const struct mq_wait *w)
{
	lock(&q->lock);
	bool served = w->served;
	unlock(&q->lock);
	return served;
}

/* -ERESTARTSYS, -ETIMEDOUT. */
static int wait_for(struct mqueue *q, struct mq_wait *w, int64_t deadline_ns)
{
	int err = 0;
	while (err == 0 && !wait_served(q, w))
		err = waiter_sleep(w->waiter, WAIT_INTR, deadline_ns);
	lock(&q->lock);
	bool served = w->served;
	list_del(&w->link);
	unlock(&q->lock);
	return served ? 0 : err;
}

static void wait_init(struct mq_wait *w, struct mq_msg *m)
{
	*w = (struct mq_wait){
		.waiter = waiter_self(), .msg = m, .level = sched_level(task_current())};
	list_init(&w->link);
}

/* ---- the calls ---- */

static bool may_wait(const struct file *f)
{
	return !(file_flags(f) & O_NONBLOCK);
}

static void touch(struct file *f)
{
	lock(&f->inode->lock);
	inode_touch_locked(f->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	unlock(&f->inode->lock);
}

/* 0: sent; 1: queued to wait. */
static int send_locked(struct mqueue *q, struct mq_wait *w, bool may, struct mq_wish *wish)
{
	if (full_locked(q)) {
		if (may)
			wait_add_locked(&q->senders, w);
		return may ? 1 : -EAGAIN;
	}
	struct mq_wait *r = wait_serve_locked(&q->receivers);
	if (r) {
		r->msg = w->msg;
		return 0;
	}
	int err = put_locked(q, w->msg);
	if (err == 0 && q->messages.count == 1)
		*wish = mq_wish_take_locked(q);
	return err;
}

int mq_send(struct file *f, struct mq_msg *m, int64_t deadline_ns)
{
	struct mqueue *q = mqueue_of(f);
	struct mq_wish wish = {.who = NULL};
	struct mq_wait w;
	wait_init(&w, m);
	lock(&q->lock);
	int ret = send_locked(q, &w, may_wait(f), &wish);
	unlock(&q->lock);
	if (ret > 0)
		return wait_for(q, &w, deadline_ns);
	if (ret == 0) {
		mq_wish_grant(&wish);
		waitq_wake(&q->wq, EPOLLIN | EPOLLRDNORM);
		touch(f);
	}
	return ret;
}

/* 0: w->msg is one; 1: queued to wait. */
static int receive_locked(struct mqueue *q, struct mq_wait *w, bool may, bool *out_room)
{
	if (q->messages.count == 0) {
		if (may)
			wait_add_locked(&q->receivers, w);
		return may ? 1 : -EAGAIN;
	}
	w->msg = take_locked(q);
	struct mq_wait *s = wait_serve_locked(&q->senders);
	*out_room = !s;
	if (s) {
		int err = put_locked(q, s->msg);
		assert(err == 0); /* one has just left its place */
	}
	return 0;
}

int mq_receive(struct file *f, int64_t deadline_ns, struct mq_msg **out)
{
	struct mqueue *q = mqueue_of(f);
	struct mq_wait w;
	bool room = false;
	wait_init(&w, NULL);
	lock(&q->lock);
	int ret = receive_locked(q, &w, may_wait(f), &room);
	unlock(&q->lock);
	if (ret > 0) {
		ret = wait_for(q, &w, deadline_ns);
	} else if (ret == 0) {
		if (room)
			waitq_wake(&q->wq, EPOLLOUT | EPOLLWRNORM);
		touch(f);
	}
	*out = ret == 0 ? w.msg : NULL;
	return ret;
}

size_t mq_message_size(const struct file *f)
{
	return (size_t)mqueue_of(f)->msgsize;
}

void mq_getsetattr(struct file *f, int64_t flags, struct abi_mq_attr *out_old)
{
	struct mqueue *q = mqueue_of(f);
	uint32_t old =
		flags < 0 ? file_flags(f)
		: flags	  ? __atomic_fetch_or(&f->flags, O_NONBLOCK, __ATOMIC_RELAXED)
			  : __atomic_fetch_and(&f->flags, ~(uint32_t)O_NONBLOCK, __ATOMIC_RELAXED);
	lock(&q->lock);
	*out_old = (struct abi_mq_attr){
		.flags = old & O_NONBLOCK,
		.maxmsg = q->maxmsg,
		.msgsize = q->msgsize,
		.curmsgs = (int64_t)q->messages.count,
	};
	unlock(&q->lock);
}
