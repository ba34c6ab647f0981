/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/ipc/msg.h"

#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/task/pidns.h"
#include "syscalls/abi/errno.h"

struct lock msgids_lock = LOCK_INIT(RANK_PIPE);

struct queue {
	struct ipc_perm perm;	     /* msgids_lock */
	struct ref ref;		     /* a */
	bool removed;		     /* msgids_lock */
	struct list messages;	     /* msgids_lock: struct msg, in order of arrival */
	uint64_t bytes, count, room; /* msgids_lock: room: bytes at most, and messages */
	int64_t stime, rtime, ctime; /* msgids_lock */
	int lspid, lrpid;	     /* msgids_lock */
	struct waitq senders, receivers;
};

static struct queue *queue_of(struct ipc_perm *p)
{
	return container_of(p, struct queue, perm);
}

static void queue_put(struct queue *q)
{
	struct msg *m, *next;
	if (!ref_put(&q->ref))
		return;
	list_for_each_safe (m, next, &q->messages, link)
		free(m);
	waitq_destroy(&q->senders);
	waitq_destroy(&q->receivers);
	free(q);
}

static int queue_make(struct task *t, const void *arg, struct ipc_perm **out)
{
	struct queue *q = calloc(1, sizeof *q);
	(void)arg;
	if (!q)
		return -ENOMEM;
	ref_init(&q->ref);
	list_init(&q->messages);
	waitq_init(&q->senders);
	waitq_init(&q->receivers);
	q->room = (uint64_t)ipc_limit(task_ipc(t), msgmnb);
	q->ctime = ipc_now();
	*out = &q->perm;
	return 0;
}

static void queue_unmake(struct ipc_perm *p)
{
	queue_put(queue_of(p));
}

static int queue_fits(const struct ipc_perm *p, const void *arg)
{
	(void)p;
	(void)arg;
	return 0;
}

int msgq_get(struct task *t, int32_t key, uint32_t flags)
{
	static const struct ipc_maker maker = {queue_make, queue_unmake, queue_fits, NULL};
	return ipc_get(&task_ipc(t)->msg, &msgids_lock, &maker, t, key, flags, NULL);
}

/* Referenced. */
static struct queue *queue_find(const struct task *t, int id)
{
	lock(&msgids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->msg, id);
	struct queue *q = p ? queue_of(p) : NULL;
	if (q)
		ref_get(&q->ref);
	unlock(&msgids_lock);
	return q;
}

/* ---- sending ---- */

struct transfer {
	struct task *t;
	struct queue *q;
	struct msg *m; /* to send; or what was received */
	size_t size;   /* receivers': room */
	int64_t type;
	uint32_t flags;
};

/* 1: there is no room yet. */
static int send_locked(struct transfer *x)
{
	struct queue *q = x->q;
	if (q->removed)
		return -EIDRM;
	int err = ipc_permission(x->t, &q->perm, 0222);
	if (err < 0)
		return err;
	if (x->m->size + q->bytes > q->room || q->count + 1 > q->room)
		return x->flags & IPC_NOWAIT ? -EAGAIN : 1;
	list_append(&q->messages, &x->m->link);
	q->bytes += x->m->size;
	q->count++;
	q->stime = ipc_now();
	q->lspid = x->t->group->tgid;
	return 0;
}

static int send_try(struct transfer *x)
{
	lock(&msgids_lock);
	int ret = send_locked(x);
	unlock(&msgids_lock);
	if (ret == 0)
		waitq_wake(&x->q->receivers, 0);
	return ret;
}

