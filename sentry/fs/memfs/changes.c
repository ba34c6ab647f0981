/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories are gone through breadth first, which needs no stack: a guest
 * nests them as deep as it likes.  What is to be told stays as a tree of shots.
 *
 * A name is *aligned* if it leads to what the lower tree has under the same path,
 * so that there is nothing to tell unless the file itself was altered.
 */
#include "sentry/fs/memfs/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/below.h"
#include "sentry/fs/memfs/private.h"

/* A name, as it was when its directory was looked at. */
struct shot {
	struct shot *parent, *sibling, *child; /* in the order they are told */
	struct shot *queue;		       /* directories that are still to be looked at */
	struct inode *inode;		       /* our reference; NULL: a whiteout */
	struct dentry *dir;		       /* our reference; directories only */
	bool told;			       /* it, or something in it, was changed */
	bool below, aligned;
	bool lower_dir; /* the lower tree has a directory of that path */
	char name[];
};

struct memfs_changes {
	struct memfs *m;
	bool all;
	struct shot *root, *at;
	struct shot **tail; /* of the queue */
	char path[MEMFS_CHANGE_PATH];
};

/* What one directory holds, until it is sorted. */
struct found {
	struct shot **shots;
	size_t count, room;
};

static void tell(struct shot *s)
{
	for (; s && !s->told; s = s->parent)
		s->told = true;
}

static void shot_free(struct shot *s)
{
	if (s->dir)
		dentry_put(s->dir);
	if (s->inode)
		inode_put(s->inode);
	free(s);
}

static int shot_add(struct found *f, struct shot *dir, const char *name, struct shot **out)
{
	size_t size = strlen(name) + 1;
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct shot **more = reallocarray(f->shots, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		f->shots = more;
		f->room = room;
	}
	struct shot *s = calloc(1, sizeof *s + size);
	if (!s)
		return -ENOMEM;
	memcpy(s->name, name, size);
	s->parent = dir;
	f->shots[f->count++] = *out = s;
	return 0;
}

/* The path of s from its end backwards; NULL: too long. */
static const char *path_of(struct memfs_changes *c, const struct shot *s)
{
	size_t at = sizeof c->path - 1;
	c->path[at] = '\0';
	for (; s->parent; s = s->parent) {
		size_t size = strlen(s->name), slash = c->path[at] != '\0';
		if (size + slash > at)
			return NULL;
		if (slash)
			c->path[--at] = '/';
		at -= size;
		memcpy(c->path + at, s->name, size);
	}
	return c->path + at;
}

static bool is_altered(const struct inode *i)
{
	const struct node *n = node_of(i);
	return n->charged || __atomic_load_n(&n->altered, __ATOMIC_RELAXED);
}

/* The child of a directory in which no name has changed: itself, unless it came this moment. */
static bool untouched(const struct shot *dir)
{
	return dir->aligned && !__atomic_load_n(&node_of(dir->inode)->altered, __ATOMIC_RELAXED);
}

/* One name of dir, whose lock is held. */
static int take(struct memfs_changes *c, struct found *f, struct shot *dir, struct dentry *d,
		bool same, struct below *below)
{
	struct inode *i = d->inode;
	const struct node *n = node_of(i);
	const struct below_entry *b = same ? NULL : below_find(below, d->name);
	bool is_dir = inode_is(i, S_IFDIR), known = same && !n->charged;
	bool aligned = known || (b && below_is(b, dir->aligned ? node_of(dir->inode) : NULL, i));
	struct shot *s;

	if (!c->all && !is_dir && aligned && !is_altered(i))
		return 0;
	int err = shot_add(f, dir, d->name, &s);
	if (err < 0)
		return err;
	s->inode = inode_get(i);
	s->dir = is_dir ? dentry_get(d) : NULL;
	s->below = known || b;
	s->aligned = aligned;
	s->lower_dir = is_dir && (known || (b && mode_is((uint32_t)b->attr.mode, S_IFDIR)));
	if (c->all || !aligned || is_altered(i))
		tell(s);
	return 0;
}

static int take_names(struct memfs_changes *c, struct found *f, struct shot *dir, bool same,
		      struct below *below)
{
	struct dentry *d;
	uint64_t cookie = 0;
	int err = 0;

