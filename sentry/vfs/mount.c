/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount tree of a namespace: a list in mount order, searched when a walk
 * meets a dentry whose `mounts` says that something is mounted on it.
 *
 * 1. A mount in the list is referenced by it and has ns == home; one that was
 *    unmounted has ns NULL and lives on while paths through it exist.
 * 2. dentry->mounts of every point counts the mounts listed with that point.
 * 3. A mount's home never goes away before the mount (memory reference), so
 *    home->lock may be taken by whoever holds the mount.
 */
#include "sentry/vfs/mount.h"

#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

/* As fs.mount-max, but lower: a recursive bind into itself doubles them, and lists are searched. */
enum { MOUNTS_MAX = 4096 };

struct mount *mount_new(struct fs *fs, struct dentry *root, const char *source, uint32_t flags)
{
	/* 1 is nobody's on Linux either: ids start with the internal mounts. */
	static int last_id = 20;
	struct mount *m = calloc(1, sizeof *m);
	char *copy = strdup(source && *source ? source : "none");
	if (!m || !copy) {
		free(m);
		free(copy);
		return NULL;
	}
	ref_init(&m->ref);
	list_init(&m->link);
	m->fs = fs_get(fs);
	m->root = dentry_get(root ? root : fs->root);
	m->flags = flags;
	m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	m->source = copy;
	count_new(mount);
	return m;
}

int mount_alone(struct fs *fs, const char *source, struct mount **out)
{
	*out = mount_new(fs, NULL, source, 0);
	return *out ? 0 : -ENOMEM;
}

static void ns_put_memory(struct mount_ns *ns)
{
	if (ref_put(&ns->memory))
		free(ns);
}

static void mount_set_home(struct mount *m, struct mount_ns *ns)
{
	ref_get(&ns->memory);
	m->home = ns;
}

struct mount *mount_get(struct mount *m)
{
	ref_get(&m->ref);
	return m;
}

void mount_put(struct mount *m)
{
	if (!ref_put(&m->ref))
		return;
	assert(!m->ns && !m->parent && !m->point);
	dentry_put(m->root);
	fs_put(m->fs);
	if (m->home)
		ns_put_memory(m->home);
	free(m->source);
	free(m);
	count_gone(mount);
}

/* Takes over the caller's reference to m for the list. */
static void attach_locked(struct mount_ns *ns, struct mount *m, const struct path *where)
{
	m->ns = ns;
	if (where) {
		m->parent = mount_get(where->mnt);
		m->point = dentry_get(where->dentry);
		__atomic_add_fetch(&m->point->mounts, 1, __ATOMIC_RELAXED);
	}
	list_append(&ns->mounts, &m->link);
	ns->count++;
	ns->sequence++;
}

static void unhook_locked(struct mount *m, struct detached *d)
{
	*d = (struct detached){STEAL(m->parent), STEAL(m->point)};
	if (d->point)
		__atomic_sub_fetch(&d->point->mounts, 1, __ATOMIC_RELAXED);
	list_del(&m->link);
	m->ns->count--;
	m->ns->sequence++;
	m->ns = NULL;
}

static void detached_put(struct detached *d)
{
	if (d->point)
		dentry_put(d->point);
	if (d->parent)
		mount_put(d->parent);
}

static void ns_free(struct ns *of);

struct mount_ns *mount_ns_alloc(struct user_ns *owner)
{
	struct mount_ns *ns = calloc(1, sizeof *ns);
	if (!ns)
		return NULL;
	ns_init(&ns->ns, NS_MNT, owner, ns_free);
	ref_init(&ns->memory);
	lock_init(&ns->lock, RANK_MOUNT);
	list_init(&ns->mounts);
	waitq_init(&ns->changed);
	return ns;
}

