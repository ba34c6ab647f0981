/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bind mounts: the same names, seen at a second place.
 *
 * A recursive bind clones the mounts below, parents first.  Clones are told
 * from originals by their ids: only mounts older than the top clone count, so
 * binding a tree into itself ends.
 */
#include <stdlib.h>

#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

struct pair {
	struct mount *from, *to; /* our references */
};

/* The mount with the smallest id above `after` on a point that the bind shows, referenced. */
static struct mount *next_child(struct mount_ns *ns, struct mount *parent, struct dentry *shown,
				int after, int before)
{
	struct mount *m, *found = NULL;

	lock(&parent->fs->rename_lock);
	lock(&ns->lock);
	list_for_each(m, &ns->mounts, link)
		if (m->parent == parent && m->id > after && m->id < before &&
		    (!found || m->id < found->id) && dentry_is_below(m->point, shown))
			found = m;
	if (found)
		mount_get(found);
	unlock(&ns->lock);
	unlock(&parent->fs->rename_lock);
	return found;
}

/* Clones one mount onto where; *out is referenced. */
static int clone_on(struct mount_ns *ns, struct mount *m, struct dentry *root,
		    const struct path *where, struct mount **out)
{
	struct path top = *where;
	int err = mount_add(ns, fs_get(m->fs), root, where, m->source,
			    __atomic_load_n(&m->flags, __ATOMIC_RELAXED));
	if (err < 0)
		return err;
	path_get(&top);
	mount_down(&top);
	*out = top.mnt;
	dentry_put(top.dentry);
	return 0;
}

static int clone_children(struct mount_ns *ns, struct dentry *shown, struct pair *of, int before,
			  struct pair **pairs, size_t *count)
{
	struct mount *c;

	for (int after = 0; (c = next_child(ns, of->from, shown, after, before));) {
		struct path where = {of->to, c->point};
		struct mount *clone;
		after = c->id;
		struct pair *more = reallocarray(*pairs, *count + 1, sizeof *more);
		int err = more ? 0 : -ENOMEM;
		if (more) {
			*pairs = more;
			err = clone_on(ns, c, c->root, &where, &clone);
		}
		if (err < 0) {
			mount_put(c);
			return err;
		}
		(*pairs)[(*count)++] = (struct pair){c, clone};
	}
	return 0;
}

int mount_bind(struct mount_ns *ns, const struct path *from, const struct path *where,
	       bool recursive)
{
	autofree struct pair *pairs = malloc(sizeof *pairs);
	size_t count = 0;
	struct mount *top;

	if (!pairs)
		return -ENOMEM;
	int err = clone_on(ns, from->mnt, from->dentry, where, &top);
	if (err < 0)
		return err;
	int before = top->id;
	pairs[count++] = (struct pair){mount_get(from->mnt), top};
	for (size_t i = 0; recursive && err == 0 && i < count; i++) {
		/* By value: the array moves while it grows. */
		struct pair of = pairs[i];
		err = clone_children(ns, i == 0 ? from->dentry : of.from->root, &of, before, &pairs,
				     &count);
	}
	for (size_t i = 0; i < count; i++) {
		mount_put(pairs[i].from);
		mount_put(pairs[i].to);
	}
	return err;
}
