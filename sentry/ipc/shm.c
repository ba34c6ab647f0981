/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/ipc/shm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sentry/fs/memfs/memfs.h"
#include "sentry/task/pidns.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/fcntl.h"

struct lock shmids_lock = LOCK_INIT(RANK_PIPE);

struct segment {
	struct ipc_perm perm;	     /* shmids_lock */
	struct file_attach attach;   /* I */
	struct inode *inode;	     /* I  our reference */
	uint64_t size;		     /* I  as asked for */
	uint64_t nattch;	     /* shmids_lock: areas, and attachments in the making */
	int64_t atime, dtime, ctime; /* shmids_lock */
	int cpid, lpid;		     /* shmids_lock */
};

static struct segment *segment_of(struct ipc_perm *p)
{
	return container_of(p, struct segment, perm);
}

static int caller(void)
{
	const struct task *t = task_current();
	return t ? t->group->tgid : 0;
}

static void segment_free(struct segment *s)
{
	inode_put(s->inode);
	free(s);
}

static void forget_locked(struct segment *s)
{
	if (!s->perm.ids)
		return; /* its namespace has ended before it */
	s->perm.ids->total -= PAGE_ALIGN(s->size) >> PAGE_SHIFT;
	ipc_remove_locked(&s->perm);
}

/* True if it was the last one of a removed segment: the caller frees it without the lock. */
static bool count_down_locked(struct segment *s)
{
	if (--s->nattch > 0 || !(s->perm.mode & SHM_DEST))
		return false;
	forget_locked(s);
	return true;
}

/* One more area: the memory's lock is held. */
static void area_opened(struct file_attach *a)
{
	struct segment *s = container_of(a, struct segment, attach);
	lock(&shmids_lock);
	s->nattch++;
	s->atime = ipc_now();
	s->lpid = caller();
	unlock(&shmids_lock);
}

/* The area's file still holds the inode, so that nothing of the file system happens here. */
static void area_closed(struct file_attach *a)
{
	struct segment *s = container_of(a, struct segment, attach);
	lock(&shmids_lock);
	s->dtime = ipc_now();
	s->lpid = caller();
	bool last = count_down_locked(s);
	unlock(&shmids_lock);
	if (last)
		segment_free(s);
}

struct wish {
	int32_t key;
	uint64_t size;
	uint32_t flags;
};

static bool pages_left(const struct ipc_ns *n, uint64_t more)
{
	uint64_t limit = ipc_limit(n, shmall);
	lock(&shmids_lock);
	bool left = more <= limit && n->shm.total <= limit - more;
	unlock(&shmids_lock);
	return left;
}

