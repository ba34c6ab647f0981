/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was changed in an overlay, as a layer has it: for `vedette diff' and `export'.
 *
 * The names are gathered first, with no rename between, so that each file is
 * there once; attributes and content are those of the moment that they are asked
 * for.  There are no whiteouts in memory: what an altered directory lacks is
 * found by listing the lower one of that name.  Nothing says "opaque", then:
 * a directory in the place of another has a whiteout for each name that is gone.
 *
 * Known difference: a file with several names below, of which some are in directories
 * that nobody has looked into, comes with the names that are known, as overlayfs has it.
 */
#pragma once

#include "sentry/vfs/inode.h"

struct memfs_changes;

enum { MEMFS_CHANGE_PATH = 2 * 4096 }; /* bytes of a path, with its end */

struct memfs_change {
	const char *path;	/* below the root, no slash in front; until the next call */
	struct inode *inode;	/* the walk's reference; NULL: a whiteout */
	bool below;		/* the lower tree has something of that name */
};

/*
 * fs: an overlay, kept by the caller until memfs_changes_free.  all: every file, changed or not,
 * and no whiteouts.  -ENOMEM, -ENAMETOOLONG (a path that nobody could say), the gofer's errors.
 */
int memfs_changes_new(struct fs *fs, bool all, struct memfs_changes **out);
void memfs_changes_free(struct memfs_changes *c);
/* Sorted by name, a directory before what is in it: 1, or 0 at the end, or -ENAMETOOLONG. */
int memfs_changes_next(struct memfs_changes *c, struct memfs_change *out);

/* Content of a regular file without opening it; between hold and drop. */
int memfs_content_hold(struct inode *i);
void memfs_content_drop(struct inode *i);
/* Bytes, 0 at the end, -errno. */
ssize_t memfs_content_read(struct inode *i, void *buf, size_t size, uint64_t off);
/* The first byte of data (or of a hole: the end is one) at or after off; MEMFS_NOWHERE. */
#define MEMFS_NOWHERE UINT64_MAX
uint64_t memfs_content_seek(struct inode *i, uint64_t off, bool data);
