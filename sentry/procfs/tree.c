/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: whom they are about, their attributes, and whether they still hold. */
#include "sentry/procfs/tree.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/vfs/dentry.h"
#include "sentry/vfs/fdtab.h"

/* Inode numbers are made of what a node is: the same each time it is looked up. */
enum { INO_NR_SHIFT = 12, INO_FD_SHIFT = 36, INO_THREAD = 1 << 11 };
_Static_assert((int)IDS_MAX <= (int)INO_THREAD, "ids and the thread bit share a word");

uint64_t proc_ino(const struct proc_node *n)
{
	return (n->kind | (n->thread ? INO_THREAD : 0)) + ((uint64_t)(unsigned)n->id << INO_NR_SHIFT) +
	       ((uint64_t)(unsigned)(n->fd + 1) << INO_FD_SHIFT);
}

struct task *proc_task_locked(const struct proc_node *n)
{
	struct task *t = n->group ? task_by_id_locked(n->id) : NULL;
	if (!t || t->group != n->group)
		return NULL;
	/* The number of the group stays with it, whichever thread has it after exec. */
	return n->id == n->group->tgid || t->start_ns == n->birth ? t : NULL;
}

struct task *proc_task(const struct proc_node *n)
{
	lock(&kernel.tasks_lock);
	struct task *t = proc_task_locked(n);
	if (t)
		task_get(t);
	unlock(&kernel.tasks_lock);
	return t;
}

int proc_may_inspect(struct task *t)
{
	struct task *by = task_current();
	/* A thread of the sentry itself asks on nobody's behalf: boot. */
	return !by || task_may_access_fs(by, t) == 0 ? 0 : -EACCES;
}

void proc_node_set_locked(struct proc_node *n, struct task *t, bool thread)
{
	n->group = group_get(t->group);
	n->id = t->tid;
	n->birth = t->start_ns;
	n->thread = thread;
}

/*
 * Files of a process belong to who it runs as, or to its root if it must
 * not be inspected by its like (PR_SET_DUMPABLE).  The directories stay its own, so
 * that it can still read what is about itself; what is in them is checked.
 */
static void owner_of(const struct proc_node *n, struct task *t, uint32_t *uid, uint32_t *gid)
{
	*uid = *gid = 0;
	if (!t)
		return;
	bool dir = mode_is(n->entry->mode, S_IFDIR);
	if (!dir && __atomic_load_n(&t->group->dumpable, __ATOMIC_RELAXED) != 1) {
		autoput(user_ns) struct user_ns *ns = group_exec_ns(t->group);
		*uid = uid_meant(ns, 0);
		*gid = gid_meant(ns, 0);
		*uid = *uid == ID_NONE ? 0 : *uid;
		*gid = *gid == ID_NONE ? 0 : *gid;
		return;
	}
	autoput(cred) struct cred *c = task_cred(t);
	*uid = c->euid;
	*gid = c->egid;
}

static const struct inode_ops *ops_for(uint32_t mode)
{
	if (mode_is(mode, S_IFDIR))
		return &proc_dir_inode_ops;
	return mode_is(mode, S_IFLNK) ? &proc_link_inode_ops : &proc_file_inode_ops;
}

int proc_inode_new(struct fs *fs, const struct proc_node *like, struct inode **out)
{
	struct proc_node *n = malloc(sizeof *n);
	if (!n)
		return -ENOMEM;
	*n = *like;
	int err = inode_new(fs, ops_for(n->entry->mode), n->entry->mode, n, out);
	if (err < 0) {
		free(n);
		return err;
	}
	/* Nobody else has seen them yet. */
	(*out)->ino = proc_ino(n);
	/* Who may is found out at open. */
	if (n->entry->admin)
		(*out)->mode |= S_IWUSR | S_IWGRP | S_IWOTH;
	if (n->group) {
		group_get(n->group);
		autoput(task) struct task *t = proc_task(n);
		owner_of(n, t, &(*out)->uid, &(*out)->gid);
	}
	return 0;
}

void proc_evict(struct inode *i)
{
	struct proc_node *n = i->priv;
	if (n->group)
		group_put(n->group);
	free(n);
}

