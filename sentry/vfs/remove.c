/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that go: unlink(2), rmdir(2).
 */
#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"

/* One removal. */
struct victim {
	const struct last *last;
	const struct cred *cred;
	bool want_dir;
	bool elsewhere;	  /* what is mounted on it is so in other namespaces only */
	struct dentry *d; /* our reference, when it was removed or is a mount point */
};

/* What both check of it, in Linux's order. */
static int victim_check_locked(struct dentry *dir, struct dentry *d, const struct victim *v)
{
	bool is_dir = inode_is(d->inode, S_IFDIR);
	int err = may_delete_locked(dir, d, v->cred);

	if (err < 0)
		return err;
	if (v->want_dir != is_dir)
		return v->want_dir ? -ENOTDIR : -EISDIR;
	return !v->elsewhere && __atomic_load_n(&d->mounts, __ATOMIC_RELAXED) ? -EBUSY : 0;
}

static int remove_locked(struct dentry *dir, struct victim *v)
{
	const struct last *last = v->last;
	struct dentry *d;
	int err = dentry_lookup_locked(dir, last->name, last->size, &d);

	if (err < 0)
		return err;
	if (!d->inode)
		err = -ENOENT;
	else if (last->slash && !v->want_dir)
		err = inode_is(d->inode, S_IFDIR) ? -EISDIR : -ENOTDIR;
	else
		err = victim_check_locked(dir, d, v);
	if (err == -EBUSY)
		v->d = dentry_get(d);
	if (err == 0)
		err = dir->inode->ops->unlink(dir, d);
	if (err < 0) {
		dentry_put(d);
		return err;
	}
	dentry_drop_locked(d);
	v->d = d;
	return 0;
}

/* The mount tree cannot be looked at with a directory locked. */
static int remove_once(struct dentry *dir, struct victim *v)
{
	lock(&dir->inode->lock);
	int err = remove_locked(dir, v);
	unlock(&dir->inode->lock);
	return err;
}

static int remove_in(const struct walk *w, const struct path *dir, const struct last *last,
		     bool want_dir)
{
	struct victim v = {.last = last, .cred = w->cred, .want_dir = want_dir};

	if (mount_readonly(dir->mnt))
		return -EROFS;
	int err = remove_once(dir->dentry, &v);
	if (err == -EBUSY && v.d && !mount_is_point(w->fs, v.d)) {
		dentry_put(STEAL(v.d));
		v.elsewhere = true;
		err = remove_once(dir->dentry, &v);
	}
	if (err == 0) {
		notify_name(dir->dentry->inode, IN_DELETE, last->name, want_dir, 0);
		if (!want_dir)
			notify_inode(v.d->inode, IN_ATTRIB);
	}
	if (v.d)
		dentry_put(v.d);
	return err;
}

int vfs_unlink(const struct walk *w, const char *name)
{
	struct path dir;
	struct last last;
	int err = path_walk_parent(w, name, &dir, &last);

	if (err < 0)
		return err;
	err = last.kind == LAST_NORM ? remove_in(w, &dir, &last, /*want_dir=*/false) : -EISDIR;
	path_put(&dir);
	return err;
}

int vfs_rmdir(const struct walk *w, const char *name)
{
	static const int refused[] = {
		[LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY};
	struct path dir;
	struct last last;
	int err = path_walk_parent(w, name, &dir, &last);

	if (err < 0)
		return err;
	if (last.kind == LAST_NORM)
		err = remove_in(w, &dir, &last, /*want_dir=*/true);
	else
		err = refused[last.kind];
	path_put(&dir);
	return err;
}
