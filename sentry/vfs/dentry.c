/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: per-directory hash tables.
 *
 * Invariants:
 *  1. A hashed dentry is referenced once by its parent's table, so a put never
 *     has to unhash and may happen under any lock.
 *  2. A dentry once positive stays so: unlink only unhashes it, and those who
 *     still use the name see it as deleted.
 *  3. child_list holds the positive hashed children, by rising cookie.
 *  4. Droppable dentries (negative ones, and all of file systems that are not
 *     pinned) are on the shrinker's list, oldest first; shrink.c takes them.
 *     Directories of pinned ones are on another, if they can be folded.
 */
#include "sentry/vfs/dentry.h"

#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "sentry/vfs/shrink.h"
#include "syscalls/abi/errno.h"

static uint32_t name_hash(const char *name, size_t size)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static char *name_dup(const char *name, size_t size)
{
	char *s = malloc(size + 1);
	if (s) {
		memcpy(s, name, size);
		s[size] = 0;
	}
	return s;
}

int dentry_new_loose(struct fs *fs, struct dentry *parent, const char *name, size_t size,
		     struct dentry **out)
{
	struct dentry *d = calloc(1, sizeof *d);
	char *copy = name_dup(name, size);
	if (!d || !copy) {
		free(d);
		free(copy);
		return -ENOMEM;
	}
	ref_init(&d->ref);
	lock_init(&d->lock, RANK_DENTRY);
	d->fs = fs;
	d->name = copy;
	d->parent = parent ? dentry_get(parent) : d;
	list_init(&d->siblings);
	list_init(&d->child_list);
	list_init(&d->lru);
	d->next_cookie = 2;
	*out = d;
	count_new(dentry);
	return 0;
}

int dentry_new_root(struct fs *fs, struct inode *inode)
{
	int err = dentry_new_loose(fs, NULL, "/", 1, &fs->root);
	if (err < 0)
		return err;
	fs->root->inode = inode;
	return 0;
}

struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->ref);
	return d;
}

/* Frees upwards as long as the child was the last user of its parent. */
void dentry_put(struct dentry *d)
{
	while (ref_put(&d->ref)) {
		struct dentry *parent = d->parent;
		assert(!d->hashed && d->children == 0);
		if (d->inode) {
			if (__atomic_load_n(&d->inode->nlink, __ATOMIC_RELAXED) == 0)
				notify_inode_removed(d->inode);
			inode_put(d->inode);
		}
		free(d->table);
		free(d->name);
		bool root = parent == d;
		free(d);
		count_gone(dentry);
		if (root)
			break;
		d = parent;
	}
}

static struct dentry **bucket(struct dentry *dir, uint32_t hash)
{
	return &dir->table[hash & (dir->table_size - 1)];
}

static struct dentry *find_locked(struct dentry *dir, const char *name, size_t size, uint32_t hash)
{
	if (!dir->table)
		return NULL;
	for (struct dentry *d = *bucket(dir, hash); d; d = d->hash_next)
		if (d->hash == hash && strncmp(d->name, name, size) == 0 && !d->name[size])
			return d;
	return NULL;
}

struct dentry *dentry_cached_locked(struct dentry *dir, const char *name, size_t size)
{
	lock_assert_held(&dir->inode->lock);
	struct dentry *d = find_locked(dir, name, size, name_hash(name, size));
	if (d && !__atomic_load_n(&d->used, __ATOMIC_RELAXED))
		__atomic_store_n(&d->used, true, __ATOMIC_RELAXED);
	return d;
}

/* Doubles the table when it is full; only the first allocation has to succeed. */
static int table_grow_locked(struct dentry *dir)
{
	uint32_t size = dir->table ? dir->table_size * 2 : DENTRY_HASH_MIN;

	if (dir->table && dir->children < dir->table_size)
		return 0;
	struct dentry **table = calloc(size, sizeof *table), **old = dir->table;
	if (!table)
		return old ? 0 : -ENOMEM;
	uint32_t old_size = dir->table_size;
	dir->table = table;
	dir->table_size = size;
	for (uint32_t i = 0; i < old_size; i++) {
		for (struct dentry *d = old[i], *next; d; d = next) {
			next = d->hash_next;
			struct dentry **b = bucket(dir, d->hash);
			d->hash_next = *b;
			*b = d;
		}
	}
	free(old);
	return 0;
}

static bool droppable(const struct dentry *d)
{
	return !d->inode || !d->fs->ops->pinned;
}

static void list_child_locked(struct dentry *dir, struct dentry *d)
{
	d->cookie = dir->next_cookie++;
	list_append(&dir->child_list, &d->siblings);
}

