/* SPDX-License-Identifier: Apache-2.0 */
/* semop(2): operations on a set, as one step. */
#include <errno.h>

#include "sentry/ipc/private.h"

static int op_apply(struct sem *sem, const struct abi_sembuf *op)
{
	int value = sem->value + op->op;
	if ((op->op == 0 && sem->value) || value < 0)
		return op->flg & IPC_NOWAIT ? -EAGAIN : 1;
	if (value > SEMVMX)
		return -ERANGE;
	sem->value = (uint16_t)value;
	return 0;
}

static int undo_apply(struct sem_undo *u, const struct abi_sembuf *op)
{
	if (!u || !(op->flg & SEM_UNDO))
		return 0;
	int adjust = u->adjust[op->num] - op->op;
	if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
		return -ERANGE;
	u->adjust[op->num] = (int16_t)adjust;
	return 0;
}

/* Puts the first n operations back. */
static void ops_revert(struct sem_set *s, const struct sem_wait *w, size_t n)
{
	while (n-- > 0) {
		const struct abi_sembuf *op = &w->ops[n];
		s->sems[op->num].value = (uint16_t)(s->sems[op->num].value - op->op);
		if (w->undo && (op->flg & SEM_UNDO))
			w->undo->adjust[op->num] = (int16_t)(w->undo->adjust[op->num] + op->op);
	}
}

/* All of them or none: 0, -EAGAIN (IPC_NOWAIT), -ERANGE; 1: it must sleep on w->blocking. */
static int ops_perform(struct sem_set *s, struct sem_wait *w)
{
	for (size_t i = 0; i < w->nops; i++) {
		const struct abi_sembuf *op = &w->ops[i];
		int ret = op_apply(&s->sems[op->num], op);
		size_t done = i;
		if (ret == 0 && (ret = undo_apply(w->undo, op)) < 0) {
			s->sems[op->num].value = (uint16_t)(s->sems[op->num].value - op->op);
		}
		if (ret != 0) {
			w->blocking = op;
			ops_revert(s, w, done);
			return ret;
		}
	}
	for (size_t i = 0; i < w->nops; i++)
		s->sems[w->ops[i].num].pid = w->pid;
	return 0;
}

static bool ops_change(const struct abi_sembuf *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].op)
			return true;
	return false;
}

void sem_wake_locked(struct sem_set *s, bool now)
{
	struct sem_wait *w, *next;
	bool again = true;
	while (again) {
		again = false;
		list_for_each_safe (w, next, &s->waiting, link) {
			int ret = ops_perform(s, w);
			if (ret > 0)
				continue;
			list_del(&w->link);
			w->result = ret;
			waiter_wake(w->waiter);
			now |= ret == 0;
			/* Those before it may go on now. */
			if (ret == 0 && ops_change(w->ops, w->nops)) {
				again = true;
				break;
			}
		}
	}
	if (now)
		s->otime = ipc_now();
}

static int wait_result(struct sem_wait *w)
{
	lock(&semids_lock);
	int ret = w->result;
	unlock(&semids_lock);
	return ret;
}

static int wait_for(struct sem_wait *w, int64_t deadline)
{
	int err = 0;
	while (err == 0 && wait_result(w) > 0)
		err = waiter_sleep(w->waiter, WAIT_INTR, deadline);
	lock(&semids_lock);
	int ret = w->result;
	list_del(&w->link);
	unlock(&semids_lock);
	if (ret <= 0)
		return ret;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int ops_check(const struct sem_set *s, const struct abi_sembuf *ops, size_t n, bool *undo)
{
	*undo = false;
	for (size_t i = 0; i < n; i++) {
		if (ops[i].num >= s->n)
			return -EFBIG;
		*undo |= ops[i].flg & SEM_UNDO;
	}
	return 0;
}

/* 1: queued, the caller sleeps. */
static int op_locked(struct task *t, int id, struct sem_wait *w)
{
	bool undo, change = ops_change(w->ops, w->nops);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->sem, id);
	if (!p)
		return -EINVAL;
	struct sem_set *s = sem_set_of(p);
	int err = ops_check(s, w->ops, w->nops, &undo);
	if (err == 0)
		err = ipc_permission(t, p, change ? 0222 : 0444);
	if (err < 0)
		return err;
	if (undo && !(w->undo = undo_find_locked(t, s)))
		return -ENOMEM;
	int ret = ops_perform(s, w);
	if (ret == 0 && change)
		sem_wake_locked(s, /*now=*/true);
	else if (ret == 0)
		s->otime = ipc_now();
	else if (ret > 0)
		list_append(&s->waiting, &w->link);
	return ret;
}

int sem_op(struct task *t, int id, const struct abi_sembuf *ops, size_t nops, int64_t deadline)
{
	struct sem_wait w = {
		.waiter = waiter_self(),
		.ops = ops,
		.nops = nops,
		.pid = t->group->tgid,
		.result = 1,
	};
	list_init(&w.link);
	lock(&semids_lock);
	int ret = op_locked(t, id, &w);
	unlock(&semids_lock);
	return ret > 0 ? wait_for(&w, deadline) : ret;
}
