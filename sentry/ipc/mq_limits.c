/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bounds the memory of queues: RLIMIT_MSGQUEUE counts what a user's queues could hold, for
 * all of that user's processes; a user who may raise it still shares one bound with all others.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/mq_private.h"

struct payer {
	struct list link;
	uint32_t uid;
	uint64_t bytes;
};

static struct lock payers_lock = LOCK_INIT(RANK_LEAF);
static struct list payers = LIST_INIT(payers); /* payers_lock; those with queues */

static uint64_t memory_used, memory_limit; /* a */

static struct payer *payer_find_locked(uint32_t uid)
{
	struct payer *p;
	list_for_each (p, &payers, link)
		if (p->uid == uid)
			return p;
	return NULL;
}

static int charge_locked(uint32_t uid, uint64_t bytes, uint64_t limit)
{
	struct payer *p = payer_find_locked(uid);
	uint64_t sum;
	if (__builtin_add_overflow(p ? p->bytes : 0, bytes, &sum) || sum > limit)
		return -EMFILE;
	if (!p) {
		if (!(p = calloc(1, sizeof *p)))
			return -ENOMEM;
		p->uid = uid;
		list_append(&payers, &p->link);
	}
	p->bytes = sum;
	return 0;
}

int mq_charge(uint32_t uid, uint64_t bytes, uint64_t limit)
{
	lock(&payers_lock);
	int err = charge_locked(uid, bytes, limit);
	unlock(&payers_lock);
	return err;
}

void mq_uncharge(uint32_t uid, uint64_t bytes)
{
	lock(&payers_lock);
	struct payer *p = payer_find_locked(uid);
	assert(p && p->bytes >= bytes);
	p->bytes -= bytes;
	bool last = p->bytes == 0; /* no queue costs nothing */
	if (last)
		list_del(&p->link);
	unlock(&payers_lock);
	if (last)
		free(p);
}

void mq_set_memory(uint64_t bytes)
{
	__atomic_store_n(&memory_limit, bytes, __ATOMIC_RELAXED);
}

int mq_memory_take(uint64_t bytes)
{
	uint64_t limit = __atomic_load_n(&memory_limit, __ATOMIC_RELAXED);
	if (__atomic_add_fetch(&memory_used, bytes, __ATOMIC_RELAXED) <= limit)
		return 0;
	mq_memory_give(bytes);
	return -ENOMEM;
}

void mq_memory_give(uint64_t bytes)
{
	__atomic_sub_fetch(&memory_used, bytes, __ATOMIC_RELAXED);
}

int mq_msg_new(size_t size, struct mq_msg **out)
{
	int err = mq_memory_take(sizeof(struct mq_msg) + size);
	if (err < 0)
		return err;
	struct mq_msg *m = malloc(sizeof *m + size);
	if (!m) {
		mq_memory_give(sizeof *m + size);
		return -ENOMEM;
	}
	m->order = (struct heap_node){0};
	m->size = size;
	*out = m;
	return 0;
}

void mq_msg_free(struct mq_msg *m)
{
	if (!m)
		return;
	mq_memory_give(sizeof *m + m->size);
	free(m);
}
