/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/ipc/ipc.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/mqueue.h"
#include "sentry/ipc/msg.h"
#include "sentry/ipc/sem.h"
#include "sentry/ipc/shm.h"
#include "sentry/sync/timer.h"
#include "sentry/task/nsset.h"

/* A number is seq << 15 | index, and positive. */
enum { INDEX_BITS = 15, INDEX_MASK = (1 << INDEX_BITS) - 1, SEQ_END = 1 << (31 - INDEX_BITS) };

#define DEFAULT_LIMITS                                                                             \
	{                                                                                          \
		.shmmax = UINT64_MAX - (1ull << 24), .shmall = UINT64_MAX - (1ull << 24),          \
		.shmmni = 4096, .msgmax = 8192, .msgmnb = 16384, .msgmni = 32000, .semmsl = 32000, \
		.semmns = 32000 * 32000, .semopm = 500, .semmni = 32000,                           \
		.mq_queues_max = 256, .mq_msg_max = 10, .mq_msgsize_max = 8192,                    \
		.mq_msg_default = 10, .mq_msgsize_default = 8192,                                  \
	}

struct ipc_ns ipc_first = {
	.ns = NS_FIRST(NS_IPC, 4026531839, &user_first),
	.limits = DEFAULT_LIMITS,
	.shm = {.max = &ipc_first.limits.shmmni, .last = -1},
	.sem = {.max = &ipc_first.limits.semmni, .last = -1},
	.msg = {.max = &ipc_first.limits.msgmni, .last = -1},
};

static void ipc_clear_all(struct ipc_ns *n)
{
	shm_clear(n);
	sem_clear(n);
	msgq_clear(n);
	mq_clear(n);
}

static void ipc_free(struct ns *ns)
{
	struct ipc_ns *n = container_of(ns, struct ipc_ns, ns);
	ipc_clear_all(n);
	free(n);
}

int ipc_ns_new(struct user_ns *owner, struct ns **out)
{
	struct ipc_ns *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	ns_init(&n->ns, NS_IPC, owner, ipc_free);
	n->limits = (struct ipc_limits)DEFAULT_LIMITS;
	n->shm = (struct ipc_ids){.max = &n->limits.shmmni, .last = -1};
	n->sem = (struct ipc_ids){.max = &n->limits.semmni, .last = -1};
	n->msg = (struct ipc_ids){.max = &n->limits.msgmni, .last = -1};
	const struct task *t = task_current();
	n->maker_uid = t ? task_cred_self(t)->fsuid : uid_meant(owner, 0);
	n->maker_gid = t ? task_cred_self(t)->fsgid : gid_meant(owner, 0);
	*out = &n->ns;
	return 0;
}

struct ipc_ns *task_ipc(const struct task *t)
{
	return t ? container_of(t->ns->of[NS_IPC], struct ipc_ns, ns) : &ipc_first;
}

int64_t ipc_now(void)
{
	return clock_real_ns() / NSEC_PER_SEC;
}

struct ipc_perm *ipc_at_locked(const struct ipc_ids *ids, int id)
{
	unsigned index = (unsigned)id & INDEX_MASK;
	return id >= 0 && index < ids->room ? ids->slot[index] : NULL;
}

struct ipc_perm *ipc_find_locked(const struct ipc_ids *ids, int id)
{
	struct ipc_perm *p = ipc_at_locked(ids, id);
	return p && p->id == id ? p : NULL;
}

int ipc_top_locked(const struct ipc_ids *ids)
{
	for (int i = (int)ids->room - 1; i > 0; i--)
		if (ids->slot[i])
			return i;
	return 0;
}

static struct ipc_perm *key_find_locked(const struct ipc_ids *ids, int32_t key)
{
	for (unsigned i = 0; key != IPC_PRIVATE && i < ids->room; i++)
		if (ids->slot[i] && ids->slot[i]->key == key)
			return ids->slot[i];
	return NULL;
}

