/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that come from below.  Filling one makes inodes for all its
 * entries, each with an origin of its own, so that nothing deeper is looked at
 * before somebody goes there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/private.h"

struct origin *origin_new(struct origin *dir, const char *name)
{
	size_t size = strlen(name) + 1;
	struct origin *o = malloc(sizeof *o + size);
	if (!o)
		return NULL;
	ref_init(&o->ref);
	o->dir = dir;
	if (dir)
		ref_get(&dir->ref);
	memcpy(o->name, name, size);
	return o;
}

void origin_put(struct origin *o)
{
	while (o && ref_put(&o->ref)) {
		struct origin *dir = o->dir;
		free(o);
		o = dir;
	}
}

int origin_path(const struct origin *o, char buf[GOFER_PATH_MAX + 1])
{
	size_t at = GOFER_PATH_MAX;
	buf[at] = '\0';
	for (; o; o = o->dir) {
		size_t size = strlen(o->name);
		bool slash = buf[at] != '\0' && size > 0;
		if (size + slash > at)
			return -ENAMETOOLONG;
		if (slash)
			buf[--at] = '/';
		at -= size;
		memcpy(buf + at, o->name, size);
	}
	memmove(buf, buf + at, GOFER_PATH_MAX + 1 - at);
	return 0;
}

void node_set_attr(struct inode *i, const struct gofer_attr *a)
{
	i->mode = (i->mode & S_IFMT) | ((uint32_t)a->mode & 07777);
	i->uid = (uint32_t)a->uid;
	i->gid = (uint32_t)a->gid;
	i->nlink = (uint32_t)a->nlink;
	i->size = a->size;
	i->rdev = a->rdev;
	i->atime = (struct ktime){a->atime_sec, (uint32_t)a->atime_nsec};
	i->mtime = (struct ktime){a->mtime_sec, (uint32_t)a->mtime_nsec};
	i->ctime = (struct ktime){a->ctime_sec, (uint32_t)a->ctime_nsec};
	i->btime = a->btime_sec || a->btime_nsec
			   ? (struct ktime){a->btime_sec, (uint32_t)a->btime_nsec}
			   : i->ctime;
}

/* A new inode for what the lower tree has under that name. */
static int entry_inode(struct node *dir, const struct gofer_entry *e, struct inode **out)
{
	autoput(inode) struct inode *i = NULL;
	uint32_t mode = (uint32_t)e->attr->mode;
	int err = node_new(dir->m, mode, /*charged=*/false, &i);
	if (err < 0)
		return err;
	struct node *n = node_of(i);
	node_set_attr(i, e->attr);
	node_identify(i, e->attr);
	if (S_ISLNK(mode)) {
		n->target = strdup(e->link);
		if (!n->target)
			return -ENOMEM;
		i->size = strlen(n->target);
	} else if (S_ISDIR(mode) || S_ISREG(mode)) {
		n->origin = origin_new(dir->origin, e->name);
		if (!n->origin)
			return -ENOMEM;
		n->own_xattrs = n->changed = false;
	}
	if (S_ISREG(mode) && i->nlink > 1)
		links_add(dir->m, i, e->attr->dev, e->attr->ino);
	*out = STEAL(i);
	return 0;
}

/* The inode for an entry of the lower tree: a known one if the file has another name in memory. */
static int entry_find(struct node *dir, const struct gofer_entry *e, struct inode **out)
{
	*out = NULL;
	if (S_ISREG(e->attr->mode) && e->attr->nlink > 1)
		*out = links_find(dir->m, e->attr->dev, e->attr->ino);
	int err = *out ? 0 : entry_inode(dir, e, out);
	if (err == 0)
		links_named(*out);
	return err;
}

int fill_entry_locked(struct fill *f, const struct gofer_entry *e)
{
	autoput(dentry) struct dentry *d = NULL;
	struct inode *i;

	/* Names that were asked for one by one are there already. */
	int err = dentry_lookup_locked(f->dir, e->name, strlen(e->name), &d);
	if (err == 0 && !d->inode && (err = entry_find(node_of(f->dir->inode), e, &i)) == 0) {
		dentry_set_inode_locked(d, i);
		f->fresh++;
	}
	if (err == 0)
		f->subdirs += S_ISDIR(d->inode->mode);
	return err;
}

bool fill_begin_locked(struct fill *f, struct dentry *dir)
{
	struct node *n = node_of(dir->inode);
	if (n->changed)
		return false;
	*f = (struct fill){.dir = dir};
	/* Set before, so that the lookups of entries end in memory.  What a failed fill added is true. */
	n->changed = true;
	return true;
}

void fill_end_locked(struct fill *f, int err)
{
	struct inode *i = f->dir->inode;
	dentry_foldable_locked(f->dir, f->fresh);
	if (err < 0)
		node_of(i)->changed = false;
	else
		i->nlink = 2 + f->subdirs;
}

static int fill_entry(void *arg, const struct gofer_entry *e)
{
	return fill_entry_locked(arg, e);
}

int dir_fill_locked(struct dentry *dir)
{
	struct node *n = node_of(dir->inode);
	struct fill f;
	char path[GOFER_PATH_MAX + 1];

	if (!fill_begin_locked(&f, dir))
		return 0;
	int err = origin_path(n->origin, path);
	if (err == 0)
		err = gofer_list(n->m->gofer, n->m->root, path, NULL, fill_entry, &f);
	fill_end_locked(&f, err);
	return err;
}

static int peek_link(struct node *dir, const char *path, char *buf, size_t size)
{
	ssize_t n = gofer_readlink(dir->m->gofer, dir->m->root, path, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n < 0 ? (int)n : 0;
}

/* One name of a directory that was not read yet. */
static int peek(struct node *dir, const char *name, struct inode **out)
{
	char path[GOFER_PATH_MAX + 1], link[GOFER_PATH_MAX + 1];
	struct gofer_attr attr;
	struct gofer_entry e = {.name = name, .attr = &attr};

	int err = origin_path(dir->origin, path);
	size_t at = strlen(path), size = strlen(name);
	if (err == 0 && at + 1 + size > GOFER_PATH_MAX)
		err = -ENAMETOOLONG;
	if (err < 0)
		return err;
	if (at > 0)
		path[at++] = '/';
	memcpy(path + at, name, size + 1);
	err = gofer_stat(dir->m->gofer, dir->m->root, path, &attr);
	if (err == 0 && S_ISLNK(attr.mode)) {
		err = peek_link(dir, path, link, sizeof link);
		e.link = link;
	}
	return err < 0 ? err : entry_find(dir, &e, out);
}

int dir_peek_locked(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	struct node *n = node_of(dir->inode);
	char copy[256];

	*out = NULL;
	if (n->changed || size >= sizeof copy)
		return 0;
	if (n->peeks >= PEEKS_MAX)
		return dir_fill_locked(dir);
	n->peeks++;
	memcpy(copy, name, size);
	copy[size] = '\0';
	int err = peek(n, copy, out);
	if (*out)
		dentry_foldable_locked(dir, 1);
	return err == -ENOENT ? 0 : err;
}
