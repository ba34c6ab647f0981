/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2): from a path to a struct file.
 *
 * The order of the checks is Linux's, because programs see which errno wins:
 * the walk, O_EXCL, kinds of file, permissions, and last what the file itself
 * says.  A file that this very call has created is not checked for permission.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

static const uint32_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
static const uint32_t tmpfile_bit = O_TMPFILE & ~O_DIRECTORY;

static unsigned access_of(uint32_t flags)
{
	/* 3 is a mode of its own: checked as both, may neither read nor write. */
	static const unsigned may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				       MAY_READ | MAY_WRITE};
	return may[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static const struct file_ops path_file_ops = {
	.read = file_noread,
	.write = file_nowrite,
	.seek = file_noseek,
	.poll = file_alwaysready,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = file_norelease,
};

static int open_o_path(const struct path *p, const struct cred *cred, uint32_t flags,
		       struct file **out)
{
	struct path copy = *p;

	path_get(&copy);
	int err = file_new(&path_file_ops, FILE_PATH, NULL, copy, inode_get(p->dentry->inode), cred,
			   flags & path_flags, out);
	if (err < 0)
		path_put(&copy);
	return err;
}

/* Kind of file and permission; what may_open says on Linux. */
static int open_check(const struct path *p, const struct cred *cred, uint32_t flags)
{
	struct inode *i = p->dentry->inode;
	unsigned may = access_of(flags);

	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		/* One that is in a file system of some user namespace is nobody's device. */
		if ((__atomic_load_n(&p->mnt->flags, __ATOMIC_RELAXED) & MNT_NODEV) ||
		    i->fs->user_ns != &user_first)
			return -EACCES;
		break;
	default:
		break;
	}
	int err = path_permission(p, cred, may);
	if (err == 0 && (flags & O_NOATIME) && !inode_owner_or_capable(i, cred))
		err = -EPERM;
	return err;
}

static int writers_get(const struct path *p)
{
	int err = mount_get_write(p->mnt);

	if (err < 0)
		return err;
	err = inode_get_write(p->dentry->inode);
	if (err < 0)
		mount_put_write(p->mnt);
	return err;
}

/* The kind of file has its say; regular files opened for writing are counted. */
static int open_inode(const struct path *p, const struct cred *cred, uint32_t flags,
		      struct file **out)
{
	struct inode *i = p->dentry->inode;
	bool writes = inode_is(i, S_IFREG) && (flags & O_ACCMODE) != O_RDONLY;
	struct path copy = *p;

	int err = writes ? writers_get(p) : 0;
	if (err < 0)
		return err;
	path_get(&copy);
	err = i->ops->open(i, copy, cred, flags, out);
	if (err < 0) {
		path_put(&copy);
		if (writes) {
			inode_put_write(i);
			mount_put_write(p->mnt);
		}
		return err;
	}
	(*out)->write_counted = writes;
	return 0;
}

static int open_truncate(struct file *f, const struct cred *cred)
{
	const struct iattr a = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_MTIME_NOW};
	int err = inode_get_write(f->inode);

	if (err < 0)
		return err;
	err = inode_setattr(f->inode, f->path.mnt, cred, &a);
	inode_put_write(f->inode);
	return err;
}

/* Everything after the walk.  created: by this call. */
static int open_found(const struct path *p, const struct cred *cred, uint32_t flags, bool created,
		      struct file **out)
{
	uint32_t kept = flags | O_LARGEFILE;

	if (created || !inode_is(p->dentry->inode, S_IFREG))
		flags &= ~(uint32_t)O_TRUNC;
	int err = open_inode(p, cred, kept, out);
	if (err < 0)
		return err;
	if (flags & O_TRUNC)
		err = open_truncate(*out, cred);
	if (err < 0) {
		file_put(*out);
		return err;
	}
	notify_file(*out, IN_OPEN);
	return 0;
}

int vfs_open_path(const struct path *p, const struct cred *cred, uint32_t flags, struct file **out)
{
	if (flags & O_PATH)
		return open_o_path(p, cred, flags, out);
	if ((flags & O_DIRECTORY) && !path_is_dir(p))
		return -ENOTDIR;
	int err = open_check(p, cred, flags);
	return err < 0 ? err : open_found(p, cred, flags, /*created=*/false, out);
}

/* Looks the last component up, or creates it.  nd->at is its directory.  *out_created. */
static int lookup_or_create(struct nd *nd, const struct last *last, uint32_t mode, struct path *out,
			    bool *out_created)
{
	struct dentry *dir = nd->at.dentry, *d;
	const struct cred *cred = nd->w->cred;

	lock(&dir->inode->lock);
	int err = dir_is_dead_locked(dir) ? -ENOENT
					  : dentry_lookup_locked(dir, last->name, last->size, &d);
	if (err == 0 && !d->inode) {
		err = mount_readonly(nd->at.mnt) ? -EROFS : may_create_locked(dir, cred);
		if (err == 0) {
			struct node_spec spec;
			node_spec_init_locked(&spec, dir, cred, S_IFREG | mode,
					      fsctx_umask(nd->w->fs));
			err = dir->inode->ops->create(dir, d, &spec);
		}
		if (err == 0)
			inode_is_bare(d->inode);
		*out_created = err == 0;
		if (err < 0)
			dentry_put(d);
	}
	unlock(&dir->inode->lock);
	if (err < 0)
		return err;
	*out = (struct path){mount_get(nd->at.mnt), d};
	mount_down(out);
	if (out->mnt != nd->at.mnt && (nd->w->flags & WALK_NO_XDEV)) {
		path_put(out);
		return -EXDEV;
	}
	return 0;
}