int msgq_send(struct task *t, int id, struct msg *m, uint32_t flags)
{
	struct transfer x = {.t = t, .q = queue_find(t, id), .m = m, .flags = flags};
	int ret;
	if (!x.q)
		return -EINVAL;
	int err = waitq_sleep(&x.q->senders, 0, WAIT_INTR, WAIT_FOREVER, (ret = send_try(&x)) <= 0);
	queue_put(x.q);
	return ret <= 0 ? ret : err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

/* ---- receiving ---- */

static bool type_fits(const struct transfer *x, int64_t type)
{
	if (x->type == 0)
		return true;
	if (x->type < 0)
		return type <= (x->type == INT64_MIN ? INT64_MAX : -x->type);
	return (type == x->type) != !!(x->flags & MSG_EXCEPT);
}

/* The first that fits; of those up to a type, the first of the lowest. */
static struct msg *choose_locked(const struct transfer *x)
{
	struct msg *m, *best = NULL;
	int64_t index = 0;
	list_for_each (m, &x->q->messages, link) {
		if (x->flags & MSG_COPY) {
			if (index++ == x->type)
				return m;
			continue;
		}
		if (!type_fits(x, m->type) || (best && m->type >= best->type))
			continue;
		best = m;
		if (x->type >= 0)
			break;
	}
	return best;
}

static int copy_of(const struct msg *m, struct msg **out)
{
	struct msg *copy = malloc(sizeof *copy + m->size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, m, sizeof *copy + m->size);
	*out = copy;
	return 0;
}

/* 1: there is none yet. */
static int receive_locked(struct transfer *x)
{
	struct queue *q = x->q;
	if (q->removed)
		return -EIDRM;
	int err = ipc_permission(x->t, &q->perm, 0444);
	if (err < 0)
		return err;
	struct msg *m = choose_locked(x);
	if (!m)
		return x->flags & IPC_NOWAIT ? -ENOMSG : 1;
	if (m->size > x->size && !(x->flags & MSG_NOERROR))
		return -E2BIG;
	if (x->flags & MSG_COPY)
		return copy_of(m, &x->m);
	list_del(&m->link);
	q->bytes -= m->size;
	q->count--;
	q->rtime = ipc_now();
	q->lrpid = x->t->group->tgid;
	x->m = m;
	return 0;
}

static int receive_try(struct transfer *x)
{
	lock(&msgids_lock);
	int ret = receive_locked(x);
	unlock(&msgids_lock);
	if (ret == 0)
		waitq_wake(&x->q->senders, 0);
	return ret;
}

int msgq_receive(struct task *t, int id, size_t size, int64_t type, uint32_t flags,
		 struct msg **out)
{
	struct transfer x = {.t = t, .size = size, .type = type, .flags = flags};
	int ret;
	if (!(x.q = queue_find(t, id)))
		return -EINVAL;
	int err = waitq_sleep(&x.q->receivers, 0, WAIT_INTR, WAIT_FOREVER,
			      (ret = receive_try(&x)) <= 0);
	queue_put(x.q);
	*out = x.m;
	return ret <= 0 ? ret : err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

/* ---- looking and setting ---- */

static void stat_locked(const struct queue *q, struct abi_msqid_ds *out)
{
	*out = (struct abi_msqid_ds){
		.stime = q->stime,
		.rtime = q->rtime,
		.ctime = q->ctime,
		.cbytes = q->bytes,
		.qnum = q->count,
		.qbytes = q->room,
		.lspid = pid_here(q->lspid),
		.lrpid = pid_here(q->lrpid),
	};
	ipc_stat(&q->perm, &out->perm);
}

int msgq_stat(struct task *t, int id, int cmd, struct abi_msqid_ds *out)
{
	lock(&msgids_lock);
	const struct ipc_ids *ids = &task_ipc(t)->msg;
	struct ipc_perm *p = cmd == IPC_STAT ? ipc_find_locked(ids, id) : ipc_at_locked(ids, id);
	int ret = p ? 0 : -EINVAL;
	if (p && cmd != MSG_STAT_ANY)
		ret = ipc_permission(t, p, 0444);
	if (ret == 0) {
		stat_locked(queue_of(p), out);
		ret = cmd == IPC_STAT ? 0 : p->id;
	}
	unlock(&msgids_lock);
	return ret;
}

/* Those who sleep look again: at their rights, and at the room. */
int msgq_set(struct task *t, int id, const struct abi_msqid_ds *in)
{
	struct queue *q = queue_find(t, id);
	if (!q)
		return -EINVAL;
	lock(&msgids_lock);
	int err = q->removed ? -EINVAL : ipc_owner(t, &q->perm);
	if (err == 0 && in->qbytes > (uint64_t)ipc_limit(task_ipc(t), msgmnb) &&
	    !task_capable(t, CAP_SYS_RESOURCE))
		err = -EPERM;
	if (err == 0 && (err = ipc_set(&q->perm, &in->perm)) == 0) {
		q->room = in->qbytes;
		q->ctime = ipc_now();
	}
	unlock(&msgids_lock);
	waitq_wake(&q->receivers, 0);
	waitq_wake(&q->senders, 0);
	queue_put(q);
	return err;
}

/* It is in no table any more: those who sleep are told. */
static void queue_gone(struct queue *q)
{
	waitq_wake(&q->receivers, 0);
	waitq_wake(&q->senders, 0);
	queue_put(q); /* the table's */
}

int msgq_remove(struct task *t, int id)
{
	struct queue *q = queue_find(t, id);
	if (!q)
		return -EINVAL;
	lock(&msgids_lock);
	int err = q->removed ? -EINVAL : ipc_owner(t, &q->perm);
	if (err == 0) {
		q->removed = true;
		ipc_remove_locked(&q->perm);
	}
	unlock(&msgids_lock);
	if (err == 0)
		queue_gone(q);
	queue_put(q);
	return err;
}

int msgq_usage(const struct ipc_ns *n, unsigned *out_queues, uint64_t *out_messages,
	       uint64_t *out_bytes)
{
	*out_messages = *out_bytes = 0;
	lock(&msgids_lock);
	for (unsigned i = 0; i < n->msg.room; i++) {
		struct ipc_perm *p = n->msg.slot[i];
		*out_messages += p ? queue_of(p)->count : 0;
		*out_bytes += p ? queue_of(p)->bytes : 0;
	}
	*out_queues = n->msg.used;
	int top = ipc_top_locked(&n->msg);
	unlock(&msgids_lock);
	return top;
}

bool msgq_next(const struct ipc_ns *n, int *index, int *out_id, struct abi_msqid_ds *out)
{
	bool found = false;
	lock(&msgids_lock);
	while (*index < (int)n->msg.room && !found) {
		struct ipc_perm *p = ipc_at_locked(&n->msg, (*index)++);
		if (!p)
			continue;
		*out_id = p->id;
		stat_locked(queue_of(p), out);
		found = true;
	}
	unlock(&msgids_lock);
	return found;
}

static void queue_destroy(struct ipc_perm *p)
{
	struct queue *q = queue_of(p);
	lock(&msgids_lock);
	q->removed = true;
	ipc_remove_locked(p);
	unlock(&msgids_lock);
	queue_gone(q);
}

void msgq_clear(struct ipc_ns *n)
{
	ipc_clear(&n->msg, queue_destroy);
}
