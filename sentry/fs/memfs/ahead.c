/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees that are walked: a question to the gofer costs two wake-ups, and those that follow each
 * other in a directory's own order are asked together.
 *
 * Each directory remembers where in it the next question is expected: at the first file that has no
 * descriptor (or directory that is not filled) behind the last one.  As often as that is where it
 * comes, twice as many are asked for, up to GOFER_MANY_MAX; a question that comes elsewhere ends it.  The
 * first one in a directory says nothing, so a walk that goes on in the next directory goes on as it was;
 * where directories are small, the files of the next ones that are filled already come too.
 *
 * Directories that came so are filled, as if they had been listed at that moment.  Descriptors wait
 * with those of closed files (lower.c) and are as few; a file that was changed meanwhile
 * is opened again.
 */
#include "sentry/fs/memfs/private.h"

#include <errno.h>
#include <stdlib.h>

/* STEPS_MAX: names that are passed over. */
enum { AHEAD_FIRST = 4, STEPS_MAX = 256 };

static bool is_from(const struct node *n, const struct node *dir)
{
	return n->origin && n->origin->dir == dir->origin;
}

static bool file_wanted_locked(const struct dentry *d, const struct node *dir)
{
	struct inode *i = d->inode;
	if (!i || !inode_is(i, S_IFREG) || !is_from(node_of(i), dir))
		return false;
	lock_nested(&i->lock); /* a file comes after its directory */
	bool wanted = lower_unopened_locked(i);
	unlock(&i->lock);
	return wanted;
}

static bool dir_wanted_locked(const struct dentry *d, const struct node *dir)
{
	struct inode *i = d->inode;
	if (!i || !inode_is(i, S_IFDIR) || !is_from(node_of(i), dir))
		return false;
	lock_nested(&i->lock); /* parent before child */
	bool wanted = !node_of(i)->changed;
	unlock(&i->lock);
	return wanted;
}

/* What files and directories differ in. */
struct kind {
	bool (*wanted_locked)(const struct dentry *d, const struct node *dir);
	uint64_t *(*next)(struct node *dir); /* l  the cookie from which on it is expected */
	unsigned *(*size)(struct memfs *m);  /* a  how many were asked for the last time */
};

static uint64_t *next_file(struct node *dir)
{
	return &dir->next.file;
}

static uint64_t *next_dir(struct node *dir)
{
	return &dir->next.dir;
}

static unsigned *files_size(struct memfs *m)
{
	return &m->files_ahead;
}

static unsigned *dirs_size(struct memfs *m)
{
	return &m->dirs_ahead;
}

static const struct kind files = {file_wanted_locked, next_file, files_size},
			 dirs = {dir_wanted_locked, next_dir, dirs_size};

/* Some paths, of which the first is wanted now. */
struct batch {
	const struct kind *kind;
	struct memfs *m;
	struct gofer_names names;
	struct dentry *of[GOFER_MANY_MAX]; /* our references */
	char path[GOFER_PATH_MAX + 1];	   /* where one is written */
};

/* Nothing else is wanted from where the next question was expected up to d. */
static bool expected_locked(const struct kind *k, const struct dentry *dir, const struct dentry *d)
{
	uint64_t from = *k->next(node_of(dir->inode));
	unsigned steps = 0;

	for (const struct list *l = d->siblings.prev; l != &dir->child_list; l = l->prev) {
		const struct dentry *prev = list_entry(l, struct dentry, siblings);
		if (prev->cookie < from)
			break;
		if (++steps > STEPS_MAX || k->wanted_locked(prev, node_of(dir->inode)))
			return false;
	}
	return d->cookie >= from;
}

/* How many to ask for; 0: d alone, as always. */
static unsigned size_locked(const struct batch *b, const struct dentry *dir, const struct dentry *d)
{
	unsigned *size = b->kind->size(b->m), last = __atomic_load_n(size, __ATOMIC_RELAXED);
	bool first = *b->kind->next(node_of(dir->inode)) == 0;
	unsigned now = first ? last : last ? 2 * last : AHEAD_FIRST;

	if (!expected_locked(b->kind, dir, d))
		now = 0;
	now = now > GOFER_MANY_MAX ? GOFER_MANY_MAX : now;
	__atomic_store_n(size, now, __ATOMIC_RELAXED);
	return now;
}

/* False if there is no room. */
static bool batch_add(struct batch *b, struct dentry *d)
{
	if (origin_path(node_of(d->inode)->origin, b->path) < 0 ||
	    !gofer_names_add(&b->names, b->path))
		return false;
	b->of[b->names.count - 1] = dentry_get(d);
	return true;
}

/* What is wanted from that place of the directory's list on. */
static void collect_locked(struct batch *b, struct dentry *dir, struct list *l, unsigned size)
{
	struct node *n = node_of(dir->inode);

	for (unsigned steps = 0; l != &dir->child_list && steps < STEPS_MAX; steps++, l = l->next) {
		struct dentry *d = list_entry(l, struct dentry, siblings);
		if (b->names.count >= size)
			return;
		if (!b->kind->wanted_locked(d, n))
			continue;
		if (!batch_add(b, d))
			return;
		*b->kind->next(n) = d->cookie + 1;
	}
}

