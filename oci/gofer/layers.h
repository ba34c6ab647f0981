/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root of two layers, as the host's overlayfs has it: what was changed lies in
 * an upper directory, over a lower one that is never written.
 *
 *  - A name in the upper layer hides that of the lower one; two directories of
 *    one name are seen as one (merged).
 *  - A whiteout says that a name of the lower layer is gone: a character device
 *    0:0, or, where the host lets us make none, an empty file with the attribute
 *    user.overlay.whiteout in a directory marked user.overlay.opaque=x.
 *  - We make no opaque directories: one that takes the place of a lower
 *    directory gets a whiteout for each name of that, which needs no attribute and
 *    holds however the layers are mounted.  Those that are there are understood.
 *
 * Objects are made in a work directory on the same mount, and moved to where
 * they are seen when they are complete.  Changes are made one at a time.
 *
 * The upper layer holds what an earlier guest left there: nothing in it is
 * believed, no link in it is followed, and attributes of the overlay cannot be
 * set or seen by the guest.
 */
#pragma once

#include "oci/gofer/private.h"

/* An object in both layers: O_PATH descriptors of the holder, or -1. */
struct layers {
	int up;	 /* -1: not in the upper layer */
	int low; /* -1: not in the lower one, or hidden by the upper */
};

void layers_close(struct layers *l);
#define autolayers  __attribute__((cleanup(layers_close)))
#define LAYERS_NONE ((struct layers){-1, -1})

static inline int layers_seen(const struct layers *l)
{
	return l->up >= 0 ? l->up : l->low;
}

/* Whether what is called `name` in dir (a pinned object if name is "") says "gone". */
bool is_whiteout(int dir, const char *name, const struct gofer_attr *a);
/*
 * layers.c.  raise: what is found in the lower layer only is copied up, and all that leads there.
 * -ENOENT, -ENOTDIR, -ELOOP as for paths of plain roots; what copying said.
 */
int layers_find(struct worker *w, const char *path, bool raise, struct layers *out);
/* Attributes of what is seen; numbers of a directory are the lower one's if there is one. */
int layers_attr(const struct worker *w, const struct layers *l, struct gofer_attr *out);
/* The directory that holds path's last component (copied up), and that component. */
int layers_parent(struct worker *w, const char *path, struct layers *out, const char **out_name);
/* name in the directory `dir`; no error if it is in neither.  *out_white: a whiteout hides it. */
int layers_child(const struct worker *w, const struct layers *dir, const char *name,
		 struct layers *out, bool *out_white);
/*
 * Every name that is seen in the directory: -errno of each() ends it.  `low` tells where it is.
 * What each() is given lies in w->scratch.
 */
typedef int (*layers_each)(void *arg, int dir, const char *name, bool low);
int layers_list(struct worker *w, const struct layers *dir, layers_each each, void *arg);
/* Every name in one pinned directory but "." and "..", which lies in w->scratch. */
int dir_each(struct worker *w, int pinned, int (*fn)(void *arg, int dir, const char *name),
	     void *arg);
/* True for names of attributes that only the overlay itself may use. */
bool layers_own_xattr(const char *name);

/* raise.c: the lower object `low` into up/name, of which nothing is there yet. */
int raise_object(struct worker *w, int up, const char *name, int low);
/* A whiteout as up/name, of which nothing is there yet. */
int whiteout_put(struct worker *w, int up, const char *name);
/* Makes that nothing of the lower directory `low` is seen through `fd`. */
int opaque_make(struct worker *w, int fd, int low);
/* WORK_NAME in the work directory is removed, with the whiteouts in it. */
#define WORK_NAME "new"
void work_clear(struct worker *w);

/* layered.c: the changes that differ from those of a plain root. */
int layered_remove(struct worker *w, int flags);
int layered_rename(struct worker *w);
