/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/below.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(void *arg, const struct gofer_entry *e)
{
	struct below *b = arg;
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 64;
		struct below_entry *more = reallocarray(b->entries, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		b->entries = more;
		b->room = room;
	}
	struct below_entry *n = &b->entries[b->count];
	*n = (struct below_entry){.name = strdup(e->name),
				  .attr = *e->attr,
				  .link = e->link ? strdup(e->link) : NULL};
	if (!n->name || (e->link && !n->link)) {
		free(n->name);
		free(n->link);
		return -ENOMEM;
	}
	b->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct below_entry *)a)->name, ((const struct below_entry *)b)->name);
}

int below_list(struct memfs *m, const char *path, struct below *out)
{
	const char *slash = m->lower_path[0] && path[0] ? "/" : "";
	char whole[GOFER_PATH_MAX + 1];
	size_t n = strlen(m->lower_path) + strlen(slash) + strlen(path);
	if (n >= sizeof whole)
		return -ENAMETOOLONG;
	strcat(strcat(strcpy(whole, m->lower_path), slash), path);
	int err = gofer_list(m->gofer, m->root, whole, NULL, add, out);
	if (out->count)
		qsort(out->entries, out->count, sizeof *out->entries, compare);
	return err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

void below_free(struct below *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->entries[i].name);
		free(b->entries[i].link);
	}
	free(b->entries);
}

const struct below_entry *below_find(struct below *b, const char *name)
{
	const struct below_entry key = {.name = (char *)(uintptr_t)name};
	struct below_entry *e =
		b->count ? bsearch(&key, b->entries, b->count, sizeof key, compare) : NULL;
	if (e)
		e->found = true;
	return e;
}

static bool same_origin(const struct origin *o, const struct node *dir, const char *name)
{
	return o && dir && o->dir == dir->origin && strcmp(o->name, name) == 0;
}

/* What has no origin: nothing would be told of a difference that is none. */
static bool is_like(const struct below_entry *b, struct inode *i)
{
	const struct gofer_attr *a = &b->attr;
	const struct node *n = node_of(i);

	lock_nested(&i->lock); /* its directory's is held */
	bool same = i->mode == a->mode && i->uid == a->uid && i->gid == a->gid &&
		    i->rdev == a->rdev && i->mtime.sec == a->mtime_sec &&
		    i->mtime.nsec == a->mtime_nsec;
	unlock(&i->lock);
	return same && (!n->target || strcmp(n->target, b->link) == 0);
}

bool below_is(const struct below_entry *b, const struct node *dir, struct inode *i)
{
	const struct node *n = node_of(i);
	const uint32_t type = (uint32_t)b->attr.mode & S_IFMT;

	if (n->charged || !inode_is(i, type))
		return false;
	if (type == S_IFDIR || type == S_IFREG)
		return same_origin(n->origin, dir, b->name) ||
		       links_is(i, b->attr.dev, b->attr.ino);
	return is_like(b, i);
}