void mount_ns_fill(struct mount_ns *ns, const struct branch *tree, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mount_set_home(tree[i].mount, ns);
	lock(&ns->lock);
	for (size_t i = 0; i < count; i++) {
		const struct path on = {i ? tree[tree[i].parent].mount : NULL, tree[i].point};
		attach_locked(ns, tree[i].mount, i ? &on : NULL);
	}
	ns->root = tree[0].mount;
	unlock(&ns->lock);
}

int mount_ns_new(struct fs *rootfs, const char *source, uint32_t flags, struct mount_ns **out)
{
	autoput(fs) struct fs *fs = rootfs;
	const struct branch root = {.mount = mount_new(fs, NULL, source, flags)};
	*out = root.mount ? mount_ns_alloc(&user_first) : NULL;
	if (!*out) {
		if (root.mount)
			mount_put(root.mount);
		return -ENOMEM;
	}
	mount_ns_fill(*out, &root, 1);
	return 0;
}

/* Nobody is in it any more. */
static void ns_free(struct ns *of)
{
	struct mount_ns *ns = container_of(of, struct mount_ns, ns);
	for (;;) {
		struct detached d;
		struct mount *m = NULL;
		lock(&ns->lock);
		if (!list_empty(&ns->mounts)) {
			/* Latest first: no mount outlives what it is mounted on. */
			m = list_entry(ns->mounts.prev, struct mount, link);
			unhook_locked(m, &d);
		}
		unlock(&ns->lock);
		if (!m)
			break;
		detached_put(&d);
		mount_put(m);
	}
	waitq_destroy(&ns->changed);
	ns_put_memory(ns);
}

static struct mount *mounted_on_locked(struct mount_ns *ns, const struct path *p)
{
	struct mount *m;

	list_for_each(m, &ns->mounts, link)
		if (m->parent == p->mnt && m->point == p->dentry)
			return m;
	return NULL;
}

bool mount_is_point(struct fsctx *fs, const struct dentry *d)
{
	struct mount_ns *ns = fsctx_mounts(fs);
	struct mount *m;
	bool found = false;

	lock(&ns->lock);
	list_for_each (m, &ns->mounts, link)
		found = found || m->point == d;
	unlock(&ns->lock);
	mount_ns_put(ns);
	return found;
}

void mount_down(struct path *p)
{
	while (__atomic_load_n(&p->dentry->mounts, __ATOMIC_RELAXED) && p->mnt->home) {
		struct mount_ns *ns = p->mnt->home;
		lock(&ns->lock);
		struct mount *m = mounted_on_locked(ns, p);
		if (m)
			mount_get(m);
		unlock(&ns->lock);
		if (!m)
			return;
		struct path below = {m, dentry_get(m->root)};
		path_put(p);
		*p = below;
	}
}

bool mount_up(struct path *p)
{
	struct mount_ns *ns = p->mnt->home;
	struct path above = {0};

	if (!ns)
		return false;
	lock(&ns->lock);
	if (p->mnt->parent) {
		above = (struct path){p->mnt->parent, p->mnt->point};
		path_get(&above);
	}
	unlock(&ns->lock);
	if (!above.mnt)
		return false;
	path_put(p);
	*p = above;
	return true;
}

/* A mount point must exist, and a directory goes on a directory, a file on a file. */
static int point_check(const struct path *where, struct dentry *root)
{
	if (inode_is(root->inode, S_IFDIR) != path_is_dir(where))
		return -ENOTDIR;
	return __atomic_load_n(&where->dentry->deleted, __ATOMIC_RELAXED) ? -ENOENT : 0;
}

static int fits_locked(struct mount_ns *ns, const struct path *where, size_t count)
{
	/* Unmounted meanwhile, or another mount won the race for this point. */
	if (where->mnt->ns != ns)
		return -EINVAL;
	if (mounted_on_locked(ns, where))
		return -EBUSY;
	return count > MOUNTS_MAX - min_u64(ns->count, MOUNTS_MAX) ? -ENOSPC : 0;
}