/* Takes a reference for the table; the table must have room (table_grow_locked). */
static void hash_locked(struct dentry *dir, struct dentry *d)
{
	d->hash = name_hash(d->name, strlen(d->name));
	struct dentry **b = bucket(dir, d->hash);
	d->hash_next = *b;
	*b = d;
	d->hashed = true;
	dir->children++;
	dentry_get(d);
	if (d->inode)
		list_child_locked(dir, d);
	if (droppable(d))
		shrink_add(d);
}

/* The table's reference becomes the caller's. */
static void unhash_locked(struct dentry *dir, struct dentry *d)
{
	struct dentry **p = bucket(dir, d->hash);
	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	d->hash_next = NULL;
	d->hashed = false;
	dir->children--;
	if (dir->cursor == d)
		dir->cursor = NULL;
	list_del(&d->siblings);
	shrink_remove(d);
}

static bool holds(struct dentry *d)
{
	bool (*revalidate)(struct dentry *) = d->fs->ops->revalidate;
	/* What something is mounted on stays, or the mount could never be reached again. */
	return !revalidate || __atomic_load_n(&d->mounts, __ATOMIC_RELAXED) || revalidate(d);
}

/* A negative dentry, hashed unless the directory has lost its own name: see dentry_drop_locked. */
static int add_negative_locked(struct dentry *dir, const char *name, size_t size,
			       struct dentry **out)
{
	int err = table_grow_locked(dir);
	if (err == 0)
		err = dentry_new_loose(dir->fs, dir, name, size, out);
	if (err == 0 && !__atomic_load_n(&dir->deleted, __ATOMIC_RELAXED))
		hash_locked(dir, *out);
	return err;
}

static int lookup_locked(struct dentry *dir, const char *name, size_t size, bool drop,
			 struct dentry **out)
{
	autoput(inode) struct inode *inode = NULL;
	uint32_t hash = name_hash(name, size);
	int err;

	lock_assert_held(&dir->inode->lock);
	if (size >= NAME_SIZE)
		return -ENAMETOOLONG;
	struct dentry *d = find_locked(dir, name, size, hash);
	if (d && holds(d)) {
		__atomic_store_n(&d->used, true, __ATOMIC_RELAXED);
		*out = dentry_get(d);
		return 0;
	}
	/* To drop what was not there takes no other lock. */
	if (d && d->inode && !drop)
		return -ESTALE;
	if (d)
		dentry_drop_locked(d);
	err = dir->inode->ops->lookup(dir, name, size, &inode);
	if (err < 0)
		return err;
	/* The operation may have added the names of the whole directory. */
	d = find_locked(dir, name, size, hash);
	if (d)
		dentry_get(d);
	else if ((err = add_negative_locked(dir, name, size, &d)) < 0)
		return err;
	if (inode && !d->inode)
		dentry_set_inode_locked(d, STEAL(inode));
	*out = d;
	return 0;
}

int dentry_lookup_locked(struct dentry *dir, const char *name, size_t size, struct dentry **out)
{
	return lookup_locked(dir, name, size, /*drop=*/true, out);
}

int dentry_lookup_fresh_locked(struct dentry *dir, const char *name, size_t size,
			       struct dentry **out)
{
	return lookup_locked(dir, name, size, /*drop=*/false, out);
}

void dentry_set_inode_locked(struct dentry *d, struct inode *inode)
{
	assert(!d->inode && inode);
	d->inode = inode;
	if (!d->hashed)
		return;
	list_child_locked(d->parent, d);
	if (!droppable(d))
		shrink_remove(d);
}

int dentry_add_locked(struct dentry *dir, const char *name, size_t size, struct inode *inode,
		      struct dentry **out)
{
	autoput(inode) struct inode *owned = inode;
	struct dentry *d;
	int err;

	lock_assert_held(&dir->inode->lock);
	if (size >= NAME_SIZE)
		return -ENAMETOOLONG;
	d = find_locked(dir, name, size, name_hash(name, size));
	if (d && d->inode)
		return -EEXIST;
	if (d)
		dentry_get(d);
	else if ((err = add_negative_locked(dir, name, size, &d)) < 0)
		return err;
	dentry_set_inode_locked(d, STEAL(owned));
	if (out)
		*out = d;
	else
		dentry_put(d);
	return 0;
}

static struct dentry *any_child_locked(struct dentry *dir, uint32_t *at)
{
	for (; *at < dir->table_size; ++*at)
		if (dir->table[*at])
			return dir->table[*at];
	return NULL;
}

static void mark_deleted(struct dentry *d)
{
	lock(&d->lock);
	__atomic_store_n(&d->deleted, true, __ATOMIC_RELAXED);
	unlock(&d->lock);
}

