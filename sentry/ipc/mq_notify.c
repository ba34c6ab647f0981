/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mq_notify(2): one process is told once when a message comes to the empty queue and nobody
 * sleeps for it.  Its request goes when it is granted, taken back, or when the process closes
 * any of its descriptors of the queue.
 */
#include <errno.h>
#include <stdio.h>

#include "platform/base/cleanup.h"
#include "sentry/ipc/mq_private.h"
#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"

struct mq_wish mq_wish_take_locked(struct mqueue *q)
{
	struct mq_wish w = q->wish;
	q->wish = (struct mq_wish){.who = NULL};
	return w;
}

static struct abi_siginfo info_locked(const struct mq_wish *w)
{
	const struct task *t = task_current();
	return (struct abi_siginfo){
		.signo = w->signo,
		.code = SI_MESGQ,
		.rt = {.pid = pid_in_locked(w->who->pid_ns, t->group->tgid),
		       .uid = group_uid_seen_locked(w->who, task_cred_self(t)->ruid),
		       .value = {.sival_ptr = w->value}},
	};
}

/* By no right of the sender's: the receiver has asked for it. */
void mq_wish_grant(struct mq_wish *w)
{
	if (!w->who)
		return;
	if (w->how == SIGEV_SIGNAL && w->signo &&
	    __atomic_load_n(&w->who->execs, __ATOMIC_RELAXED) == w->execs) {
		lock(&kernel.tasks_lock);
		const struct abi_siginfo info = info_locked(w);
		signal_send_group_locked(w->who, &info);
		unlock(&kernel.tasks_lock);
	}
	group_put(STEAL(w->who));
}

void mq_wish_drop(struct mqueue *q, const struct group *g)
{
	struct mq_wish w = {.who = NULL};
	lock(&q->lock);
	if (q->wish.who == g)
		w = mq_wish_take_locked(q);
	unlock(&q->lock);
	if (w.who)
		group_put(w.who);
}

int mq_notify(struct task *t, struct file *f, const struct abi_sigevent *ev)
{
	struct mqueue *q = mqueue_of(f);
	int err = 0;
	if (!ev) {
		mq_wish_drop(q, t->group);
		return 0;
	}
	lock(&q->lock);
	if (q->wish.who)
		err = -EBUSY;
	else
		q->wish = (struct mq_wish){
			.who = group_get(t->group),
			.how = ev->notify,
			.signo = ev->notify == SIGEV_SIGNAL ? ev->signo : 0,
			.value = ev->value.sival_ptr,
			.execs = __atomic_load_n(&t->group->execs, __ATOMIC_RELAXED),
		};
	unlock(&q->lock);
	return err;
}

int mq_status(struct mqueue *q, char *buf, size_t size)
{
	lock(&q->lock);
	unsigned long long bytes = q->bytes;
	const struct mq_wish w = q->wish;
	int id = w.who ? w.who->tgid : 0;
	unlock(&q->lock);
	return snprintf(buf, size, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
			id ? w.how : 0, id ? w.signo : 0, id ? pid_here(id) : 0);
}
