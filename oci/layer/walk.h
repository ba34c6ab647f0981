/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going through a root of two layers from outside, for `diff' and `export'.
 *
 * Names come sorted, a directory before what is in it.  No link is followed and
 * nothing is opened but directories and, by the caller, regular files: a guest
 * has filled them.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct layer_item {
	const char *path; /* below the root, without a slash in front */
	int dir;	  /* the directory that holds it, in the layer it is seen of */
	const char *name;
	struct stat st; /* not of whiteouts */
	bool whiteout;	/* the upper layer says that it is gone */
	bool opaque;	/* a directory of the upper layer that hides the lower one */
	bool above;	/* it is in the upper layer */
	bool below;	/* the lower layer has something of that name, maybe hidden */
};

/*
 * upper, lower: directories, or -1.  all: also what is in the lower layer only, and no whiteouts.
 * each() < 0 ends it.  0 or -errno.
 */
int layer_walk(int upper, int lower, bool all,
	       int (*each)(void *arg, const struct layer_item *item), void *arg);
/* True for attributes that the overlay keeps for itself. */
bool layer_own_xattr(const char *name);
