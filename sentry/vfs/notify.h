/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling inotify what has happened to a file.
 *
 * Whoever changes something through the VFS reports it here after it has
 * succeeded.  Masks are IN_* of inotify(7); IN_ISDIR is added here.  While
 * nobody watches anything each report costs one load.  sentry/fs/inotify
 * installs the other side (the VFS cannot reach up to it).
 */
#pragma once

#include "sentry/vfs/inode.h"
#include "syscalls/abi/inotify.h"

struct notify_ops {
	/*
	 * Something happened to an inode that has marks: name is NULL for the inode
	 * itself, else the child of that (directory) inode that it happened to.
	 * IN_EXCL_UNLINK in mask: the child has lost that name meanwhile.
	 * Inode locks may be held: takes none.
	 */
	void (*event)(struct inode *i, uint32_t mask, uint32_t cookie, const char *name);
	/* The inode with marks is gone (no name, no user): IN_DELETE_SELF, IN_IGNORED. */
	void (*inode_removed)(struct inode *i);
};

void notify_set_ops(const struct notify_ops *ops);
/* Marks were added (removed): nothing is reported while there are none in the sandbox. */
void notify_count_marks(int change);

/* To the watchers of the file, and with its name to those of the directory. */
void notify_path(struct dentry *d, uint32_t mask);
/* The same for what was done through an open file: IN_ACCESS, IN_MODIFY, IN_OPEN, IN_CLOSE_*. */
void notify_file(struct file *f, uint32_t mask);
/* To the watchers of dir only: IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO. */
void notify_name(struct inode *dir, uint32_t mask, const char *name, bool is_dir, uint32_t cookie);
/* To the watchers of the inode only: IN_MOVE_SELF (without IN_ISDIR, as in Linux), IN_ATTRIB of a link count, IN_UNMOUNT. */
void notify_inode(struct inode *i, uint32_t mask);
/* The last name and the last user of the inode are gone. */
void notify_inode_removed(struct inode *i);
/* Ties IN_MOVED_FROM to IN_MOVED_TO; never 0. */
uint32_t notify_new_cookie(void);
