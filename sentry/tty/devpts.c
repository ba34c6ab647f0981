/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devpts: a memory file system with a node for each open pair, and ptmx.
 * One instance a container: every mount of it there shows the same terminals.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/memfs.h"
#include "sentry/task/container.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/dentry.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

enum { GID_TTY = 5 };

struct devpts {
	struct ref ref;		/* a  its container's, and one of each terminal */
	struct list all;	/* instances_lock */
	struct fs *fs;		/* instances_lock: made by the first mount; our reference */
	struct mount *seen;	/* instances_lock: where that is: paths of slaves; our reference */
	struct tty *lines[PTS_MAX]; /* pts.c */
};

static struct lock instances_lock = LOCK_INIT(RANK_LEAF);
static struct devpts first = {.ref = {1}, .all = LIST_INIT(first.all)};
static struct list instances = LIST_INIT(instances);	/* instances_lock: without the first */

int devpts_begin(struct container *c)
{
	struct devpts *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	ref_init(&d->ref);
	lock(&instances_lock);
	list_append(&instances, &d->all);
	unlock(&instances_lock);
	c->devpts = d;
	return 0;
}

struct devpts *devpts_get(struct devpts *d)
{
	ref_get(&d->ref);
	return d;
}

void devpts_put(struct devpts *d)
{
	if (ref_put(&d->ref))
		free(d);
}

void devpts_end(struct container *c)
{
	struct devpts *d = c->devpts ? c->devpts : &first;
	lock(&instances_lock);
	struct mount *seen = STEAL(d->seen);
	struct fs *fs = STEAL(d->fs);
	list_del(&d->all);
	unlock(&instances_lock);
	if (seen)
		mount_put(seen);
	if (fs)
		fs_put(fs);
	if (STEAL(c->devpts))
		devpts_put(d);
}

struct devpts *devpts_here(void)
{
	const struct task *t = task_current();
	return t && t->group->container->devpts ? t->group->container->devpts : &first;
}

struct devpts *devpts_of(const struct inode *i)
{
	struct devpts *d, *found = devpts_here();
	lock(&instances_lock);
	if (first.fs == i->fs)
		found = &first;
	list_for_each (d, &instances, all)
		if (d->fs == i->fs)
			found = d;
	devpts_get(found);
	unlock(&instances_lock);
	return found;
}

struct tty **devpts_lines(struct devpts *d)
{
	return d->lines;
}

/* Referenced, or NULL: none is mounted. */
static struct fs *fs_of(const struct devpts *d)
{
	lock(&instances_lock);
	struct fs *fs = d->fs ? fs_get(d->fs) : NULL;
	unlock(&instances_lock);
	return fs;
}

static int node_add(struct fs *fs, const char *name, const struct node_spec *spec)
{
	struct dentry *dir = fs->root, *child = NULL;
	lock(&dir->inode->lock);
	int err = dentry_lookup_locked(dir, name, strlen(name), &child);
	if (err == 0 && !child->inode)
		err = dir->inode->ops->create(dir, child, spec);
	unlock(&dir->inode->lock);
	if (child)
		dentry_put(child);
	return err;
}

static int instance_new(struct devpts *d)
{
	struct memfs_options o = {.name = "devpts", .mode = 0755};
	struct node_spec ptmx = {.mode = S_IFCHR | 0666, .rdev = abi_makedev(5, 2)};
	struct fs *fs;
	int err = memfs_new(&o, &fs);
	if (err < 0)
		return err;
	if ((err = node_add(fs, "ptmx", &ptmx)) < 0) {
		fs_put(fs);
		return err;
	}
	lock(&instances_lock);
	struct fs *extra = d->fs ? fs : NULL; /* another thread was first */
	if (!extra)
		d->fs = fs;
	unlock(&instances_lock);
	if (extra)
		fs_put(extra);
	return 0;
}

int devpts_make(const struct fs_source *s, struct fs **out)
{
	struct devpts *d = devpts_here();
	(void)s;
	int err = 0;
	*out = fs_of(d);
	if (!*out && (err = instance_new(d)) == 0)
		*out = fs_of(d);
	return err;
}

void devpts_mounted(struct mount *m)
{
	struct devpts *d = devpts_here();
	lock(&instances_lock);
	if (!d->seen)
		d->seen = mount_get(m);
	unlock(&instances_lock);
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
	struct fs *fs = fs_of(tty->pts);
	if (!fs)
		return -ENODEV;
	snprintf(name, sizeof name, "%d", tty->index);
	int err = node_add(fs, name, &spec);
	fs_put(fs);
	return err;
}

void devpts_remove(const struct tty *tty)
{
	char name[16];
	struct dentry *dir, *child = NULL;
	struct fs *fs = fs_of(tty->pts);
	if (!fs)
		return;
	dir = fs->root;
	snprintf(name, sizeof name, "%d", tty->index);
	lock(&dir->inode->lock);
	if (dentry_lookup_locked(dir, name, strlen(name), &child) == 0 && child->inode &&
	    dir->inode->ops->unlink(dir, child) == 0)
		dentry_drop_locked(child);
	unlock(&dir->inode->lock);
	if (child)
		dentry_put(child);
	fs_put(fs);
}

static int find_node(struct fs *fs, int index, struct dentry **out)
{
	char name[16];
	snprintf(name, sizeof name, "%d", index);
	lock(&fs->root->inode->lock);
	int err = dentry_lookup_locked(fs->root, name, strlen(name), out);
	unlock(&fs->root->inode->lock);
	if (err < 0 || (*out)->inode)
		return err;
	dentry_put(*out);
	return -EIO;
}

int devpts_path(const struct tty *tty, struct path *out)
{
	struct dentry *child = NULL;
	struct devpts *d = tty->pts;
	lock(&instances_lock);
	struct mount *seen = d->fs && d->seen ? mount_get(d->seen) : NULL;
	struct fs *fs = seen ? fs_get(d->fs) : NULL;
	unlock(&instances_lock);
	if (!seen)
		return -ENXIO;
	int err = find_node(fs, tty->index, &child);
	fs_put(fs);
	if (err == 0)
		*out = (struct path){seen, child};
	else
		mount_put(seen);
	return err;
}
