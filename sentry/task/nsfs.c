/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each look at a link makes an inode of its own, which holds the namespace; that they
 * have one number and one device is how programs tell that it is the same.
 */
#include "sentry/task/nsfs.h"

#include <errno.h>
#include <stdio.h>

#include "sentry/mm/copy.h"
#include "sentry/task/pidns.h"
#include "sentry/task/nsset.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"

static struct ns *ns_of(const struct inode *i)
{
	return i->priv;
}

/* The descriptor of another namespace. */
static int64_t open_other(struct ns *ns, const struct ioctl_args *a)
{
	struct task *by = task_current();
	struct path p;
	struct file *f;
	int err = nsfs_path(ns, a->cred, &p);
	if (err < 0)
		return err;
	err = vfs_open_path(&p, a->cred, O_RDONLY, &f);
	path_put(&p);
	return err < 0 ? err : task_install_file(by, f, /*cloexec=*/true);
}

/* Only what the caller could be in itself may be had: a namespace above its own is -EPERM. */
static int64_t open_owner(const struct ns *ns, const struct ioctl_args *a)
{
	const struct user_ns *own = a->cred->user_ns;
	for (struct user_ns *u = ns->owner; u; u = user_ns_parent(u))
		if (u == own)
			return open_other(&ns->owner->ns, a);
	return -EPERM;
}

static int64_t open_parent(const struct pid_ns *n, const struct ioctl_args *a)
{
	if (!n->parent || !pid_ns_below(n->parent, pid_ns_here()))
		return -EPERM;
	return open_other(&n->parent->ns, a);
}

static int64_t nsfs_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct ns *ns = ns_of(f->inode);
	if (!task_current())
		return -ENOTTY;
	switch (a->cmd) {
	case NS_GET_NSTYPE:
		return ns_about[ns->kind].flag;
	case NS_GET_USERNS:
		return open_owner(ns, a);
	case NS_GET_PARENT:
		if (ns->kind == NS_PID)
			return open_parent(pid_ns_of(ns), a);
		return ns->kind == NS_USER ? open_owner(ns, a) : -EINVAL;
	case NS_GET_OWNER_UID: {
		if (ns->kind != NS_USER)
			return -EINVAL;
		uint32_t uid = uid_seen(a->cred->user_ns, user_ns_of(ns)->uid);
		return copy_out(a->mm, a->arg, &uid, sizeof uid);
	}
	default:
		return -ENOTTY;
	}
}

static const struct file_ops nsfs_file_ops = {
	.read = file_noread,
	.write = file_nowrite,
	.seek = file_noseek,
	.poll = file_alwaysready,
	.ioctl = nsfs_ioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = file_norelease,
};

static int nsfs_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		     struct file **out)
{
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EPERM;
	return file_new(&nsfs_file_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
}

static void nsfs_evict(struct inode *i)
{
	if (i->priv)
		ns_put(ns_of(i));
}

static const struct inode_ops nsfs_inode_ops = {
	INODE_NO_NAMES,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_nosetattr,
	.getattr = inode_getattr,
	.open = nsfs_open,
	INODE_NO_XATTRS,
	.evict = nsfs_evict,
};

/* A nameless file lends the path that objects without a name have. */
int nsfs_path(struct ns *ns, const struct cred *cred, struct path *out)
{
	char label[16];
	struct inode *i;
	struct file *f;

	snprintf(label, sizeof label, "%s:", ns_about[ns->kind].name);
	int err = inode_new_ns(&nsfs_inode_ops, label, NULL, &i);
	if (err < 0)
		return err;
	i->ino = ns->ino; /* nobody else has seen it yet */
	i->priv = ns_get(ns);
	err = file_new(&nsfs_file_ops, FILE_INODE, NULL, (struct path){NULL, NULL}, i, cred,
		       O_RDONLY, &f);
	if (err < 0)
		return err;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

struct ns *nsfs_of(const struct file *f)
{
	return f->ops == &nsfs_file_ops ? ns_of(f->inode) : NULL;
}

static struct ns *mounts_of(struct task *t)
{
	lock(&kernel.tasks_lock);
	struct fsctx *fs = t->fs ? fsctx_get(t->fs) : NULL;
	unlock(&kernel.tasks_lock);
	if (!fs)
		return NULL;
	struct mount_ns *m = fsctx_mounts(fs);
	fsctx_put(fs);
	return &m->ns;
}

int task_pid_ns_children(struct task *t, struct ns **out)
{
	struct nsset *s = task_nsset(t);
	*out = s ? ns_get(s->of[NS_PID]) : NULL;
	if (s)
		nsset_put(s);
	if (!*out)
		return -ESRCH;
	/* Its first process is still to come: nobody could be in it. */
	lock(&kernel.tasks_lock);
	struct pid_ns *n = pid_ns_of(*out);
	bool born = !n->ids || n->init;
	unlock(&kernel.tasks_lock);
	if (!born)
		ns_put(STEAL(*out));
	return born ? 0 : -ENOENT;
}

int task_ns_get(struct task *t, enum ns_kind kind, struct ns **out)
{
	*out = NULL;
	if (kind == NS_MNT) {
		*out = mounts_of(t);
	} else if (kind == NS_USER) {
		autoput(cred) struct cred *c = task_cred(t);
		*out = ns_get(&c->user_ns->ns);
	} else if (kind == NS_PID) {
		*out = ns_get(&t->group->pid_ns->ns);
	} else {
		struct nsset *s = task_nsset(t);
		if (s && s->of[kind])
			*out = ns_get(s->of[kind]);
		if (s)
			nsset_put(s);
	}
	return *out ? 0 : -ESRCH;
}