	lock(&dir->inode->lock);
	/* What is somewhere else below, or not asked for yet. */
	if (c->all || !dir->aligned)
		err = dir_fill_locked(dir->dir);
	if (err == -ENOENT) /* somebody has removed it below */
		err = 0;
	while (err == 0 && (d = dentry_next_child_locked(dir->dir, cookie)) != NULL) {
		cookie = d->cookie + 1;
		err = take(c, f, dir, d, same, below);
	}
	unlock(&dir->inode->lock);
	return err;
}

/* What is below and was not found. */
static int take_gone(struct found *f, struct shot *dir, struct below *below)
{
	struct shot *s;
	int err = 0;
	for (size_t i = 0; i < below->count && err == 0; i++) {
		if (below->entries[i].found)
			continue;
		err = shot_add(f, dir, below->entries[i].name, &s);
		if (err == 0) {
			s->below = true;
			tell(s);
		}
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	return strcmp((*(struct shot *const *)a)->name, (*(struct shot *const *)b)->name);
}

/* The shots become dir's children, in order, and directories among them wait for their turn. */
static void keep(struct memfs_changes *c, struct found *f, struct shot *dir)
{
	struct shot **end = &dir->child;
	if (f->count)
		qsort(f->shots, f->count, sizeof *f->shots, compare);
	for (size_t i = 0; i < f->count; i++) {
		struct shot *s = f->shots[i];
		*end = s;
		end = &s->sibling;
		if (s->dir) {
			*c->tail = s;
			c->tail = &s->queue;
		}
	}
}

static int look(struct memfs_changes *c, struct shot *dir)
{
	struct below below = {.count = 0};
	struct found f = {.count = 0};
	bool same = !c->all && untouched(dir);
	int err = 0;

	if (!c->all && !same && dir->lower_dir) {
		const char *path = path_of(c, dir);
		err = path ? below_list(c->m, path, &below) : -ENAMETOOLONG;
	}
	if (err == 0)
		err = take_names(c, &f, dir, same, &below);
	if (err == 0)
		err = take_gone(&f, dir, &below);
	keep(c, &f, dir);
	free(f.shots);
	below_free(&below);
	return err;
}

static int gather(struct memfs_changes *c)
{
	int err = 0;
	lock(&c->m->fs->rename_lock);
	for (struct shot *s = c->root; s && err == 0; s = s->queue)
		err = look(c, s);
	unlock(&c->m->fs->rename_lock);
	return err;
}

int memfs_changes_new(struct fs *fs, bool all, struct memfs_changes **out)
{
	struct memfs_changes *c = calloc(1, sizeof *c);
	struct shot *root = calloc(1, sizeof *root + 1);
	if (!c || !root) {
		free(c);
		free(root);
		return -ENOMEM;
	}
	root->dir = dentry_get(fs->root);
	root->inode = inode_get(fs->root->inode);
	root->aligned = root->lower_dir = true;
	c->m = fs->priv;
	c->all = all;
	c->root = c->at = root;
	c->tail = &root->queue;
	int err = gather(c);
	if (err < 0)
		memfs_changes_free(c);
	else
		*out = c;
	return err;
}

/* The next in the order they are told; `down': with what is in s. */
static struct shot *after(struct shot *s, bool down)
{
	if (down && s->child)
		return s->child;
	while (s && !s->sibling)
		s = s->parent;
	return s ? s->sibling : NULL;
}

int memfs_changes_next(struct memfs_changes *c, struct memfs_change *out)
{
	struct shot *s = c->at;
	if (s)
		s = after(s, /*down=*/true);
	while (s && !s->told)
		s = after(s, /*down=*/false);
	c->at = s;
	if (!s)
		return 0;
	*out = (struct memfs_change){.path = path_of(c, s), .inode = s->inode, .below = s->below};
	return out->path ? 1 : -ENAMETOOLONG;
}

/* Children before their parents. */
void memfs_changes_free(struct memfs_changes *c)
{
	for (struct shot *s = c->root; s;) {
		if (s->child) {
			struct shot *child = s->child;
			s->child = child->sibling;
			child->sibling = NULL;
			s = child;
			continue;
		}
		struct shot *parent = s->parent;
		shot_free(s);
		s = parent;
	}
	free(c);
}