/* O_CREAT: the walk to the last component, which may be made here.  The result is nd->at. */
static int walk_creat(struct nd *nd, uint32_t flags, uint32_t mode, bool *out_created)
{
	struct last last;
	struct path p;
	bool jumped = false;

	for (;;) {
		int err = nd_parent(nd, &last);
		if (err < 0)
			return err;
		if (last.kind != LAST_NORM)
			return nd_dots(nd, &last);
		if (last.slash)
			return -EISDIR;
		err = lookup_or_create(nd, &last, mode, &p, out_created);
		if (err < 0)
			return err;
		if (!path_is_link(&p) || (flags & (O_NOFOLLOW | O_EXCL)))
			break;
		err = nd_follow(nd, &p, /*slash=*/false, &jumped);
		if (err < 0 || jumped)
			return err;
	}
	if (*out_created)
		notify_name(nd->at.dentry->inode, IN_CREATE, last.name, false, 0);
	path_put(&nd->at);
	nd->at = p;
	return 0;
}

static int open_creat(const struct walk *w, const char *name, uint32_t flags, uint32_t mode,
		      struct file **out)
{
	bool created = false;
	struct nd nd;
	int err = nd_start(&nd, w, name);

	if (err < 0)
		return err;
	err = walk_creat(&nd, flags, mode, &created);
	if (err == 0 && (flags & O_EXCL) && !created)
		err = -EEXIST;
	if (err == 0 && path_is_dir(&nd.at))
		err = -EISDIR;
	if (err == 0 && !created)
		err = open_check(&nd.at, w->cred, flags);
	if (err == 0)
		err = open_found(&nd.at, w->cred, flags, created, out);
	if (err == 0)
		(*out)->created = created;
	nd_end(&nd);
	dentry_shrink();
	return err;
}

/* A file in the directory's file system that has no name; link(2) may give it one. */
static int tmpfile_new(const struct walk *w, const struct path *dir, uint32_t flags, uint32_t mode,
		       struct path *out)
{
	struct inode *di = dir->dentry->inode;
	struct node_spec spec;
	struct dentry *d;
	char name[32];

	if (!dir->dentry->fs->ops->pinned)
		return -EOPNOTSUPP;
	int err = dentry_new_loose(dir->dentry->fs, dir->dentry, "#", 1, &d);
	if (err < 0)
		return err;
	lock(&di->lock);
	node_spec_init_locked(&spec, dir->dentry, w->cred, S_IFREG | mode, fsctx_umask(w->fs));
	err = di->ops->create(dir->dentry, d, &spec);
	unlock(&di->lock);
	if (err < 0) {
		dentry_put(d);
		return err == -EPERM ? -EOPNOTSUPP : err;
	}
	lock(&d->inode->lock);
	d->inode->nlink = 0;
	inode_is_bare(d->inode);
	d->inode->linkable = !(flags & O_EXCL);
	unlock(&d->inode->lock);
	snprintf(name, sizeof name, "#%llu", (unsigned long long)d->inode->ino);
	d->deleted = true;
	/* Nobody else sees the dentry yet, so the name may be replaced as it is. */
	char *copy = strdup(name);
	if (copy) {
		free(d->name);
		d->name = copy;
	}
	*out = (struct path){mount_get(dir->mnt), d};
	return 0;
}

static int open_tmpfile(const struct walk *w, const char *name, uint32_t flags, uint32_t mode,
			struct file **out)
{
	struct walk dw = *w;
	struct path dir, p;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	dw.flags |= WALK_DIRECTORY;
	int err = path_walk(&dw, name, &dir);
	if (err < 0)
		return err;
	err = path_permission(&dir, w->cred, MAY_WRITE | MAY_EXEC);
	if (err == 0)
		err = tmpfile_new(w, &dir, flags, mode, &p);
	path_put(&dir);
	if (err < 0)
		return err;
	err = open_found(&p, w->cred, flags & ~(uint32_t)O_EXCL, /*created=*/true, out);
	path_put(&p);
	return err;
}

int vfs_open(const struct walk *w, const char *name, uint32_t flags, uint32_t mode,
	     struct file **out)
{
	struct walk copy = *w;
	struct path p;

	if (flags & O_PATH)
		flags &= path_flags;
	else if (flags & tmpfile_bit)
		return open_tmpfile(w, name, flags, mode, out);
	else if (flags & O_CREAT)
		return open_creat(w, name, flags, mode, out);
	if (flags & O_NOFOLLOW)
		copy.flags |= WALK_NOFOLLOW;
	if (flags & O_DIRECTORY)
		copy.flags |= WALK_DIRECTORY;
	int err = path_walk(&copy, name, &p);
	if (err < 0)
		return err;
	err = vfs_open_path(&p, w->cred, flags, out);
	path_put(&p);
	return err;
}