/* The lowest free index, or -ENOSPC, -ENOMEM. */
static int index_new_locked(struct ipc_ids *ids)
{
	unsigned i = 0;
	if ((int)ids->used >= __atomic_load_n(ids->max, __ATOMIC_RELAXED))
		return -ENOSPC;
	while (i < ids->room && ids->slot[i])
		i++;
	if (i < ids->room)
		return (int)i;
	if (i >= IPC_MNI)
		return -ENOSPC;
	unsigned room = ids->room ? ids->room * 2 : 16;
	struct ipc_perm **bigger = realloc(ids->slot, room * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (unsigned n = ids->room; n < room; n++)
		bigger[n] = NULL;
	ids->slot = bigger;
	ids->room = room;
	return (int)i;
}

/* An index that is used again gets the next sequence number. */
static int add_locked(struct ipc_ids *ids, struct ipc_perm *p)
{
	int i = index_new_locked(ids);
	if (i < 0)
		return i;
	if (i <= ids->last)
		ids->seq = (uint16_t)((ids->seq + 1) % SEQ_END);
	ids->last = i;
	p->seq = ids->seq;
	p->id = p->seq << INDEX_BITS | i;
	p->ids = ids;
	ids->slot[i] = p;
	ids->used++;
	return p->id;
}

void ipc_remove_locked(struct ipc_perm *p)
{
	struct ipc_ids *ids = STEAL(p->ids);
	ids->slot[p->id & INDEX_MASK] = NULL;
	ids->used--;
}

void ipc_clear(struct ipc_ids *ids, void (*fn)(struct ipc_perm *p))
{
	for (unsigned i = 0; i < ids->room; i++)
		if (ids->slot[i])
			fn(ids->slot[i]);
	free(STEAL(ids->slot));
	ids->room = ids->used = 0;
}

/* Takes *made over if it is needed; -EAGAIN: one must be made first. */
static int get_locked(struct ipc_ids *ids, const struct ipc_maker *m, struct task *t, int32_t key,
		      uint32_t flags, const void *arg, struct ipc_perm **made)
{
	struct ipc_perm *p = key_find_locked(ids, key);
	if (p) {
		if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
			return -EEXIST;
		int err = m->fits(p, arg);
		if (err == 0)
			err = ipc_permission(t, p, flags);
		return err < 0 ? err : p->id;
	}
	if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
		return -ENOENT;
	if (!*made)
		return -EAGAIN;
	int id = add_locked(ids, *made);
	if (id >= 0 && m->numbered)
		m->numbered(*made);
	if (id >= 0)
		*made = NULL;
	return id;
}

int ipc_get(struct ipc_ids *ids, struct lock *l, const struct ipc_maker *m, struct task *t,
	    int32_t key, uint32_t flags, const void *arg)
{
	const struct cred *c = task_cred_self(t);
	struct ipc_perm *made = NULL;
	for (;;) {
		lock(l);
		int ret = get_locked(ids, m, t, key, flags, arg, &made);
		unlock(l);
		if (ret == -EAGAIN && (ret = m->make(t, arg, &made)) == 0) {
			made->key = key;
			made->mode = flags & 0777;
			made->uid = made->cuid = c->euid;
			made->gid = made->cgid = c->egid;
			continue;
		}
		if (made)
			m->unmake(made);
		return ret;
	}
}

int ipc_permission(const struct task *t, const struct ipc_perm *p, uint32_t want)
{
	const struct cred *c = task_cred_self(t);
	uint32_t granted = p->mode;
	want |= want >> 3 | want >> 6;
	if (c->euid == p->cuid || c->euid == p->uid)
		granted >>= 6;
	else if (cred_in_group(c, p->cgid) || cred_in_group(c, p->gid))
		granted >>= 3;
	if ((want & ~granted & 7) && !cred_capable_in(c, task_ipc(t)->ns.owner, CAP_IPC_OWNER))
		return -EACCES;
	return 0;
}

int ipc_owner(const struct task *t, const struct ipc_perm *p)
{
	const struct cred *c = task_cred_self(t);
	if (c->euid == p->cuid || c->euid == p->uid ||
	    cred_capable_in(c, task_ipc(t)->ns.owner, CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

void ipc_stat(const struct ipc_perm *p, struct abi_ipc_perm *out)
{
	const struct user_ns *by = user_ns_here();
	*out = (struct abi_ipc_perm){
		.key = p->key,
		.uid = uid_seen(by, p->uid),
		.gid = gid_seen(by, p->gid),
		.cuid = uid_seen(by, p->cuid),
		.cgid = gid_seen(by, p->cgid),
		.mode = p->mode,
		.seq = p->seq,
	};
}

int ipc_set(struct ipc_perm *p, const struct abi_ipc_perm *in)
{
	const struct user_ns *by = user_ns_here();
	uint32_t uid = uid_meant(by, in->uid), gid = gid_meant(by, in->gid);
	if (uid == ID_NONE || gid == ID_NONE)
		return -EINVAL;
	p->uid = uid;
	p->gid = gid;
	p->mode = (p->mode & ~0777u) | (in->mode & 0777);
	return 0;
}

void ipc_release(void)
{
	ipc_clear_all(&ipc_first);
}