/* A directory that kill_tree was not in yet. */
static bool is_alive_dir(const struct dentry *d)
{
	return d->inode && inode_is(d->inode, S_IFDIR) && !d->deleted;
}

/*
 * Depth first without recursion: goes down to a directory without children,
 * unhashes it from its parent and goes on there.  Each directory is marked
 * before its lock is taken, so that nobody who has it can hash a name in it
 * once we were there.  The caller may hold locks of directories above root,
 * parent before child, but none below it.
 */
void dentry_kill_tree(struct dentry *root)
{
	struct dentry *d = dentry_get(root);

	for (;;) {
		uint32_t at = 0;
		struct dentry *c;
		lock_nested(&d->inode->lock);
		while ((c = any_child_locked(d, &at)) && !is_alive_dir(c)) {
			unhash_locked(d, c);
			dentry_put(c);
		}
		if (c) {
			mark_deleted(c);
			dentry_get(c);
		}
		unlock(&d->inode->lock);
		if (!c && d == root)
			break;
		if (!c)
			c = dentry_parent(d);
		dentry_put(d);
		d = c;
	}
	dentry_put(d);
}

void dentry_drop_locked(struct dentry *d)
{
	if (!d->hashed)
		return;
	unhash_locked(d->parent, d);
	mark_deleted(d);
	/* Its table and the names in it would keep each other alive. */
	if (d->inode && inode_is(d->inode, S_IFDIR))
		dentry_kill_tree(d);
	dentry_put(d);
}

static void set_place(struct dentry *d, struct dentry *parent, char *name)
{
	lock(&d->lock);
	d->parent = parent;
	d->name = name;
	unlock(&d->lock);
}

void dentry_commit_move_locked(struct dentry *d, struct dentry *ndir, char *name)
{
	struct dentry *odir = d->parent;
	char *old_name = d->name;
	size_t size = strlen(name);

	lock_assert_held(&odir->inode->lock);
	lock_assert_held(&ndir->inode->lock);
	struct dentry *victim = find_locked(ndir, name, size, name_hash(name, size));
	if (victim && victim != d)
		dentry_drop_locked(victim);
	/* The table of ndir exists; without memory it only stays as small as it is. */
	table_grow_locked(ndir);
	if (d->hashed) {
		unhash_locked(odir, d);
		dentry_put(d);
	}
	set_place(d, dentry_get(ndir), name);
	hash_locked(ndir, d);
	free(old_name);
	dentry_put(odir);
}

int dentry_move_locked(struct dentry *d, struct dentry *ndir, const char *name, size_t size)
{
	char *copy = name_dup(name, size);
	if (!copy)
		return -ENOMEM;
	int err = table_grow_locked(ndir);
	if (err < 0)
		free(copy);
	else
		dentry_commit_move_locked(d, ndir, copy);
	return err;
}

int dentry_exchange_locked(struct dentry *a, struct dentry *b)
{
	struct dentry *adir = a->parent, *bdir = b->parent;
	char *aname = a->name, *bname = b->name;

	lock_assert_held(&adir->inode->lock);
	lock_assert_held(&bdir->inode->lock);
	unhash_locked(adir, a);
	unhash_locked(bdir, b);
	/* Both keep the reference to the parent that the other one had. */
	set_place(a, bdir, bname);
	set_place(b, adir, aname);
	hash_locked(bdir, a);
	hash_locked(adir, b);
	dentry_put(a);
	dentry_put(b);
	return 0;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *above)
{
	for (;; d = d->parent) {
		if (d == above)
			return true;
		if (d->parent == d)
			return false;
	}
}

struct dentry *dentry_parent(struct dentry *d)
{
	lock(&d->lock);
	struct dentry *parent = dentry_get(d->parent);
	unlock(&d->lock);
	return parent;
}

size_t dentry_name(struct dentry *d, char *buf, size_t size)
{
	lock(&d->lock);
	size_t n = strlen(d->name);
	if (n >= size)
		n = size - 1;
	memcpy(buf, d->name, n);
	unlock(&d->lock);
	buf[n] = 0;
	return n;
}

struct dentry *dentry_next_child_locked(struct dentry *dir, uint64_t cookie)
{
	struct dentry *d = dir->cursor;

	lock_assert_held(&dir->inode->lock);
	if (!d || d->cookie > cookie) {
		if (list_empty(&dir->child_list))
			return NULL;
		d = list_first(&dir->child_list, struct dentry, siblings);
	}
	while (d->cookie < cookie) {
		if (d->siblings.next == &dir->child_list)
			return NULL;
		d = list_entry(d->siblings.next, struct dentry, siblings);
	}
	dir->cursor = d;
	return d;
}
