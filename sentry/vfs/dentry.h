/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names.  See inode.h for the model and the lock order.
 */
#pragma once

#include "sentry/vfs/inode.h"

/* A root dentry for fs, stored in fs->root; takes over inode.  -ENOMEM. */
int dentry_new_root(struct fs *fs, struct inode *inode);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
DEFINE_AUTOPUT(dentry)

/*
 * The child of that name, referenced; made by ops->lookup when not cached.
 * Negative dentries are returned with inode NULL (the caller decides between
 * -ENOENT and creating).  Directory's inode lock held.  -ENOMEM, -ENAMETOOLONG, lookup's
 * errors, its -ENOENT among them.
 */
int dentry_lookup_locked(struct dentry *dir, const char *name, size_t size, struct dentry **out);
/*
 * The same for who holds another directory's lock too: a cached name that no longer holds is
 * -ESTALE, because to drop it may take that other lock.
 */
int dentry_lookup_fresh_locked(struct dentry *dir, const char *name, size_t size,
			       struct dentry **out);
/* Makes a cached negative dentry positive: takes over inode. */
void dentry_set_inode_locked(struct dentry *d, struct inode *inode);
/* Adds an already known child (LIST of a whole directory, memfs, boot); takes over inode. */
int dentry_add_locked(struct dentry *dir, const char *name, size_t size, struct inode *inode,
		      struct dentry **out);
/* Unhashes: the name is gone; shown "(deleted)" from now on. */
void dentry_drop_locked(struct dentry *d);
/* Moves d to ndir/nname (rename); both directories' inode locks and rename_lock held. */
int dentry_move_locked(struct dentry *d, struct dentry *ndir, const char *name, size_t size);
/* Swaps names and places of two dentries (RENAME_EXCHANGE). */
int dentry_exchange_locked(struct dentry *a, struct dentry *b);
/* True if `above` is d or an ancestor of it (rename_lock held). */
bool dentry_is_below(const struct dentry *d, const struct dentry *above);
/* dir (pinned, hashed; its inode's lock held) has that many names more which fs_ops.fold can free. */
void dentry_foldable_locked(struct dentry *dir, uint32_t names);
/* The parent, referenced. */
struct dentry *dentry_parent(struct dentry *d);
/* Copies the name; its length. */
size_t dentry_name(struct dentry *d, char *buf, size_t size);
/* Children with an inode, in readdir order from cookie on; directory's inode lock held. */
struct dentry *dentry_next_child_locked(struct dentry *dir, uint64_t cookie);
