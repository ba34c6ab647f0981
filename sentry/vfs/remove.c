/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that go: unlink(2), rmdir(2).
 */
#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"

/* What both check of the victim, in Linux's order. */
static int victim_check_locked(struct dentry *dir, struct dentry *d, const struct cred *cred,
			       bool want_dir)
{
	bool is_dir = inode_is(d->inode, S_IFDIR);
	int err = may_delete_locked(dir, d, cred);

	if (err < 0)
		return err;
	if (want_dir != is_dir)
		return want_dir ? -ENOTDIR : -EISDIR;
	return __atomic_load_n(&d->mounts, __ATOMIC_RELAXED) ? -EBUSY : 0;
}

static int remove_locked(struct dentry *dir, const struct last *last, const struct cred *cred,
			 bool want_dir, struct dentry **out)
{
	struct dentry *d;
	int err = dentry_lookup_locked(dir, last->name, last->size, &d);

	if (err < 0)
		return err;
	if (!d->inode)
		err = -ENOENT;
	else if (last->slash && !want_dir)
		err = inode_is(d->inode, S_IFDIR) ? -EISDIR : -ENOTDIR;
	else
		err = victim_check_locked(dir, d, cred, want_dir);
	if (err == 0)
		err = dir->inode->ops->unlink(dir, d);
	if (err < 0) {
		dentry_put(d);
		return err;
	}
	dentry_drop_locked(d);
	*out = d;
	return 0;
}

static int remove_in(const struct walk *w, const struct path *dir, const struct last *last,
		     bool want_dir)
{
	struct inode *i = dir->dentry->inode;
	struct dentry *d;

	if (mount_readonly(dir->mnt))
		return -EROFS;
	lock(&i->lock);
	int err = remove_locked(dir->dentry, last, w->cred, want_dir, &d);
	unlock(&i->lock);
	if (err < 0)
		return err;
	notify_name(i, IN_DELETE, last->name, want_dir, 0);
	if (!want_dir)
		notify_inode(d->inode, IN_ATTRIB);
	dentry_put(d);
	return 0;
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
