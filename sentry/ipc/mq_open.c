/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues by name: mq_open(2), mq_unlink(2).
 *
 * They go through a mount of the namespace's file system that is in no mount namespace, so
 * that queues have names whether somebody mounts it or not.
 */
#include <errno.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/ipc/mq_private.h"
#include "sentry/vfs/dentry.h"
#include "sentry/vfs/namei.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/fcntl.h"

static int mount_make(struct ipc_ns *n, struct mount **out)
{
	struct fs *fs;
	int err = mq_fs_new(n, &fs);
	if (err < 0)
		return err;
	err = mount_alone(fs, "mqueue", out);
	fs_put(fs);
	return err;
}

static struct lock mounts_lock = LOCK_INIT(RANK_LEAF); /* ipc_ns.mq of all */

/* That of n, referenced. */
static int mount_of(struct ipc_ns *n, struct mount **out)
{
	struct mount *made = NULL;
	lock(&mounts_lock);
	*out = n->mq ? mount_get(n->mq) : NULL;
	unlock(&mounts_lock);
	int err = *out ? 0 : mount_make(n, &made);
	if (*out || err < 0)
		return err;
	lock(&mounts_lock);
	if (!n->mq) /* else another thread was first */
		n->mq = STEAL(made);
	*out = mount_get(n->mq);
	unlock(&mounts_lock);
	if (made)
		mount_put(made);
	return 0;
}

int mq_make_fs(const struct fs_source *s, struct fs **out)
{
	struct mount *m;
	int err = *s->data ? -EINVAL : mount_of(task_ipc(task_current()), &m);
	if (err < 0)
		return err;
	*out = fs_get(m->fs);
	mount_put(m);
	return 0;
}

void mq_clear(struct ipc_ns *n)
{
	lock(&mounts_lock);
	struct mount *m = STEAL(n->mq);
	unlock(&mounts_lock);
	if (!m)
		return;
	struct mq_fs *of = m->fs->priv;
	lock(&of->lock);
	of->ns = NULL;
	unlock(&of->lock);
	mount_put(m);
}

static int name_check(const char *name)
{
	return strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EACCES : 0;
}

static int create_locked(struct task *t, struct dentry *dir, struct dentry *child, uint32_t mode,
			 const struct abi_mq_attr *attr)
{
	const struct cred *c = task_cred_self(t);
	if (!ids_have_names(dir->fs->user_ns, c->fsuid, c->fsgid))
		return -EOVERFLOW;
	int err = inode_permission_locked(dir->inode, c, MAY_WRITE | MAY_EXEC);
	if (err < 0)
		return err;
	lock(&t->fs->lock);
	mode &= ~t->fs->umask;
	unlock(&t->fs->lock);
	return mq_queue_create_locked(dir, child, c, S_IFREG | (mode & 07777), attr);
}

/* The queue's dentry, referenced; made here if it is missing and flags say so. */
static int name_find(struct task *t, struct dentry *dir, const char *name, uint32_t flags,
		     uint32_t mode, const struct abi_mq_attr *attr, bool *out_made,
		     struct dentry **out)
{
	struct dentry *d;
	lock(&dir->inode->lock);
	int err = dentry_lookup_locked(dir, name, strlen(name), &d);
	if (err == 0) {
		*out_made = !d->inode;
		if (!d->inode)
			err = flags & O_CREAT ? create_locked(t, dir, d, mode, attr) : -ENOENT;
		else if ((flags & O_CREAT) && (flags & O_EXCL))
			err = -EEXIST;
		if (err < 0)
			dentry_put(d);
	}
	unlock(&dir->inode->lock);
	if (err == 0)
		*out = d;
	if (err == 0 && *out_made)
		notify_name(dir->inode, IN_CREATE, name, /*is_dir=*/false, 0);
	return err;
}

static int access_check(const struct task *t, struct inode *i, uint32_t flags)
{
	static const unsigned may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};
	uint32_t mode = flags & O_ACCMODE;
	return mode == O_ACCMODE ? -EINVAL : inode_permission(i, task_cred_self(t), may[mode]);
}

int mq_open(struct task *t, const char *name, uint32_t flags, uint32_t mode,
	    const struct abi_mq_attr *attr, struct file **out)
{
	bool made = false;
	struct path p = {.mnt = NULL};
	int err = name_check(name);
	if (err == 0)
		err = mount_of(task_ipc(t), &p.mnt);
	if (err == 0)
		err = name_find(t, p.mnt->root, name, flags, mode, attr, &made, &p.dentry);
	if (err == 0 && !made)
		err = access_check(t, p.dentry->inode, flags);
	if (err == 0)
		err = p.dentry->inode->ops->open(p.dentry->inode, p, task_cred_self(t), flags, out);
	if (err < 0)
		path_put(&p);
	return err;
}

int mq_unlink(struct task *t, const char *name)
{
	autoput(file) struct file *dir = NULL;
	struct mount *m;
	int err = name_check(name);
	if (err == 0)
		err = mount_of(task_ipc(t), &m);
	if (err < 0)
		return err;
	const struct path root = {m, m->root};
	err = vfs_open_path(&root, task_cred_self(t), O_PATH, &dir);
	if (err == 0) {
		struct walk w = {.fs = t->fs, .cred = task_cred_self(t), .dir = dir};
		err = vfs_unlink(&w, name);
	}
	mount_put(m);
	return err;
}
