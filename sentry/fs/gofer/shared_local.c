/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of sockets: they are known here only.
 *
 * The gofer makes no sockets, and a socket of the sandbox would be of no use
 * to the host.  So bind(2) in a shared directory makes a name that is kept in
 * memory, beside those of the host; if the host gets one that is the same, the
 * host's is seen.  Directories are told by the host's numbers, since nodes of
 * theirs come and go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/gofer/shared.h"

/* Far more than anybody binds; what is closed stays until it is unlinked. */
enum { LOCALS_MAX = 16384 };

struct local {
	struct list link;
	uint64_t dev, ino;	/* of the directory */
	struct inode *inode;	/* our reference */
	char name[];
};

static struct local *find_locked(const struct snode *dir, const char *name)
{
	struct local *l;
	list_for_each(l, &dir->m->locals, link)
		if (l->ino == dir->ino && l->dev == dir->dev && strcmp(l->name, name) == 0)
			return l;
	return NULL;
}

struct inode *local_find(struct snode *dir, const char *name)
{
	lock(&dir->m->lock);
	const struct local *l = find_locked(dir, name);
	struct inode *i = l ? inode_get(l->inode) : NULL;
	unlock(&dir->m->lock);
	return i;
}

bool local_any(struct snode *dir)
{
	const struct local *l;
	bool any = false;
	lock(&dir->m->lock);
	list_for_each(l, &dir->m->locals, link)
		any = any || (l->ino == dir->ino && l->dev == dir->dev);
	unlock(&dir->m->lock);
	return any;
}

static void local_free(struct local *l)
{
	inode_put(l->inode);
	free(l);
}

/* dir's name leads to i, of which it takes a reference; in place of another local name. */
int local_add(struct snode *dir, const char *name, struct inode *i)
{
	struct shared *m = dir->m;
	size_t size = strlen(name) + 1;
	struct local *l = malloc(sizeof *l + size);

	if (!l)
		return -ENOMEM;
	*l = (struct local){.dev = dir->dev, .ino = dir->ino, .inode = inode_get(i)};
	memcpy(l->name, name, size);
	lock(&m->lock);
	struct local *old = find_locked(dir, name);
	bool full = !old && m->local_count >= LOCALS_MAX;
	if (old)
		list_del(&old->link);
	else if (!full)
		m->local_count++;
	if (!full)
		list_push(&m->locals, &l->link);
	unlock(&m->lock);
	if (old)
		local_free(old);
	if (full)
		local_free(l);
	return full ? -ENOSPC : 0;
}

void local_remove(struct snode *dir, const char *name)
{
	lock(&dir->m->lock);
	struct local *l = find_locked(dir, name);
	if (l) {
		list_del(&l->link);
		dir->m->local_count--;
	}
	unlock(&dir->m->lock);
	if (l)
		local_free(l);
}

int local_each(struct snode *dir, int (*fn)(void *arg, const char *name, const struct inode *i),
	       void *arg)
{
	const struct local *l;
	int err = 0;

	lock(&dir->m->lock);
	list_for_each(l, &dir->m->locals, link)
		if (err == 0 && l->ino == dir->ino && l->dev == dir->dev)
			err = fn(arg, l->name, l->inode);
	unlock(&dir->m->lock);
	return err;
}

void locals_free(struct shared *m)
{
	while (!list_empty(&m->locals)) {
		struct local *l = list_first(&m->locals, struct local, link);
		list_del(&l->link);
		local_free(l);
	}
}
