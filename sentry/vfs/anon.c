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

static struct fs *anon_fs;
static struct mount anon_mount;
static pthread_once_t anon_once = PTHREAD_ONCE_INIT;

static int anon_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	*out = (struct kstatfs){.type = ANON_INODE_FS_MAGIC, .bsize = PAGE_SIZE, .namelen = 255};
	out->frsize = out->bsize;
	return 0;
}

static void anon_show(struct fs *fs, char *buf, size_t size)
{
	(void)fs;
	if (size)
		buf[0] = 0;
}

static void anon_destroy(struct fs *fs)
{
	(void)fs;
}

static const struct fs_ops anon_fs_ops = {
	.name = "anon_inodefs",
	.statfs = anon_statfs,
	.show = anon_show,
	.destroy = anon_destroy,
	.pinned = true,
	.nodev_listed = false,
};

static const struct inode_ops anon_inode_ops = {
	.lookup = inode_nolookup,
	.create = inode_nocreate,
	.link = inode_nolink,
	.unlink = inode_nounlink,
	.rename = inode_norename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_generic_setattr,
	.getattr = inode_getattr,
	.open = inode_noopen,
	.getxattr = inode_nogetxattr,
	.setxattr = inode_nosetxattr,
	.removexattr = inode_noremovexattr,
	.listxattr = inode_nolistxattr,
	.evict = inode_noevict,
};

static void anon_start(void)
{
	struct inode *root;
	/* Without it no descriptor can ever be made: there is nothing to go back to. */
	int err = fs_new(&anon_fs_ops, NULL, &anon_fs);
	assert(err == 0);
	err = inode_new(anon_fs, &anon_inode_ops, S_IFDIR | 0700, NULL, &root);
	assert(err == 0);
	err = dentry_new_root(anon_fs, root);
	assert(err == 0);
	ref_init(&anon_mount.ref);
	anon_mount.fs = anon_fs;
	anon_mount.root = anon_fs->root;
	list_init(&anon_mount.link);
}

void anon_release(void)
{
	pthread_once(&anon_once, anon_start);
	fs_put(STEAL(anon_fs));
}

int inode_new_anon(const struct inode_ops *ops, uint32_t mode, const char *label, void *priv,
		   struct inode **out)
{
	pthread_once(&anon_once, anon_start);
	char *copy = strdup(label);
	if (!copy)
		return -ENOMEM;
	int err = inode_new(anon_fs, ops ? ops : &anon_inode_ops, mode, priv, out);
	if (err < 0)
		free(copy);
	else
		(*out)->label = copy;
	return err;
}

int anon_path(struct inode *inode, struct path *out)
{
	const char *label = inode->label ? inode->label : "";
	struct dentry *d;

	pthread_once(&anon_once, anon_start);
	int err = dentry_new_loose(anon_fs, NULL, label, strlen(label), &d);
	if (err < 0)
		return err;
	d->inode = inode_get(inode);
	*out = (struct path){mount_get(&anon_mount), d};
	return 0;
}

bool anon_path_is(const struct path *p)
{
	return p->mnt == &anon_mount;
}