/* A descriptor of the calling task's own table can be looked up without a reference to it. */
static bool fd_holds(const struct proc_node *n, struct task *t)
{
	struct task *by = task_current();
	if (!by)
		return true;
	lock(&kernel.tasks_lock);
	bool own = t->fds && t->fds == by->fds;
	unlock(&kernel.tasks_lock);
	return !own || fd_get_cloexec(by->fds, n->fd) >= 0;
}

/*
 * The owner of an inode never changes: when the process has become somebody else
 * its names are looked up again.  So nothing is written here, where the inode's
 * lock may be held or not (rename(2) holds two directories).
 */
bool proc_revalidate(struct dentry *d)
{
	struct inode *i = d->inode;
	uint32_t uid, gid;

	if (!i)
		return false;
	const struct proc_node *n = proc_node_of(i);
	if (!n->group)
		return !proc_left_out(d->fs, n);
	if (proc_hidden(d->fs, n, HIDE_PTRACEABLE))
		return false;
	autoput(task) struct task *t = proc_task(n);
	if (!t || (n->fd >= 0 && !fd_holds(n, t)))
		return false;
	owner_of(n, t, &uid, &gid);
	return i->uid == uid && i->gid == gid;
}

bool proc_bare(const struct inode *i)
{
	const struct proc_entry *e = proc_node_of(i)->entry;
	return mode_is(e->mode, S_IFDIR) && !e->table && !e->numbers;
}

static unsigned table_dirs(const struct proc_table *t)
{
	unsigned n = 0;
	for (unsigned i = 0; t && i < t->count; i++)
		n += mode_is(t->entries[i].mode, S_IFDIR);
	return n;
}

/* A descriptor's link shows by its mode for what the file was opened. */
static int fd_mode(const struct proc_node *n, struct task *t, uint32_t *mode)
{
	lock(&kernel.tasks_lock);
	struct fdtab *fds = t && t->fds ? fdtab_get_table(t->fds) : NULL;
	unlock(&kernel.tasks_lock);
	struct file *f = fds ? fdtab_get(fds, n->fd) : NULL;
	if (fds)
		fdtab_put(fds);
	if (!f)
		return -ENOENT;
	if (mode_is(*mode, S_IFLNK))
		*mode = S_IFLNK | (f->readable ? 0500 : 0) | (f->writable ? 0300 : 0);
	file_put(f);
	return 0;
}

int proc_getattr(struct inode *i, struct kstat *out)
{
	const struct proc_node *n = proc_node_of(i);
	const struct proc_entry *e = n->entry;
	int err = 0;

	if (proc_hidden(i->fs, n, HIDE_INVISIBLE))
		return -ENOENT;
	inode_fill_stat(i, out);
	out->blksize = 1024;
	if (e->admin)
		out->mode = e->mode;
	if (mode_is(e->mode, S_IFDIR))
		out->nlink = 2 + table_dirs(e->table) + (e->numbers ? e->numbers->dirs(n) : 0);
	if (n->group) {
		autoput(task) struct task *t = proc_task(n);
		owner_of(n, t, &out->uid, &out->gid);
		if (n->fd >= 0)
			err = fd_mode(n, t, &out->mode);
	}
	return err;
}

/* O_TRUNC comes here too, and is as good as done. */
int proc_setattr(struct inode *i, const struct iattr *a)
{
	(void)i;
	return a->mask & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

int proc_fs_new(const struct fs_ops *ops, const struct proc_entry *root, struct user_ns *owner,
		struct fs **out)
{
	struct pid_ns *ns = pid_ns_here();
	const struct proc_node n = {.entry = root, .kind = 1, .ns = ns, .fd = -1};
	struct inode *i;
	struct fs *fs;
	struct proc_fs *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	int err = fs_new(ops, p, &fs);
	if (err < 0) {
		free(p);
		return err;
	}
	p->ns = pid_ns_get(ns);
	fs_own(fs, owner);
	err = proc_inode_new(fs, &n, &i);
	if (err == 0 && (err = dentry_new_root(fs, i)) < 0)
		inode_put(i);
	if (err < 0) {
		fs_put(fs);
		return err;
	}
	*out = fs;
	return 0;
}

void proc_fs_destroy(struct fs *fs)
{
	struct proc_fs *p = proc_fs_of(fs);
	pid_ns_put(p->ns);
	free(p);
}
