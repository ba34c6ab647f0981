/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system that lives in memory: tmpfs, devtmpfs, and the overlay.
 *
 * The overlay is a memfs whose files may have an *origin* in a gofer's root.
 * A directory with an origin is filled by one gofer round trip (names,
 * attributes, link targets) when it is listed, changed, more than a few of its
 * names have been asked for, or it comes next where others are being listed one after the
 * other (ahead.c); from then on the directory in memory is
 * the truth, so there are no whiteouts: unlink, link and rename change memory
 * and nothing else.  A directory that was not filled yet can be renamed; its
 * origin stays where it was.  A regular file with an origin is read through a
 * host descriptor, and copied into memory by the first write, truncation or
 * shared writable mapping.  The lower tree is never written.
 *
 * Known difference: a MAP_SHARED read-only mapping of a file that has not been
 * copied up goes on showing the lower file after it has been.
 */
#pragma once

#include "sentry/vfs/inode.h"

struct gofer;

struct memfs_options {
	const char *name;	/* "tmpfs", "devtmpfs", "overlay": as in /proc/mounts; static */
	uint32_t mode, uid, gid; /* of the root directory (permission bits); with lower: ignored */
	uint64_t size_limit;	/* bytes, 0: none */
	uint64_t inode_limit;	/* 0: none */
	struct {
		struct gofer *gofer;	/* NULL: no lower tree */
		unsigned root;
		const char *path;	/* below root, "" for all of it; copied */
	} lower;
};

/*
 * What all memory file systems and memfds of the sandbox may hold together, in
 * bytes: the guest must not be able to fill the host's memory.  Half
 * of the memory by default, as Linux limits a tmpfs; what is there stays.
 */
void memfs_set_limit(uint64_t bytes);
/* A new file system with its root dentry.  -ENOMEM, or what the gofer says of the lower root. */
int memfs_new(const struct memfs_options *o, struct fs **out);
/*
 * memfd_create(2): an unnamed file, open for reading and writing; `name` is shown as
 * "/memfd:name (deleted)".  seals: F_SEAL_* it starts with (F_SEAL_SEAL: sealing not allowed).
 * flags: O_* of the description, mode: permission bits.
 */
int memfs_file_new(const char *name, const struct cred *cred, uint32_t flags, uint32_t mode,
		   uint32_t seals, struct file **out);
/* The memory of a SysV segment, of whole pages; to be opened by its ops.  label: as it is shown. */
int memfs_segment_new(const char *label, const struct cred *cred, uint64_t size,
		      struct inode **out);
/* The end of the sandbox: no such file exists any more. */
void memfs_release(void);
/* True if f is a regular file of a memfs: the only ones with seals. */
bool memfs_is_file(const struct file *f);
/*
 * F_GET_SEALS; F_ADD_SEALS: 0, -EPERM (sealed, or f not writable), -EINVAL (unknown, or no
 * memfs file), -EBUSY (F_SEAL_WRITE, and somebody has it mapped shared and writable).
 */
int memfs_get_seals(struct file *f);
int memfs_add_seals(struct file *f, uint32_t seals);
/* True if inode holds content of its own, which the lower tree does not have. */
bool memfs_inode_changed(struct inode *i);
