/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories.  The dentry table is the directory; here is what goes with it:
 * inodes, link counts, times, sizes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/private.h"
#include "sentry/sync/timer.h"
#include "syscalls/abi/dirent.h"
#include "syscalls/abi/fcntl.h"

/* The inode's lock is held; dentry_put() looks without it. */
static void nlink_add(struct inode *inode, int n)
{
	__atomic_store_n(&inode->nlink, inode->nlink + (uint32_t)n, __ATOMIC_RELAXED);
}

static int dir_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	return dir_peek_locked(dir, name, size, out);
}

/* An entry came (change 1) or went (-1). */
static void dir_changed(struct inode *dir, int change)
{
	/* The overlay shows the size that the lower directory had. */
	if (!memfs_of(dir)->gofer)
		dir->size += (uint64_t)(int64_t)(change * DIRENT_SIZE);
	inode_touch_locked(dir, ATTR_MTIME | ATTR_CTIME);
}

/* Before a change the directory in memory must be whole.  -EEXIST: the name came with it. */
static int dir_own_locked(struct dentry *dir, const struct dentry *child)
{
	bool was_free = !child->inode;
	int err = dir_fill_locked(dir);
	node_altered(dir->inode);
	return err == 0 && was_free && child->inode ? -EEXIST : err;
}

static int dir_create(struct dentry *dir, struct dentry *child, const struct node_spec *spec)
{
	struct inode *d = dir->inode;
	autoput(inode) struct inode *i = NULL;
	int err = dir_own_locked(dir, child);
	if (err == 0)
		err = node_new(memfs_of(d), spec->mode, /*charged=*/true, &i);
	if (err < 0)
		return err;
	i->uid = spec->uid;
	i->gid = spec->gid;
	i->rdev = spec->rdev;
	if (S_ISLNK(spec->mode)) {
		node_of(i)->target = strdup(spec->target);
		if (!node_of(i)->target)
			return -ENOMEM;
		i->size = strlen(spec->target);
	}
	/* Nothing below can fail. */
	bool named = child->hashed;
	dentry_set_inode_locked(child, STEAL(i));
	if (S_ISDIR(spec->mode))
		nlink_add(d, 1);
	if (named)
		dir_changed(d, 1);
	return 0;
}

static int dir_link(struct dentry *dir, struct dentry *child, struct inode *inode)
{
	int err = dir_own_locked(dir, child);
	if (err < 0)
		return err;
	lock_nested(&inode->lock); /* a file: directories come before it */
	bool overflow = inode->nlink == UINT32_MAX;
	if (!overflow) {
		nlink_add(inode, 1);
		inode_touch_locked(inode, ATTR_CTIME);
	}
	unlock(&inode->lock);
	if (overflow)
		return -EMLINK;
	node_altered(inode);
	links_named(inode);
	dentry_set_inode_locked(child, inode_get(inode));
	dir_changed(dir->inode, 1);
	return 0;
}

/*
 * A name of the victim goes from dir.  A directory must be empty, and is marked
 * dead in the same locked section: nobody can create in it afterwards.
 */
static int name_take(struct inode *dir, struct dentry *name)
{
	struct inode *victim = name->inode;
	bool is_dir = S_ISDIR(victim->mode);
	int err = 0;

	lock_nested(&victim->lock); /* parent before child */
	if (is_dir && (err = dir_fill_locked(name)) == 0 && dentry_next_child_locked(name, 0))
		err = -ENOTEMPTY;
	if (err == 0) {
		nlink_add(victim, is_dir ? -(int)victim->nlink : -1);
		inode_touch_locked(victim, ATTR_CTIME);
		node_altered(victim);
	}
	unlock(&victim->lock);
	if (err < 0)
		return err;
	if (is_dir)
		nlink_add(dir, -1);
	links_unnamed(victim);
	return 0;
}

static int dir_unlink(struct dentry *dir, struct dentry *child)
{
	int err = dir_fill_locked(dir);
	node_altered(dir->inode);
	if (err == 0)
		err = name_take(dir->inode, child);
	if (err < 0)
		return err;
	dir_changed(dir->inode, -1);
	return 0;
}

static void touch_moved(struct inode *i)
{
	lock_nested(&i->lock); /* parent before child */
	inode_touch_locked(i, ATTR_CTIME);
	unlock(&i->lock);
}

static void dir_exchanged(struct inode *od, struct inode *oi, struct inode *nd, struct inode *ni)
{
	if (S_ISDIR(oi->mode)) {
		nlink_add(od, -1);
		nlink_add(nd, 1);
	}
	if (S_ISDIR(ni->mode)) {
		nlink_add(nd, -1);
		nlink_add(od, 1);
	}
	touch_moved(ni);
}

static int dir_rename(struct dentry *odir, struct dentry *ochild, struct dentry *ndir,
		      struct dentry *nchild, uint32_t flags)
{
	struct inode *od = odir->inode, *nd = ndir->inode;
	int err = dir_own_locked(odir, ochild);
	if (err == 0)
		err = dir_own_locked(ndir, nchild);
	if (err < 0)
		return err;
	struct inode *oi = ochild->inode, *ni = nchild->inode;

	if (flags & RENAME_EXCHANGE) {
		dir_exchanged(od, oi, nd, ni);
		inode_touch_locked(od, ATTR_MTIME | ATTR_CTIME);
	} else {
		if (ni && (err = name_take(nd, nchild)) < 0)
			return err;
		if (S_ISDIR(oi->mode)) {
			nlink_add(od, -1);
			nlink_add(nd, 1);
		}
		dir_changed(od, -1);
		dir_changed(nd, ni ? 0 : 1);
	}
	inode_touch_locked(nd, ATTR_MTIME | ATTR_CTIME);
	touch_moved(oi);
	return 0;
}

static uint8_t dirent_type(const struct inode *i)
{
	return (uint8_t)((i->mode & S_IFMT) >> 12); /* DT_* are the type bits */
}

static int dir_readdir(struct file *f, int64_t *pos, dirent_fn fn, void *arg)
{
	struct dentry *dir = f->path.dentry, *d;
	struct inode *i = f->inode;

	if (!file_put_dots(f, pos, fn, arg))
		return 0;
	lock(&i->lock);
	if (!node_of(i)->changed) {
		unlock(&i->lock);
		dirs_ahead(dir);
		lock(&i->lock);
	}
	int err = dir_fill_locked(dir);
	while (err == 0 && (d = dentry_next_child_locked(dir, (uint64_t)*pos)) != NULL) {
		int64_t next = (int64_t)d->cookie + 1;
		if (!fn(arg, d->name, strlen(d->name), d->inode->ino, dirent_type(d->inode), next))
			break;
		*pos = next;
	}
	unlock(&i->lock);
	file_accessed(f);
	return err;
}

const struct file_ops memfs_dir_ops = {
	FILE_IS_DIR,
	.readdir = dir_readdir,
	.fsync = file_okfsync,
	.release = file_norelease,
};

const struct inode_ops memfs_dir_inode_ops = {
	.lookup = dir_lookup,
	.create = dir_create,
	.link = dir_link,
	.unlink = dir_unlink,
	.rename = dir_rename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = node_setattr,
	.getattr = node_getattr,
	.open = memfs_open,
	.getxattr = memfs_getxattr,
	.setxattr = memfs_setxattr,
	.removexattr = memfs_removexattr,
	.listxattr = memfs_listxattr,
	.evict = node_evict,
};
