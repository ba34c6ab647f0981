/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a queue, and what it may be: the namespace's limits, then the user's, then ours. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/mq_private.h"

/* Linux' struct msg_msg and struct posix_msg_tree_node, which it counts for each message. */
enum { HEADER_COST = 48, NODE_COST = 48 };
/* About what a queue costs us, with its inode and name. */
enum { QUEUE_MEMORY = 2048 };

static int limits_check(const struct ipc_ns *n, const struct cred *c, const struct abi_mq_attr *a)
{
	bool able = cred_capable(c, CAP_SYS_RESOURCE);
	int64_t maxmsg = able ? MQ_MAXMSG_HARD : ipc_limit(n, mq_msg_max);
	int64_t msgsize = able ? MQ_MSGSIZE_HARD : ipc_limit(n, mq_msgsize_max);
	return a->maxmsg <= 0 || a->msgsize <= 0 || a->maxmsg > maxmsg || a->msgsize > msgsize
		       ? -EINVAL
		       : 0;
}

/* A place among the namespace's queues, and its sizes.  -EACCES: it has ended. */
static int place_take(struct mq_fs *of, const struct cred *c, const struct abi_mq_attr *attr,
		      struct mqueue *q)
{
	struct abi_mq_attr a;
	int err = 0;
	lock(&of->lock);
	const struct ipc_ns *n = of->ns;
	if (!n)
		err = -EACCES;
	else if (of->queues >= (unsigned)ipc_limit(n, mq_queues_max) &&
		 !cred_capable(c, CAP_SYS_RESOURCE))
		err = -ENOSPC;
	if (err == 0 && !attr) {
		a.maxmsg = (int64_t)min_u64((uint64_t)ipc_limit(n, mq_msg_max),
					    (uint64_t)ipc_limit(n, mq_msg_default));
		a.msgsize = (int64_t)min_u64((uint64_t)ipc_limit(n, mq_msgsize_max),
					     (uint64_t)ipc_limit(n, mq_msgsize_default));
		attr = &a;
	}
	if (err == 0)
		err = limits_check(n, c, attr);
	if (err == 0) {
		of->queues++;
		q->maxmsg = attr->maxmsg;
		q->msgsize = attr->msgsize;
	}
	unlock(&of->lock);
	return err;
}

static void place_give(struct mq_fs *of)
{
	lock(&of->lock);
	of->queues--;
	unlock(&of->lock);
}

/* Nobody makes a queue without being a task, but for one who sets a container up. */
static uint64_t caller_limit(void)
{
	struct task *t = task_current();
	return t ? task_rlimit(t, RLIMIT_MSGQUEUE) : UINT64_MAX;
}

int mqueue_new(struct mq_fs *of, const struct cred *c, const struct abi_mq_attr *attr,
	       struct mqueue **out)
{
	struct mqueue *q = calloc(1, sizeof *q);
	if (!q)
		return -ENOMEM;
	int err = place_take(of, c, attr, q);
	if (err < 0)
		goto undo_alloc;
	q->cost = (uint64_t)q->maxmsg * (uint64_t)q->msgsize + (uint64_t)q->maxmsg * HEADER_COST +
		  min_u64((uint64_t)q->maxmsg, MQ_PRIO_MAX) * NODE_COST;
	q->payer = c->ruid;
	err = mq_charge(q->payer, q->cost, caller_limit());
	if (err < 0)
		goto undo_place;
	err = mq_memory_take(QUEUE_MEMORY);
	if (err < 0)
		goto undo_charge;
	q->of = of;
	lock_init(&q->lock, RANK_PIPE);
	list_init(&q->senders);
	list_init(&q->receivers);
	waitq_init(&q->wq);
	*out = q;
	return 0;

undo_charge:
	mq_uncharge(q->payer, q->cost);
undo_place:
	place_give(of);
undo_alloc:
	free(q);
	return err;
}

void mqueue_free(struct mqueue *q)
{
	struct heap_node *n;
	while ((n = heap_first(&q->messages))) {
		heap_remove(&q->messages, n);
		mq_msg_free(container_of(n, struct mq_msg, order));
	}
	heap_free(&q->messages);
	if (q->wish.who)
		group_put(q->wish.who);
	waitq_destroy(&q->wq);
	place_give(q->of);
	mq_uncharge(q->payer, q->cost);
	mq_memory_give(QUEUE_MEMORY);
	free(q);
}
