/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New names: mknod(2), mkdir(2), symlink(2), link(2), bind(2) of a local socket.
 */
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"

void node_spec_init_locked(struct node_spec *s, struct dentry *dir, const struct cred *cred,
			   uint32_t mode, uint32_t umask)
{
	const struct inode *d = dir->inode;

	*s = (struct node_spec){.mode = mode & ~umask, .uid = cred->fsuid, .gid = cred->fsgid};
	if (!(d->mode & S_ISGID))
		return;
	s->gid = d->gid;
	if (mode_is(mode, S_IFDIR))
		s->mode |= S_ISGID;
	/* What the caller asked for counts, before the umask: Linux 6.0, CVE-2021-4037. */
	else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !cred_in_group(cred, d->gid) &&
		 !cred_capable_over(cred, d->uid, d->gid, CAP_FSETID))
		s->mode &= ~(uint32_t)S_ISGID;
}

/*
 * Between the walk and the creation: the directory is locked, the name is free
 * and may be made.  name_begin() -> create -> name_end().
 */
struct naming {
	struct path dir; /* our references */
	struct last last;
	struct dentry *child; /* negative; our reference */
};

static int name_check_locked(struct naming *n, const struct walk *w, bool is_dir)
{
	struct dentry *dir = n->dir.dentry;
	int err = dentry_lookup_locked(dir, n->last.name, n->last.size, &n->child);

	if (err < 0)
		return err;
	if (n->child->inode)
		err = -EEXIST;
	else if (n->last.slash && !is_dir)
		err = -ENOENT;
	else if (mount_readonly(n->dir.mnt))
		err = -EROFS;
	else
		err = may_create_locked(dir, w->cred);
	if (err < 0)
		dentry_put(n->child);
	return err;
}

/* On success the directory stays locked, until name_end. */
static int name_begin(struct naming *n, const struct walk *w, const char *name,
		      bool is_dir) NO_LOCK_ANALYSIS
{
	int err = path_walk_parent(w, name, &n->dir, &n->last);

	if (err < 0)
		return err;
	if (n->last.kind != LAST_NORM) {
		path_put(&n->dir);
		return -EEXIST;
	}
	lock(&n->dir.dentry->inode->lock);
	err = name_check_locked(n, w, is_dir);
	if (err < 0) {
		unlock(&n->dir.dentry->inode->lock);
		path_put(&n->dir);
	}
	return err;
}

/* err: of the creation; handed through. */
static int name_end(struct naming *n, int err, bool is_dir) NO_LOCK_ANALYSIS
{
	struct inode *dir = n->dir.dentry->inode;

	unlock(&dir->lock);
	if (err == 0)
		notify_name(dir, IN_CREATE, n->last.name, is_dir, 0);
	dentry_put(n->child);
	path_put(&n->dir);
	dentry_shrink();
	return err;
}

/* Device nodes need CAP_MKNOD, but for a whiteout: no driver answers for 0:0. */
static bool may_mknod(const struct cred *cred, uint32_t mode, uint64_t rdev)
{
	bool device = mode_is(mode, S_IFCHR) || mode_is(mode, S_IFBLK);
	bool whiteout = mode_is(mode, S_IFCHR) && rdev == 0;
	return !device || whiteout || cred_capable(cred, CAP_MKNOD);
}

/* One node of any kind.  mode: with type. */
static int node_make(const struct walk *w, const char *name, uint32_t mode, uint64_t rdev,
		     const char *target, void *bound, struct path *out)
{
	bool is_dir = mode_is(mode, S_IFDIR);
	struct node_spec spec;
	struct naming n;
	int err = name_begin(&n, w, name, is_dir);

	if (err < 0)
		return err;
	struct dentry *dir = n.dir.dentry;
	node_spec_init_locked(&spec, dir, w->cred, mode,
			      mode_is(mode, S_IFLNK) ? 0 : fsctx_umask(w->fs));
	spec.rdev = rdev;
	spec.target = target;
	err = may_mknod(w->cred, mode, rdev) ? dir->inode->ops->create(dir, n.child, &spec)
					     : -EPERM;
	/* The directory's lock keeps others from finding it before this is set. */
	if (err == 0)
		inode_is_bare(n.child->inode);
	if (err == 0 && bound)
		n.child->inode->bound = bound;
	if (err == 0 && out) {
		*out = (struct path){n.dir.mnt, n.child};
		path_get(out);
	}
	return name_end(&n, err, is_dir);
}

int vfs_mknod(const struct walk *w, const char *name, uint32_t mode, uint64_t rdev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	if (!mode_is(mode, S_IFCHR) && !mode_is(mode, S_IFBLK))
		rdev = 0;
	return node_make(w, name, mode & (S_IFMT | S_IALLUGO), rdev, NULL, NULL, NULL);
}

int vfs_mkdir(const struct walk *w, const char *name, uint32_t mode)
{
	return node_make(w, name, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)), 0, NULL, NULL, NULL);
}

int vfs_symlink(const struct walk *w, const char *target, const char *name)
{
	if (!*target)
		return -ENOENT;
	return node_make(w, name, S_IFLNK | S_IRWXUGO, 0, target, NULL, NULL);
}

int vfs_bind_socket(const struct walk *w, const char *name, uint32_t mode, void *bound,
		    struct path *out)
{
	int err = node_make(w, name, S_IFSOCK | (mode & S_IRWXUGO), 0, NULL, bound, out);
	return err == -EEXIST ? -EADDRINUSE : err;
}

int vfs_lookup_socket(const struct walk *w, const char *name, struct path *out)
{
	int err = path_walk(w, name, out);

	if (err < 0)
		return err;
	err = path_permission(out, w->cred, MAY_WRITE);
	if (err == 0 && !inode_is(out->dentry->inode, S_IFSOCK))
		err = -ECONNREFUSED;
	if (err < 0)
		path_put(out);
	return err;
}

static int link_locked(struct naming *n, struct inode *i)
{
	struct dentry *dir = n->dir.dentry;

	if (inode_is(i, S_IFDIR))
		return -EPERM;
	/* No other lock is needed: only this call makes 0 links into 1, and it is checked again
	 * by nobody else than a second link of the same O_TMPFILE, which is harmless.  A last name
	 * that goes meanwhile went after this one came. */
	if (__atomic_load_n(&i->nlink, __ATOMIC_RELAXED) == 0 && !i->linkable)
		return -ENOENT;
	return dir->inode->ops->link(dir, n->child, i);
}

int vfs_link(const struct path *old, const struct walk *w, const char *name)
{
	struct inode *i = old->dentry->inode;
	struct naming n;
	int err = name_begin(&n, w, name, /*is_dir=*/false);

	if (err < 0)
		return err;
	if (n.dir.mnt != old->mnt)
		err = -EXDEV;
	else
		err = link_locked(&n, i);
	err = name_end(&n, err, /*is_dir=*/false);
	if (err == 0)
		notify_inode(i, IN_ATTRIB);
	return err;
}
