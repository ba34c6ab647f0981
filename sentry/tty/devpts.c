/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devpts: a memory file system with a node for each open pair, and ptmx.
 * One instance: every mount of it shows the same terminals.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/fs/memfs/memfs.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/dentry.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

enum { GID_TTY = 5 };

static struct fs *instance;	/* our reference; made by the first mount, at boot */
static struct mount *seen;	/* where it is mounted first: paths of slaves; our reference */

static int node_add(const char *name, const struct node_spec *spec)
{
	struct dentry *dir = instance->root, *child = NULL;
	lock(&dir->inode->lock);
	int err = dentry_lookup_locked(dir, name, strlen(name), &child);
	if (err == 0 && !child->inode)
		err = dir->inode->ops->create(dir, child, spec);
	unlock(&dir->inode->lock);
	if (child)
		dentry_put(child);
	return err;
}

int devpts_make(const char *source, const char *data, struct fs **out)
{
	struct memfs_options o = {.name = "devpts", .mode = 0755};
	struct node_spec ptmx = {.mode = S_IFCHR | 0666, .rdev = abi_makedev(5, 2)};
	(void)source;
	(void)data;
	if (!instance) {
		int err = memfs_new(&o, &instance);
		if (err == 0)
			err = node_add("ptmx", &ptmx);
		if (err < 0)
			return err;
	}
	*out = fs_get(instance);
	return 0;
}

void devpts_mounted(struct mount *m)
{
	if (!seen)
		seen = mount_get(m);
}

int devpts_add(const struct tty *tty, const struct cred *cred)
{
	char name[16];
	struct node_spec spec = {
		.mode = S_IFCHR | 0620,
		.uid = cred->fsuid,
		.gid = GID_TTY,
		.rdev = tty->rdev,
	};
	if (!instance)
		return -ENODEV;
	snprintf(name, sizeof name, "%d", tty->index);
	return node_add(name, &spec);
}

void devpts_remove(int index)
{
	char name[16];
	struct dentry *dir, *child = NULL;
	if (!instance)
		return;
	dir = instance->root;
	snprintf(name, sizeof name, "%d", index);
	lock(&dir->inode->lock);
	if (dentry_lookup_locked(dir, name, strlen(name), &child) == 0 && child->inode &&
	    dir->inode->ops->unlink(dir, child) == 0)
		dentry_drop_locked(child);
	unlock(&dir->inode->lock);
	if (child)
		dentry_put(child);
}

int devpts_path(int index, struct path *out)
{
	char name[16];
	struct dentry *child = NULL;
	if (!instance || !seen)
		return -ENXIO;
	snprintf(name, sizeof name, "%d", index);
	lock(&instance->root->inode->lock);
	int err = dentry_lookup_locked(instance->root, name, strlen(name), &child);
	unlock(&instance->root->inode->lock);
	if (err < 0)
		return err;
	if (!child->inode) {
		dentry_put(child);
		return -EIO;
	}
	*out = (struct path){mount_get(seen), child};
	return 0;
}

void devpts_release(void)
{
	if (seen)
		mount_put(STEAL(seen));
	if (instance)
		fs_put(STEAL(instance));
}
