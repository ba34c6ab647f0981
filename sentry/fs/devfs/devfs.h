/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices: who answers for which number, and what /dev looks like.
 *
 * A driver registers a range of minor numbers once, at boot, before the first
 * task runs; the registry is read without locks afterwards.
 */
#pragma once

#include "sentry/vfs/inode.h"

/* inode_ops.open for a device node: i->rdev says which. */
typedef int (*dev_open_fn)(struct inode *i, struct path path, const struct cred *cred,
			   uint32_t flags, struct file **out);

/* Minors first .. first + count - 1 of major.  -ENOSPC: too many drivers. */
int dev_register(uint32_t major, uint32_t first, uint32_t count, const char *name,
		 dev_open_fn open);
/* inode_ops.open of any character device node; -ENXIO if nobody answers for the number. */
int dev_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	     struct file **out);
/* The i-th registered driver for /proc/devices: its name, or NULL behind the last. */
const char *dev_name(unsigned i, uint32_t *out_major);

/* Registers null, zero, full, random, urandom (mem.c). */
int devfs_init(void);
/* The nodes, links and directories that a container's /dev starts with, into an empty memfs. */
int devfs_populate(struct fs *fs);