int mount_attach(struct mount_ns *ns, const struct branch *tree, size_t count,
		 const struct path *where)
{
	struct path top = *where;

	path_get(&top);
	mount_down(&top);
	int err = point_check(&top, tree[0].mount->root);
	for (size_t i = 0; err == 0 && i < count; i++)
		mount_set_home(tree[i].mount, ns);
	lock(&ns->lock);
	if (err == 0)
		err = fits_locked(ns, &top, count);
	for (size_t i = 0; err == 0 && i < count; i++) {
		const struct branch *b = &tree[i];
		const struct path on = i == 0 ? top : (struct path){tree[b->parent].mount, b->point};
		attach_locked(ns, b->mount, &on);
	}
	unlock(&ns->lock);
	path_put(&top);
	if (err == 0)
		waitq_wake(&ns->changed, EPOLLPRI | EPOLLERR);
	return err;
}

int mount_add(struct mount_ns *ns, struct fs *fs, struct dentry *root, const struct path *where,
	      const char *source, uint32_t flags)
{
	autoput(fs) struct fs *owned = fs;
	const struct branch one = {.mount = mount_new(owned, root, source, flags)};
	int err = one.mount ? mount_attach(ns, &one, 1, where) : -ENOMEM;
	if (err < 0 && one.mount)
		mount_put(one.mount);
	return err;
}

static bool is_locked(const struct mount *m)
{
	return __atomic_load_n(&m->flags, __ATOMIC_RELAXED) & MNT_LOCKED;
}

