/* SPDX-License-Identifier: Apache-2.0 */
/* Named pipes: fifo(7). */
#pragma once

#include "sentry/vfs/inode.h"

/*
 * inode_ops.open of a FIFO: waits for the other end as the flags say.  -ENXIO,
 * -ERESTARTSYS.  The pipe hangs on inode->bound while somebody has it open.
 */
int fifo_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	      struct file **out);