static int segment_make(struct task *t, const void *arg, struct ipc_perm **out)
{
	const struct wish *w = arg;
	const struct ipc_ns *n = task_ipc(t);
	char label[32];
	if (w->size == 0 || w->size > ipc_limit(n, shmmax) || w->size > INT64_MAX - PAGE_SIZE)
		return -EINVAL;
	if (!pages_left(n, PAGE_ALIGN(w->size) >> PAGE_SHIFT))
		return -ENOSPC;
	/* No machine here has huge pages to spare. */
	if (w->flags & SHM_HUGETLB)
		return task_capable(t, CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
	struct segment *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	snprintf(label, sizeof label, "/SYSV%08x (deleted)", (uint32_t)w->key);
	int err = memfs_segment_new(label, t->cred, PAGE_ALIGN(w->size), &s->inode);
	if (err < 0) {
		free(s);
		return err;
	}
	s->attach = (struct file_attach){.opened = area_opened, .closed = area_closed};
	s->size = w->size;
	s->ctime = ipc_now();
	s->cpid = t->group->tgid;
	*out = &s->perm;
	return 0;
}

static void segment_unmake(struct ipc_perm *p)
{
	segment_free(segment_of(p));
}

/* /proc/PID/maps shows it in the place of the inode's number. */
static void segment_numbered(struct ipc_perm *p)
{
	segment_of(p)->inode->ino = (uint64_t)p->id;
	p->ids->total += PAGE_ALIGN(segment_of(p)->size) >> PAGE_SHIFT;
}

static int segment_fits(const struct ipc_perm *p, const void *arg)
{
	const struct segment *s = container_of(p, const struct segment, perm);
	return s->size < ((const struct wish *)arg)->size ? -EINVAL : 0;
}

int shm_get(struct task *t, int32_t key, uint64_t size, uint32_t flags)
{
	static const struct ipc_maker maker = {segment_make, segment_unmake, segment_fits,
					       segment_numbered};
	const struct wish w = {.key = key, .size = size, .flags = flags};
	return ipc_get(&task_ipc(t)->shm, &shmids_lock, &maker, t, key, flags, &w);
}

/* Looked up by number and counted, so that it stays. */
static int segment_hold(struct task *t, int id, uint32_t flags, struct segment **out)
{
	uint32_t want = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	lock(&shmids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->shm, id);
	int err = p ? ipc_permission(t, p, want) : -EINVAL;
	if (err == 0) {
		*out = segment_of(p);
		(*out)->nattch++;
	}
	unlock(&shmids_lock);
	return err;
}

static void segment_unhold(struct segment *s)
{
	lock(&shmids_lock);
	bool last = count_down_locked(s);
	unlock(&shmids_lock);
	if (last)
		segment_free(s);
}

int shm_attach(struct task *t, int id, uint32_t flags, struct file **out, uint64_t *out_size)
{
	struct segment *s = NULL;
	int err = segment_hold(t, id, flags, &s);
	if (err < 0)
		return err;
	err = s->inode->ops->open(s->inode, (struct path){NULL, NULL}, t->cred,
				  flags & SHM_RDONLY ? O_RDONLY : O_RDWR, out);
	if (err < 0) {
		segment_unhold(s);
		return err;
	}
	(*out)->attach = &s->attach;
	*out_size = s->size;
	return 0;
}

void shm_attached(struct file *f)
{
	segment_unhold(container_of(f->attach, struct segment, attach));
}

static void stat_locked(const struct segment *s, struct abi_shmid_ds *out)
{
	*out = (struct abi_shmid_ds){
		.segsz = s->size,
		.atime = s->atime,
		.dtime = s->dtime,
		.ctime = s->ctime,
		.cpid = pid_here(s->cpid),
		.lpid = pid_here(s->lpid),
		.nattch = s->nattch,
	};
	ipc_stat(&s->perm, &out->perm);
}

int shm_stat(struct task *t, int id, int cmd, struct abi_shmid_ds *out)
{
	lock(&shmids_lock);
	const struct ipc_ids *ids = &task_ipc(t)->shm;
	struct ipc_perm *p = cmd == IPC_STAT ? ipc_find_locked(ids, id) : ipc_at_locked(ids, id);
	int ret = p ? 0 : -EINVAL;
	if (p && cmd != SHM_STAT_ANY)
		ret = ipc_permission(t, p, 0444);
	if (ret == 0) {
		stat_locked(segment_of(p), out);
		ret = cmd == IPC_STAT ? 0 : p->id;
	}
	unlock(&shmids_lock);
	return ret;
}

int shm_set(struct task *t, int id, const struct abi_ipc_perm *in)
{
	lock(&shmids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->shm, id);
	int err = p ? ipc_owner(t, p) : -EINVAL;
	if (err == 0 && (err = ipc_set(p, in)) == 0)
		segment_of(p)->ctime = ipc_now();
	unlock(&shmids_lock);
	return err;
}

/* The key is free at once, the number goes with the last attachment. */
int shm_remove(struct task *t, int id)
{
	bool last = false;
	lock(&shmids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->shm, id);
	int err = p ? ipc_owner(t, p) : -EINVAL;
	if (err == 0) {
		p->mode |= SHM_DEST;
		p->key = IPC_PRIVATE;
		last = segment_of(p)->nattch == 0;
		if (last)
			forget_locked(segment_of(p));
	}
	unlock(&shmids_lock);
	if (last)
		segment_free(segment_of(p));
	return err;
}

/* Only a flag: the sandbox may lock no memory of the host. */
int shm_lock(struct task *t, int id, bool on)
{
	bool able = task_capable_in(t, task_ipc(t)->ns.owner, CAP_IPC_LOCK),
	     room = task_rlimit(t, RLIMIT_MEMLOCK) > 0;
	lock(&shmids_lock);
	struct ipc_perm *p = ipc_find_locked(&task_ipc(t)->shm, id);
	int err = p ? 0 : -EINVAL;
	if (p && !able && (t->cred->euid != p->uid && t->cred->euid != p->cuid))
		err = -EPERM;
	if (p && !able && on && !room)
		err = -EPERM;
	if (err == 0)
		p->mode = on ? p->mode | SHM_LOCKED : p->mode & ~(uint32_t)SHM_LOCKED;
	unlock(&shmids_lock);
	return err;
}

int shm_top(const struct ipc_ns *n)
{
	lock(&shmids_lock);
	int top = ipc_top_locked(&n->shm);
	unlock(&shmids_lock);
	return top;
}

bool shm_next(const struct ipc_ns *n, int *index, struct shm_row *out)
{
	struct inode *i = NULL;
	lock(&shmids_lock);
	while (*index < (int)n->shm.room && !i) {
		struct ipc_perm *p = ipc_at_locked(&n->shm, (*index)++);
		if (!p)
			continue;
		out->id = p->id;
		stat_locked(segment_of(p), &out->ds);
		i = inode_get(segment_of(p)->inode);
	}
	unlock(&shmids_lock);
	if (!i)
		return false;
	struct kstat st;
	out->rss = i->ops->getattr(i, &st) == 0 ? st.blocks * 512 : 0;
	inode_put(i);
	return true;
}

int shm_usage(const struct ipc_ns *n, struct abi_shm_info *out)
{
	struct shm_row row;
	int index = 0;
	*out = (struct abi_shm_info){0};
	while (shm_next(n, &index, &row)) {
		out->used_ids++;
		out->tot += PAGE_ALIGN(row.ds.segsz) >> PAGE_SHIFT;
		out->rss += row.rss >> PAGE_SHIFT;
	}
	return shm_top(n);
}

/* What is attached stays until it is detached, found by nobody. */
static void segment_orphan(struct ipc_perm *p)
{
	struct segment *s = segment_of(p);
	lock(&shmids_lock);
	p->mode |= SHM_DEST;
	bool unused = s->nattch == 0;
	ipc_remove_locked(p);
	unlock(&shmids_lock);
	if (unused)
		segment_free(s);
}

void shm_clear(struct ipc_ns *n)
{
	ipc_clear(&n->shm, segment_orphan);
}
