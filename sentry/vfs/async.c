/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/vfs/async.h"

#include <stdlib.h>

#include "sentry/sync/timer.h"
#include "syscalls/abi/errno.h"

struct file_async {
	struct wait_entry entry;
	struct ktimer timer;
	struct file *f;	    /* I  not a reference: the file stops this before it goes */
	async_send_fn send; /* I */
	int fd;		    /* I */
	uint32_t events;    /* a  noted since the last call of send */
};

static void async_fire(struct ktimer *timer)
{
	struct file_async *a = container_of(timer, struct file_async, timer);
	uint32_t events = __atomic_exchange_n(&a->events, 0, __ATOMIC_ACQ_REL);

	if (events)
		a->send(a->f, a->fd, events);
}

static bool async_wake(struct wait_entry *e, uint32_t events)
{
	struct file_async *a = container_of(e, struct file_async, entry);

	__atomic_fetch_or(&a->events, events, __ATOMIC_ACQ_REL);
	/* Without memory for the heap this signal is lost, as any may be that is sent twice. */
	(void)ktimer_arm(&a->timer, 0);
	return true;
}

int file_async_start(struct file *f, int fd, async_send_fn send)
{
	struct file_async *a = calloc(1, sizeof *a);

	if (!a)
		return -ENOMEM;
	*a = (struct file_async){.f = f, .send = send, .fd = fd};
	a->entry.wake = async_wake;
	list_init(&a->entry.link);
	ktimer_init(&a->timer, async_fire);
	lock(&f->pos_lock);
	if (!f->async) {
		f->async = a;
		waitq_add(f->wq, &a->entry);
		a = NULL;
	}
	unlock(&f->pos_lock);
	free(a);
	return 0;
}

void file_async_stop(struct file *f)
{
	lock(&f->pos_lock);
	struct file_async *a = STEAL(f->async);
	if (a)
		waitq_remove(&a->entry);
	unlock(&f->pos_lock);
	if (!a)
		return;
	ktimer_cancel_sync(&a->timer);
	free(a);
}
