/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hard links of the lower tree: all names of a file must lead to one inode,
 * though its directories are filled at different times.  The hash finds the
 * inode by the host's (dev, ino).
 *
 * It holds no references, with one exception: an inode that has lost all its
 * names in memory while its link count says that directories not yet filled
 * have more.  It may have been changed, so it waits for them.
 */
#include "sentry/fs/memfs/private.h"

static struct node **bucket(struct memfs *m, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 32)) * 0x9e3779b97f4a7c15ull;
	return &m->links[h >> 54];
}
_Static_assert(LOWER_HASH == 1 << (64 - 54), "the hash takes the top bits");

struct inode *links_find(struct memfs *m, uint64_t dev, uint64_t ino)
{
	struct inode *found = NULL;
	lock(&m->lower_lock);
	for (struct node *n = *bucket(m, dev, ino); n && !found; n = n->hash_next)
		if (n->lower_dev == dev && n->lower_ino == ino && ref_tryget(&n->inode->ref))
			found = n->inode;
	unlock(&m->lower_lock);
	return found;
}

void links_add(struct memfs *m, struct inode *i, uint64_t dev, uint64_t ino)
{
	struct node *n = node_of(i), **head = bucket(m, dev, ino);
	lock(&m->lower_lock);
	n->lower_dev = dev;
	n->lower_ino = ino;
	n->hash_next = *head;
	n->hashed = true;
	*head = n;
	unlock(&m->lower_lock);
}

void links_named(struct inode *i)
{
	struct node *n = node_of(i);
	lock(&n->m->lower_lock);
	bool unpin = n->pinned;
	n->pinned = false;
	n->names += n->hashed;
	unlock(&n->m->lower_lock);
	if (unpin)
		inode_put(i);
}

bool links_is(struct inode *i, uint64_t dev, uint64_t ino)
{
	struct node *n = node_of(i);
	lock(&n->m->lower_lock);
	bool is = n->hashed && n->lower_dev == dev && n->lower_ino == ino;
	unlock(&n->m->lower_lock);
	return is;
}

void links_unnamed(struct inode *i)
{
	struct node *n = node_of(i);
	lock(&n->m->lower_lock);
	if (n->hashed) {
		n->names--;
		if (n->names == 0 && i->nlink > 0 && !n->pinned) {
			n->pinned = true;
			inode_get(i);
		}
	}
	unlock(&n->m->lower_lock);
}

void links_forgotten(struct inode *i)
{
	struct node *n = node_of(i);
	lock(&n->m->lower_lock);
	n->names -= n->hashed;
	unlock(&n->m->lower_lock);
}

void links_remove(struct node *n)
{
	lock(&n->m->lower_lock);
	if (n->hashed) {
		struct node **p = bucket(n->m, n->lower_dev, n->lower_ino);
		while (*p != n)
			p = &(*p)->hash_next;
		*p = n->hash_next;
		n->hashed = false;
	}
	unlock(&n->m->lower_lock);
}
