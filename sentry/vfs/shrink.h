/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgets names that can be looked up again, oldest first, when there are many.
 *
 * The list holds no references: a dentry is on it only while it is hashed, and
 * is taken off by whoever unhashes it.
 */
#pragma once

#include "sentry/vfs/dentry.h"

/* Both with the parent's inode lock held; removing twice is fine. */
void shrink_add(struct dentry *d);
void shrink_remove(struct dentry *d);
/* The same for directories whose names can be folded away. */
unsigned shrink_foldable(void);
void shrink_set_fold_limit(unsigned limit);
/* How many dentries are droppable, and how many may be before dentry_shrink() acts. */
unsigned shrink_count(void);
void shrink_set_limit(unsigned limit);
