/* SPDX-License-Identifier: Apache-2.0 */
/* The mqueue file system: one directory of queues for each IPC namespace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/ipc/mq_private.h"
#include "sentry/vfs/dentry.h"
#include "syscalls/abi/dirent.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"

/* Sizes that stat(2) tells, as Linux has them. */
enum { NAME_COST = 20, QUEUE_SIZE = 80 };

/* ---- an open queue ---- */

static ssize_t queue_read(struct file *f, struct uio *u, int64_t *pos)
{
	char text[96];
	int n = mq_status(mqueue_of(f), text, sizeof text);
	if (*pos >= n)
		return 0;
	ssize_t done = uio_put(u, text + *pos, min_u64(u->left, (uint64_t)(n - *pos)));
	if (done > 0)
		*pos += done;
	return done;
}

static int64_t queue_seek(struct file *f, int64_t off, int whence)
{
	return file_seek_generic(f, off, whence, f->inode->size);
}

static uint32_t queue_poll(struct file *f)
{
	struct mqueue *q = mqueue_of(f);
	lock(&q->lock);
	size_t n = q->messages.count;
	unlock(&q->lock);
	return (n > 0 ? EPOLLIN | EPOLLRDNORM : 0) |
	       (n < (size_t)q->maxmsg ? EPOLLOUT | EPOLLWRNORM : 0);
}

static void queue_flush(struct file *f, void *owner)
{
	const struct task *t = task_current();
	(void)owner;
	if (t)
		mq_wish_drop(mqueue_of(f), t->group);
}

static const struct file_ops queue_ops = {
	.read = queue_read,
	.write = file_nowrite,
	.seek = queue_seek,
	.poll = queue_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = queue_flush,
	.release = file_norelease,
};

bool mq_is_queue(const struct file *f)
{
	return f->ops == &queue_ops;
}

static int queue_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		      struct file **out)
{
	struct mqueue *q = i->priv;
	int err = file_new(&queue_ops, FILE_INODE, q, path, inode_get(i), cred, flags, out);
	if (err == 0)
		(*out)->wq = &q->wq;
	return err;
}

static int queue_setattr(struct inode *i, const struct iattr *a)
{
	if (a->mask & ATTR_SIZE)
		i->size = a->size;
	return inode_generic_setattr(i, a);
}

static void queue_evict(struct inode *i)
{
	mqueue_free(i->priv);
}

static const struct inode_ops queue_inode_ops = {
	INODE_NO_NAMES,		  .readlink = inode_noreadlink, .follow = inode_nofollow,
	.setattr = queue_setattr, .getattr = inode_getattr,	.open = queue_open,
	INODE_NO_XATTRS,	  .evict = queue_evict,
};

/* ---- the directory ---- */

static int dir_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	(void)dir;
	(void)name;
	(void)size;
	*out = NULL;
	return 0;
}

static void dir_changed(struct inode *dir, int change)
{
	dir->size += (uint64_t)(int64_t)(change * NAME_COST);
	inode_touch_locked(dir, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
}

int mq_queue_create_locked(struct dentry *dir, struct dentry *child, const struct cred *c,
			   uint32_t mode, const struct abi_mq_attr *attr)
{
	struct inode *i;
	struct mqueue *q;
	int err = mqueue_new(dir->fs->priv, c, attr, &q);
	if (err < 0)
		return err;
	err = inode_new(dir->fs, &queue_inode_ops, mode, q, &i);
	if (err < 0) {
		mqueue_free(q);
		return err;
	}
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	i->size = QUEUE_SIZE;
	/* Nothing below can fail. */
	dentry_set_inode_locked(child, i);
	dir_changed(dir->inode, 1);
	return 0;
}

/* A queue always has a name to begin with: none for O_TMPFILE. */
static int dir_create(struct dentry *dir, struct dentry *child, const struct node_spec *spec)
{
	const struct task *t = task_current();
	if (!mode_is(spec->mode, S_IFREG) || !child->hashed || !t)
		return -EPERM;
	return mq_queue_create_locked(dir, child, task_cred_self(t), spec->mode, NULL);
}

static int dir_unlink(struct dentry *dir, struct dentry *child)
{
	struct inode *i = child->inode;
	lock_nested(&i->lock);				  /* parent before child */
	__atomic_store_n(&i->nlink, 0, __ATOMIC_RELAXED); /* dentry_put() looks without the lock */
	inode_touch_locked(i, ATTR_CTIME);
	unlock(&i->lock);
	dir_changed(dir->inode, -1);
	return 0;
}

static int dir_readdir(struct file *f, int64_t *pos, dirent_fn fn, void *arg)
{
	struct inode *i = f->inode;
	struct dentry *d;
	if (!file_put_dots(f, pos, fn, arg))
		return 0;
	lock(&i->lock);
	while ((d = dentry_next_child_locked(f->path.dentry, (uint64_t)*pos))) {
		int64_t next = (int64_t)d->cookie + 1;
		if (!fn(arg, d->name, strlen(d->name), d->inode->ino, DT_REG, next))
			break;
		*pos = next;
	}
	unlock(&i->lock);
	file_accessed(f);
	return 0;
}

static const struct file_ops dir_ops = {
	FILE_IS_DIR,
	.readdir = dir_readdir,
	.fsync = file_okfsync,
	.release = file_norelease,
};

static int dir_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	return file_new(&dir_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
}

static const struct inode_ops dir_inode_ops = {
	.lookup = dir_lookup,
	.create = dir_create,
	.link = inode_nolink,
	.unlink = dir_unlink,
	.rename = inode_norename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_generic_setattr,
	.getattr = inode_getattr,
	.open = dir_open,
	INODE_NO_XATTRS,
	.evict = inode_noevict,
};

/* ---- the file system ---- */

static int mq_statfs(struct fs *fs, struct kstatfs *out)
{
	*out = (struct kstatfs){
		.type = MQUEUE_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = 255};
	out->fsid = fs->dev;
	return 0;
}

static void mq_destroy(struct fs *fs)
{
	free(fs->priv);
}

static const struct fs_ops mq_fs_ops = {
	.name = "mqueue",
	.statfs = mq_statfs,
	.show = fs_noshow,
	.destroy = mq_destroy,
	.pinned = true,
	.nodev_listed = true,
};

static int root_new(struct fs *fs, const struct ipc_ns *n)
{
	struct inode *root;
	int err = inode_new(fs, &dir_inode_ops, S_IFDIR | S_ISVTX | 0777, NULL, &root);
	if (err < 0)
		return err;
	root->nlink = 2;
	root->uid = n->maker_uid;
	root->gid = n->maker_gid;
	err = dentry_new_root(fs, root);
	if (err < 0)
		inode_put(root);
	return err;
}

/* A new file system, whose namespace is n. */
int mq_fs_new(struct ipc_ns *n, struct fs **out)
{
	struct mq_fs *m = calloc(1, sizeof *m);
	struct fs *fs;
	if (!m)
		return -ENOMEM;
	lock_init(&m->lock, RANK_LEAF);
	m->ns = n;
	int err = fs_new(&mq_fs_ops, m, &fs);
	if (err < 0) {
		free(m);
		return err;
	}
	fs_own(fs, n->ns.owner);
	err = root_new(fs, n);
	if (err < 0)
		fs_put(fs);
	else
		*out = fs;
	return err;
}
