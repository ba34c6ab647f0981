/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename(2), renameat2(2).
 *
 * Every rename holds the file system's rename_lock, so the tree above the two
 * directories stands still while they are locked, ancestors first.
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

struct side {
	struct path dir; /* our references */
	struct last last;
	struct dentry *d; /* our reference */
};

struct rename {
	const struct cred *cred;
	struct fsctx *fs; /* whose mounts keep a name busy */
	uint32_t flags;
	bool elsewhere; /* what is mounted on them is so in other namespaces only */
	struct side o, n;
};

static bool is_dir(const struct dentry *d)
{
	return d->inode && inode_is(d->inode, S_IFDIR);
}

static void dirs_lock(struct dentry *o, struct dentry *n) NO_LOCK_ANALYSIS
{
	struct lock *ol = &o->inode->lock, *nl = &n->inode->lock;

	/* Parent before child; unrelated ones by address. */
	if (o != n && dentry_is_below(n, o)) {
		lock(ol);
		lock_nested(nl);
	} else if (o != n && dentry_is_below(o, n)) {
		lock(nl);
		lock_nested(ol);
	} else {
		lock_pair(ol, nl);
	}
}

static int lookup_locked(struct rename *r)
{
	struct side *o = &r->o, *n = &r->n;
	int err = dentry_lookup_fresh_locked(o->dir.dentry, o->last.name, o->last.size, &o->d);

	if (err == 0 && !o->d->inode)
		err = -ENOENT;
	if (err == 0)
		err = dentry_lookup_fresh_locked(n->dir.dentry, n->last.name, n->last.size, &n->d);
	if (err < 0)
		return err;
	if ((r->flags & RENAME_NOREPLACE) && n->d->inode)
		return -EEXIST;
	if ((r->flags & RENAME_EXCHANGE) && !n->d->inode)
		return -ENOENT;
	if ((r->flags & RENAME_EXCHANGE) && !is_dir(n->d) && n->last.slash)
		return -ENOTDIR;
	if (!is_dir(o->d) && (o->last.slash || (!(r->flags & RENAME_EXCHANGE) && n->last.slash)))
		return -ENOTDIR;
	/* A directory cannot go into itself, nor replace one that it is in. */
	if (dentry_is_below(n->dir.dentry, o->d))
		return -EINVAL;
	if (n->d->inode && dentry_is_below(o->dir.dentry, n->d))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* Is the target one that may be replaced, or taken in exchange? */
static int target_check_locked(const struct rename *r)
{
	const struct side *o = &r->o, *n = &r->n;

	if (!n->d->inode)
		return may_create_locked(n->dir.dentry, r->cred);
	int err = may_delete_locked(n->dir.dentry, n->d, r->cred);
	if (err < 0 || (r->flags & RENAME_EXCHANGE))
		return err;
	if (is_dir(o->d) != is_dir(n->d))
		return is_dir(o->d) ? -ENOTDIR : -EISDIR;
	return 0;
}

/* A directory that gets another parent changes itself: its "..". */
static int dotdot_check(const struct rename *r, struct dentry *d)
{
	struct inode *i = d->inode;

	if (!is_dir(d) || r->o.dir.dentry == r->n.dir.dentry)
		return 0;
	/* Parent before child: lookup_locked made sure that it is not above them. */
	lock_nested(&i->lock);
	int err = inode_permission_locked(i, r->cred, MAY_WRITE);
	unlock(&i->lock);
	return err;
}

static int rename_check_locked(const struct rename *r)
{
	int err = may_delete_locked(r->o.dir.dentry, r->o.d, r->cred);

	if (err == 0)
		err = target_check_locked(r);
	if (err == 0)
		err = dotdot_check(r, r->o.d);
	if (err == 0 && (r->flags & RENAME_EXCHANGE))
		err = dotdot_check(r, r->n.d);
	if (err == 0 && !r->elsewhere &&
	    (__atomic_load_n(&r->o.d->mounts, __ATOMIC_RELAXED) ||
	     __atomic_load_n(&r->n.d->mounts, __ATOMIC_RELAXED)))
		err = -EBUSY;
	return err;
}

/* 1: both names are the same file already, and nothing is to be done. */
static int rename_locked(struct rename *r)
{
	struct dentry *od = r->o.dir.dentry, *nd = r->n.dir.dentry;
	int err = lookup_locked(r);

	if (err < 0)
		return err;
	if (r->o.d->inode == r->n.d->inode)
		return 1;
	err = rename_check_locked(r);
	if (err < 0)
		return err;
	autofree char *name = strdup(r->n.last.name);
	if (!name)
		return -ENOMEM;
	err = od->inode->ops->rename(od, r->o.d, nd, r->n.d, r->flags);
	if (err < 0)
		return err;
	/* Nothing below can fail. */
	if (r->flags & RENAME_EXCHANGE)
		dentry_exchange_locked(r->o.d, r->n.d);
	else
		dentry_commit_move_locked(r->o.d, nd, STEAL(name));
	return 0;
}

static void rename_notify(const struct rename *r)
{
	uint32_t cookie = notify_new_cookie();
	const struct side *o = &r->o, *n = &r->n;
	bool swap = r->flags & RENAME_EXCHANGE;

	notify_name(o->dir.dentry->inode, IN_MOVED_FROM, o->last.name, is_dir(o->d), cookie);
	notify_name(n->dir.dentry->inode, IN_MOVED_TO, n->last.name, is_dir(o->d), cookie);
	notify_inode(o->d->inode, IN_MOVE_SELF);
	if (!n->d->inode)
		return;
	if (!swap) {
		notify_inode(n->d->inode, IN_ATTRIB);
		return;
	}
	cookie = notify_new_cookie();
	notify_name(n->dir.dentry->inode, IN_MOVED_FROM, n->last.name, is_dir(n->d), cookie);
	notify_name(o->dir.dentry->inode, IN_MOVED_TO, o->last.name, is_dir(n->d), cookie);
	notify_inode(n->d->inode, IN_MOVE_SELF);
}

/* Drops the name if it no longer holds, while no other lock is held. */
static void side_refresh(struct side *s)
{
	struct dentry *dir = s->dir.dentry;

	if (s->d)
		dentry_put(STEAL(s->d));
	lock(&dir->inode->lock);
	if (dentry_lookup_locked(dir, s->last.name, s->last.size, &s->d) == 0)
		dentry_put(STEAL(s->d));
	unlock(&dir->inode->lock);
}

static int rename_once(struct rename *r) NO_LOCK_ANALYSIS
{
	struct dentry *od = r->o.dir.dentry, *nd = r->n.dir.dentry;
	struct fs *fs = od->fs;

	lock(&fs->rename_lock);
	dirs_lock(od, nd);
	int err = rename_locked(r);
	unlock_pair(&od->inode->lock, &nd->inode->lock);
	unlock(&fs->rename_lock);
	return err;
}

/* Is what kept them from being renamed mounted in other namespaces only? */
static bool busy_elsewhere(struct rename *r)
{
	if (!r->o.d || !r->n.d || mount_is_point(r->fs, r->o.d) || mount_is_point(r->fs, r->n.d))
		return false;
	side_refresh(&r->o);
	side_refresh(&r->n);
	return true;
}

static int rename_between(struct rename *r)
{
	if (r->o.dir.mnt != r->n.dir.mnt)
		return -EXDEV;
	if (r->o.last.kind != LAST_NORM)
		return -EBUSY;
	if (r->n.last.kind != LAST_NORM)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (mount_readonly(r->o.dir.mnt))
		return -EROFS;
	int err = rename_once(r);
	/* Names that change under us all the time: Linux gives up sooner. */
	for (int tries = 0; err == -ESTALE && tries < 8; tries++) {
		side_refresh(&r->o);
		side_refresh(&r->n);
		err = rename_once(r);
	}
	if (err == -EBUSY && (r->elsewhere = busy_elsewhere(r)))
		err = rename_once(r);
	if (err == 0)
		rename_notify(r);
	return err < 0 ? err : 0;
}

int vfs_rename(const struct walk *ow, const char *oname, const struct walk *nw, const char *nname,
	       uint32_t flags)
{
	struct rename r = {.cred = ow->cred, .fs = ow->fs, .flags = flags};

	/* A whiteout needs a file system that stores one for each name; none of ours does. */
	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	int err = path_walk_parent(ow, oname, &r.o.dir, &r.o.last);
	if (err < 0)
		return err;
	err = path_walk_parent(nw, nname, &r.n.dir, &r.n.last);
	if (err == 0)
		err = rename_between(&r);
	if (r.o.d)
		dentry_put(r.o.d);
	if (r.n.d)
		dentry_put(r.n.d);
	path_put(&r.o.dir);
	path_put(&r.n.dir);
	return err;
}
