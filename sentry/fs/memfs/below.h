/* SPDX-License-Identifier: Apache-2.0 */
/* The names of one lower directory, to be compared with those in memory. */
#pragma once

#include "sentry/fs/memfs/private.h"

struct below_entry {
	char *name, *link; /* link: of symbolic links */
	struct gofer_attr attr;
	bool found; /* below_find has */
};

struct below {
	struct below_entry *entries; /* by name */
	size_t count, room;
};

/* path: from the lower root.  None if there is no such directory any more.  -errno; free it anyway.
 */
int below_list(struct memfs *m, const char *path, struct below *out);
void below_free(struct below *b);
/* NULL: the lower directory has no such name. */
const struct below_entry *below_find(struct below *b, const char *name);
/*
 * i is the file that b names, or, where files have no origin, one just like it.  dir: the directory
 * that i was found in, which is locked; NULL if that is not the one that was listed.
 */
bool below_is(const struct below_entry *b, const struct node *dir, struct inode *i);
