/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects without a name: pipes, sockets, eventfds, memfds.
 *
 * Each open file needs a path, so that /proc/PID/fd and O_PATH work the same
 * for all; these get a dentry that is its own parent, seen through a mount that
 * is in no namespace.
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

/* Namespaces are files of a file system of their own: that is how programs know them. */
enum { ANON, NSFS, ANON_COUNT };
static struct fs *anon_fs[ANON_COUNT];
static struct mount anon_mount[ANON_COUNT];
static pthread_once_t anon_once = PTHREAD_ONCE_INIT;

static int fill_statfs(uint32_t type, struct kstatfs *out)
{
	*out = (struct kstatfs){.type = type, .bsize = PAGE_SIZE, .namelen = 255};
	out->frsize = out->bsize;
	return 0;
}

static int anon_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	return fill_statfs(ANON_INODE_FS_MAGIC, out);
}

static int nsfs_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	return fill_statfs(NSFS_MAGIC, out);
}

static void anon_destroy(struct fs *fs)
{
	(void)fs;
}

static const struct fs_ops anon_fs_ops = {
	.name = "anon_inodefs",
	.statfs = anon_statfs,
	.show = fs_noshow,
	.destroy = anon_destroy,
	.pinned = true,
	.nodev_listed = false,
};

static const struct fs_ops nsfs_ops = {
	.name = "nsfs",
	.statfs = nsfs_statfs,
	.show = fs_noshow,
	.destroy = anon_destroy,
	.pinned = true,
	.nodev_listed = false,
};

static const struct inode_ops anon_inode_ops = {
	INODE_NO_NAMES,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_generic_setattr,
	.getattr = inode_getattr,
	.open = inode_noopen,
	INODE_NO_XATTRS,
	.evict = inode_noevict,
};

static void start_one(unsigned which, const struct fs_ops *ops)
{
	struct inode *root;
	/* Without it no descriptor can ever be made: there is nothing to go back to. */
	int err = fs_new(ops, NULL, &anon_fs[which]);
	assert(err == 0);
	err = inode_new(anon_fs[which], &anon_inode_ops, S_IFDIR | 0700, NULL, &root);
	assert(err == 0);
	err = dentry_new_root(anon_fs[which], root);
	assert(err == 0);
	ref_init(&anon_mount[which].ref);
	anon_mount[which].fs = anon_fs[which];
	anon_mount[which].root = anon_fs[which]->root;
	list_init(&anon_mount[which].link);
}

static void anon_start(void)
{
	start_one(ANON, &anon_fs_ops);
	start_one(NSFS, &nsfs_ops);
}

void anon_release(void)
{
	pthread_once(&anon_once, anon_start);
	for (unsigned i = 0; i < ANON_COUNT; i++)
		fs_put(STEAL(anon_fs[i]));
}

static int new_in(unsigned which, const struct inode_ops *ops, uint32_t mode, const char *label,
		  void *priv, struct inode **out)
{
	pthread_once(&anon_once, anon_start);
	char *copy = strdup(label);
	if (!copy)
		return -ENOMEM;
	int err = inode_new(anon_fs[which], ops, mode, priv, out);
	if (err < 0)
		free(copy);
	else
		(*out)->label = copy;
	return err;
}

int inode_new_anon(const struct inode_ops *ops, uint32_t mode, const char *label, void *priv,
		   struct inode **out)
{
	return new_in(ANON, ops ? ops : &anon_inode_ops, mode, label, priv, out);
}

int inode_new_ns(const struct inode_ops *ops, const char *label, void *priv, struct inode **out)
{
	return new_in(NSFS, ops, S_IFREG | 0444, label, priv, out);
}

int anon_path(struct inode *inode, struct path *out)
{
	const char *label = inode->label ? inode->label : "";
	struct dentry *d;

	pthread_once(&anon_once, anon_start);
	unsigned which = inode->fs == anon_fs[NSFS] ? NSFS : ANON;
	int err = dentry_new_loose(anon_fs[which], NULL, label, strlen(label), &d);
	if (err < 0)
		return err;
	d->inode = inode_get(inode);
	*out = (struct path){mount_get(&anon_mount[which]), d};
	return 0;
}

bool anon_path_is(const struct path *p)
{
	return p->mnt == &anon_mount[ANON] || p->mnt == &anon_mount[NSFS];
}

bool nsfs_path_is(const struct path *p)
{
	return p->mnt == &anon_mount[NSFS];
}
