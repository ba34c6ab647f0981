/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting names of the lower tree.
 *
 * What came from below and was never changed (node->pristine) can be had from
 * there again, with the same inode number.  A directory gives back its names
 * all at once, when none of them is in use and none is a directory that still
 * has names itself: the shrinker works its way up from the leaves.  What is
 * lost are access times.
 */
#include "sentry/fs/memfs/private.h"

static bool is_pristine(const struct node *n)
{
	return __atomic_load_n(&n->pristine, __ATOMIC_RELAXED);
}

void node_altered(struct inode *i)
{
	struct node *n = node_of(i);
	__atomic_store_n(&n->pristine, false, __ATOMIC_RELAXED);
	__atomic_store_n(&n->altered, true, __ATOMIC_RELAXED);
}

/*
 * Nobody but its directory's table has this name, and so nobody can come by it while that
 * directory is locked; a file with other names is theirs too.
 */
static bool forgettable(const struct dentry *d)
{
	const struct inode *i = d->inode;
	if (ref_count(&d->ref) != 1 || __atomic_load_n(&d->mounts, __ATOMIC_RELAXED))
		return false;
	if (!i)
		return true;
	const struct node *n = node_of(i);
	return is_pristine(n) && d->children == 0 && (n->hashed || ref_count(&i->ref) == 1) &&
	       !__atomic_load_n(&i->marks, __ATOMIC_RELAXED) && !i->locks && !i->bound;
}

static bool all_forgettable(const struct dentry *dir)
{
	for (uint32_t b = 0; b < dir->table_size; b++)
		for (const struct dentry *d = dir->table[b]; d; d = d->hash_next)
			if (!forgettable(d))
				return false;
	return true;
}

bool memfs_fold(struct dentry *dir)
{
	struct node *n = node_of(dir->inode);

	lock_assert_held(&dir->inode->lock);
	if (!n->origin || !is_pristine(n) || dir == dir->fs->root)
		return false;
	/* Its own name, the caller, and each child; or somebody is in it, or reads it. */
	if (ref_count(&dir->ref) != 2 + dir->children || !all_forgettable(dir))
		return false;
	for (uint32_t b = 0; b < dir->table_size; b++) {
		while (dir->table[b]) {
			struct dentry *d = dir->table[b];
			if (d->inode)
				links_forgotten(d->inode);
			dentry_drop_locked(d);
		}
	}
	n->changed = false;
	n->peeks = 0;
	return true;
}

/*
 * An inode number that will be the same the next time: the lower one, marked with its device.
 * Numbers that do not fit stay what they are, and their files in memory.
 */
void node_identify(struct inode *i, const struct gofer_attr *a)
{
	struct node *n = node_of(i);
	struct memfs *m = n->m;
	unsigned at = 0;

	if (a->ino >> LOWER_INO_BITS)
		return;
	lock(&m->lower_lock);
	while (at < m->ndevs && m->devs[at] != a->dev)
		at++;
	if (at == m->ndevs && at < LOWER_DEVS)
		m->devs[m->ndevs++] = a->dev;
	unlock(&m->lower_lock);
	if (at == LOWER_DEVS)
		return;
	i->ino = a->ino | (uint64_t)at << LOWER_INO_BITS;
	n->pristine = true;
}