static bool below_locked(const struct mount *m, const struct mount *top)
{
	for (; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

/* All of the tree goes in one step, into a list of its own. */
static void unhook_tree_locked(struct mount_ns *ns, struct mount *top, struct list *out)
{
	struct mount *m, *next;

	/* A mount that has lost its parent can no longer be told to be below top. */
	list_for_each(m, &ns->mounts, link)
		m->leaving = below_locked(m, top);
	list_for_each_safe(m, next, &ns->mounts, link) {
		if (!m->leaving)
			continue;
		unhook_locked(m, &m->left);
		list_append(out, &m->link);
	}
}

/* The list's references, and theirs, now that nobody finds them any more. */
static void put_tree(struct list *tree)
{
	while (!list_empty(tree)) {
		struct mount *m = list_entry(tree->prev, struct mount, link);
		struct detached d = m->left;
		list_del(&m->link);
		detached_put(&d);
		mount_put(m);
	}
}

int mount_remove(struct mount_ns *ns, const struct path *p, bool detach)
{
	struct mount *top = p->mnt;
	struct list tree = LIST_INIT(tree);
	int err = 0;

	lock(&ns->lock);
	if (p->dentry != top->root || top->ns != ns || top == ns->root || is_locked(top))
		err = -EINVAL;
	/* The list and the caller's path; children hold a reference too. */
	else if (!detach && ref_count(&top->ref) > 2)
		err = -EBUSY;
	else
		unhook_tree_locked(ns, top, &tree);
	unlock(&ns->lock);
	if (err < 0)
		return err;
	put_tree(&tree);
	waitq_wake(&ns->changed, EPOLLPRI | EPOLLERR);
	return 0;
}

void mount_for_each(struct mount_ns *ns, void (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m;

	lock(&ns->lock);
	list_for_each(m, &ns->mounts, link)
		fn(m, arg);
	unlock(&ns->lock);
}

bool mount_readonly(const struct mount *m)
{
	return (__atomic_load_n(&m->flags, __ATOMIC_SEQ_CST) & MNT_READONLY) ||
	       __atomic_load_n(&m->fs->readonly, __ATOMIC_RELAXED);
}

static bool locks_allow(uint32_t old, uint32_t new)
{
	return !((old & MNT_LOCK_READONLY) && !(new &MNT_READONLY)) &&
	       !((old & MNT_LOCK_NOSUID) && !(new &MNT_NOSUID)) &&
	       !((old & MNT_LOCK_NODEV) && !(new &MNT_NODEV)) &&
	       !((old & MNT_LOCK_NOEXEC) && !(new &MNT_NOEXEC)) &&
	       !((old & MNT_LOCK_ATIME) && ((old ^ new) & MNT_ATIME_MASK));
}

/* Either this sees the count of a new writer, or the writer sees the flag. */
int mount_set_flags(struct mount *m, uint32_t flags)
{
	uint32_t old = __atomic_load_n(&m->flags, __ATOMIC_SEQ_CST);

	/* Only a copy of a tree is locked, when it is made; only pivot_root moves MNT_LOCKED. */
	if (!locks_allow(old, flags))
		return -EPERM;
	old = __atomic_exchange_n(&m->flags, flags | (old & MNT_LOCKS), __ATOMIC_SEQ_CST);

	if ((flags & ~old & MNT_READONLY) && __atomic_load_n(&m->writers, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&m->flags, old, __ATOMIC_SEQ_CST);
		return -EBUSY;
	}
	return 0;
}

int mount_get_write(struct mount *m)
{
	__atomic_add_fetch(&m->writers, 1, __ATOMIC_SEQ_CST);
	if (!mount_readonly(m))
		return 0;
	mount_put_write(m);
	return -EROFS;
}

void mount_put_write(struct mount *m)
{
	__atomic_sub_fetch(&m->writers, 1, __ATOMIC_SEQ_CST);
}

int mount_move(struct mount_ns *ns, const struct path *p, const struct path *where)
{
	struct mount *m = p->mnt;
	struct detached old = {0};
	int err = point_check(where, m->root);

	if (err < 0)
		return err;
	lock(&ns->lock);
	if (p->dentry != m->root || m->ns != ns || !m->parent || where->mnt->ns != ns ||
	    is_locked(m))
		err = -EINVAL;
	else if (below_locked(where->mnt, m))
		err = -ELOOP;
	else if (mounted_on_locked(ns, where))
		err = -EBUSY;
	if (err == 0) {
		unhook_locked(m, &old);
		attach_locked(ns, m, where);
	}
	unlock(&ns->lock);
	detached_put(&old);
	if (err == 0)
		waitq_wake(&ns->changed, EPOLLPRI | EPOLLERR);
	return err;
}

int mount_pivot(struct mount_ns *ns, struct mount *om, const struct path *new_root,
		const struct path *put_old)
{
	struct mount *nm = new_root->mnt;
	struct detached old = {0}, place = {0};
	int err = 0;

	lock(&ns->lock);
	if (nm->ns != ns || put_old->mnt->ns != ns || om->ns != ns)
		err = -EINVAL;
	else if (nm == om || put_old->mnt == om)
		err = -EBUSY;
	else if (new_root->dentry != nm->root || !below_locked(put_old->mnt, nm) ||
		 !below_locked(nm, om) || is_locked(nm))
		err = -EINVAL;
	if (err == 0) {
		unhook_locked(nm, &old);
		unhook_locked(om, &place);
		/* After chroot(2) the caller's root is a mount among others, and has a place. */
		attach_locked(ns, nm,
			      place.parent ? &(struct path){place.parent, place.point} : NULL);
		attach_locked(ns, om, put_old);
		/* What the old root covered shows only when the new one goes. */
		if (__atomic_fetch_and(&om->flags, ~(uint32_t)MNT_LOCKED, __ATOMIC_RELAXED) &
		    MNT_LOCKED)
			__atomic_fetch_or(&nm->flags, MNT_LOCKED, __ATOMIC_RELAXED);
		if (ns->root == om)
			ns->root = nm;
	}
	unlock(&ns->lock);
	detached_put(&old);
	detached_put(&place);
	if (err == 0)
		waitq_wake(&ns->changed, EPOLLPRI | EPOLLERR);
	return err;
}

void mount_ns_root(struct mount_ns *ns, struct path *out)
{
	lock(&ns->lock);
	out->mnt = mount_get(ns->root);
	out->dentry = dentry_get(ns->root->root);
	unlock(&ns->lock);
}