/* The first one, and what is wanted behind it in its directory; how many it shall be. */
static unsigned batch_begin(struct batch *b, struct dentry *dir, struct dentry *d)
{
	struct node *n = node_of(dir->inode);
	unsigned size = 0;

	lock(&dir->inode->lock);
	if (d->hashed && d->parent == dir && b->kind->wanted_locked(d, n)) {
		size = size_locked(b, dir, d);
		*b->kind->next(n) = d->cookie + 1;
		collect_locked(b, dir, &d->siblings, size);
	}
	unlock(&dir->inode->lock);
	return size;
}

/* Files of a directory that has been listed, and none of which was asked for. */
static void collect_listed(struct batch *b, struct dentry *dir, unsigned size)
{
	struct node *n = node_of(dir->inode);
	lock_nested(&dir->inode->lock); /* parent before child */
	if (n->changed && n->next.file == 0)
		collect_locked(b, dir, dir->child_list.next, size);
	unlock(&dir->inode->lock);
}

/* Where directories are small, those behind `dir` are next. */
static void batch_go_on(struct batch *b, struct dentry *dir, unsigned size)
{
	autoput(dentry) struct dentry *parent = dentry_parent(dir);
	unsigned steps = 0;

	if (parent == dir || b->names.count >= size)
		return;
	lock(&parent->inode->lock);
	struct list *l = dir->hashed && dir->parent == parent ? &dir->siblings : &parent->child_list;
	while (l->next != &parent->child_list && b->names.count < size && steps++ < STEPS_MAX) {
		l = l->next;
		struct dentry *d = list_entry(l, struct dentry, siblings);
		if (!inode_is(d->inode, S_IFDIR) || !is_from(node_of(d->inode), node_of(parent->inode)))
			continue;
		if (dir_wanted_locked(d, node_of(parent->inode)))
			break;
		collect_listed(b, d, size);
	}
	unlock(&parent->inode->lock);
}

static void batch_fill(struct batch *b, struct dentry *d)
{
	autoput(dentry) struct dentry *dir = dentry_parent(d);
	if (dir == d)
		return;
	unsigned size = batch_begin(b, dir, d);
	if (b->kind == &files)
		batch_go_on(b, dir, size);
}

static void batch_free(struct batch *b)
{
	for (unsigned i = 0; i < b->names.count; i++)
		dentry_put(b->of[i]);
	free(b);
}

/* NULL: there is nothing to ask for together. */
static struct batch *batch_new(const struct kind *kind, struct dentry *d)
{
	struct batch *b = malloc(sizeof *b);
	if (!b)
		return NULL;
	b->kind = kind;
	b->m = memfs_of(d->inode);
	b->names.count = 0;
	b->names.size = 0;
	batch_fill(b, d);
	if (b->names.count > 1)
		return b;
	batch_free(b);
	return NULL;
}

void files_ahead(struct dentry *d)
{
	struct gofer_opened opened[GOFER_MANY_MAX];
	int fds[GOFER_MANY_MAX];
	struct batch *b = batch_new(&files, d);

	if (!b)
		return;
	int err = gofer_opens(b->m->gofer, b->m->root, "", &b->names, opened, fds);
	for (unsigned i = 0; err == 0 && i < b->names.count; i++) {
		struct inode *file = b->of[i]->inode;
		if (fds[i] < 0)
			continue;
		lock(&file->lock);
		lower_give_locked(file, fds[i], &opened[i].attr);
		unlock(&file->lock);
	}
	batch_free(b);
}

/* The directory whose entries are coming. */
struct coming {
	const struct batch *b;
	struct fill fill;
	bool begun, mine; /* mine: its lock is held */
	int err;
};

/*
 * Nobody waits for a lock with a connection in his hands: who has it may be waiting for one.  Then the
 * directory is asked for again when it is listed.
 */
static void begin(struct coming *c, struct dentry *dir) NO_LOCK_ANALYSIS
{
	c->begun = true;
	c->err = 0;
	c->mine = lock_try(&dir->inode->lock);
	if (c->mine && !fill_begin_locked(&c->fill, dir)) {
		unlock(&dir->inode->lock);
		c->mine = false;
	}
}

static void end(struct coming *c, int status) NO_LOCK_ANALYSIS
{
	if (c->mine) {
		fill_end_locked(&c->fill, status < 0 ? status : c->err);
		unlock(&c->fill.dir->inode->lock);
	}
	c->begun = false;
}

static void entry_came(void *arg, unsigned i, const struct gofer_entry *e, int status)
{
	struct coming *c = arg;
	if (!c->begun)
		begin(c, c->b->of[i]);
	if (!e)
		end(c, status);
	else if (c->mine && c->err == 0)
		c->err = fill_entry_locked(&c->fill, e);
}

void dirs_ahead(struct dentry *d)
{
	struct batch *b = batch_new(&dirs, d);
	if (!b)
		return;
	struct coming c = {.b = b};
	/* What did not come will be asked for by itself. */
	(void)gofer_lists(b->m->gofer, b->m->root, "", &b->names, entry_came, &c);
	batch_free(b);
}
