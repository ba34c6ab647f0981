/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bind mounts: the same names, seen at a second place.
 *
 * A recursive bind copies the mounts below as they are at one moment, and all
 * copies appear together.
 */
#include <stdlib.h>

#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

struct copy {
	struct mount **from;	/* originals, borrowed: looked at while the tree stands still */
	struct branch *to;
	size_t count, room;
};

static int copy_reserve(struct copy *c)
{
	if (c->count < c->room)
		return 0;
	size_t room = c->room ? c->room * 2 : 8;
	struct mount **from = reallocarray(c->from, room, sizeof(struct mount *));
	if (from)
		c->from = from;
	struct branch *to = from ? reallocarray(c->to, room, sizeof *to) : NULL;
	if (!to)
		return -ENOMEM;
	c->to = to;
	c->room = room;
	return 0;
}

static int copy_one(struct copy *c, struct mount *m, struct dentry *root, size_t parent)
{
	int err = copy_reserve(c);
	if (err < 0)
		return err;
	struct mount *to = mount_new(m->fs, root, m->source,
				     __atomic_load_n(&m->flags, __ATOMIC_RELAXED));
	if (!to)
		return -ENOMEM;
	/* The first goes where the caller says. */
	struct dentry *point = c->count > 0 ? dentry_get(m->point) : NULL;
	c->from[c->count] = m;
	c->to[c->count++] = (struct branch){to, point, parent};
	return 0;
}

/* Of the top mount only what is below the directory that the bind shows. */
static int copy_children_locked(struct mount_ns *ns, struct copy *c, size_t of,
				const struct dentry *shown)
{
	struct mount *m;
	int err = 0;

	list_for_each(m, &ns->mounts, link) {
		if (m->parent != c->from[of] || (of == 0 && !dentry_is_below(m->point, shown)))
			continue;
		if ((err = copy_one(c, m, m->root, of)) < 0)
			break;
	}
	return err;
}

/* Without those below one would see what they were mounted to cover. */
static bool covers_locked(struct mount_ns *ns, const struct path *from)
{
	struct mount *m;
	list_for_each (m, &ns->mounts, link)
		if (m->parent == from->mnt && dentry_is_below(m->point, from->dentry) &&
		    (__atomic_load_n(&m->flags, __ATOMIC_RELAXED) & MNT_LOCKED))
			return true;
	return false;
}

static int copy_tree(struct mount_ns *ns, struct copy *c, const struct path *from, bool recursive)
{
	struct fs *fs = from->mnt->fs;
	int err = -EINVAL;

	lock(&fs->rename_lock);
	lock(&ns->lock);
	if (from->mnt->ns == ns && (recursive || !covers_locked(ns, from)))
		err = copy_one(c, from->mnt, from->dentry, 0);
	for (size_t i = 0; recursive && err == 0 && i < c->count; i++)
		err = copy_children_locked(ns, c, i, from->dentry);
	unlock(&ns->lock);
	unlock(&fs->rename_lock);
	return err;
}

/* The copy's owner is less than that of the original. */
static void lock_tree(const struct copy *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct mount *m = c->to[i].mount; /* nobody else has seen it yet */
		m->flags |= MNT_LOCK_ATIME | (i > 0 ? MNT_LOCKED : 0) |
			    (m->flags & MNT_READONLY ? MNT_LOCK_READONLY : 0) |
			    (m->flags & MNT_NOSUID ? MNT_LOCK_NOSUID : 0) |
			    (m->flags & MNT_NODEV ? MNT_LOCK_NODEV : 0) |
			    (m->flags & MNT_NOEXEC ? MNT_LOCK_NOEXEC : 0);
	}
}

/* The place of p in the copy, if its mount was copied. */
static void path_move(struct path *p, const struct copy *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (p->mnt != c->from[i])
			continue;
		mount_put(p->mnt);
		p->mnt = mount_get(c->to[i].mount);
		return;
	}
}

int mount_ns_copy(struct mount_ns *from, struct user_ns *owner, struct path *p[], size_t n,
		  struct mount_ns **out)
{
	struct copy c = {0};
	struct path root;
	*out = mount_ns_alloc(owner);
	if (!*out)
		return -ENOMEM;
	mount_ns_root(from, &root);
	int err = copy_tree(from, &c, &root, /*recursive=*/true);
	if (err == 0) {
		if (owner != from->ns.owner)
			lock_tree(&c);
		mount_ns_fill(*out, c.to, c.count);
		for (size_t i = 0; i < n; i++)
			path_move(p[i], &c);
	}
	for (size_t i = c.count; i-- > 0;) {
		if (c.to[i].point)
			dentry_put(c.to[i].point);
		if (err < 0)
			mount_put(c.to[i].mount);
	}
	free(c.from);
	free(c.to);
	path_put(&root);
	if (err < 0)
		mount_ns_put(STEAL(*out));
	return err;
}

int mount_bind(struct mount_ns *ns, const struct path *from, const struct path *where,
	       bool recursive)
{
	struct copy c = {0};
	int err = copy_tree(ns, &c, from, recursive);
	/* It comes off again: what it covers its maker has seen. */
	if (err == 0)
		c.to[0].mount->flags &= ~(uint32_t)MNT_LOCKED;
	if (err == 0)
		err = mount_attach(ns, c.to, c.count, where);
	for (size_t i = c.count; i-- > 0;) {
		if (c.to[i].point)
			dentry_put(c.to[i].point);
		if (err < 0)
			mount_put(c.to[i].mount);
	}
	free(c.from);
	free(c.to);
	return err;
}
