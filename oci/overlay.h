/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where changes of the root file system go: --overlay=WHERE.
 *
 *	memory    they are gone with the sandbox; bind mounts that are not read-only
 *	          change the host, as volumes are meant to
 *	all       those of bind mounts are kept in memory too
 *	none      to the root itself, on the host: engines look for them there, and put
 *	          files there (podman cp), so it is the default of `create'.  A read-only root
 *	          gets its mount points, as with runc
 *	dir:PATH  to PATH/upper on the host, in the format of Linux' overlayfs, which
 *	          can mount it and can have made it; the next run finds them again.
 *	          PATH/work is ours.  PATH is made if need be, for its owner alone: a
 *	          guest's set-id files must be of no use to others.
 */
#pragma once

#include <stdbool.h>

#include "oci/error.h"
#include "oci/gofer/gofer.h"

enum overlay_kind { OVERLAY_MEMORY, OVERLAY_ALL, OVERLAY_NONE, OVERLAY_DIR };

struct overlay {
	enum overlay_kind kind;
	const char *path; /* OVERLAY_DIR: as given */
	bool given;	  /* by the user; else a default, which an annotation replaces */
};

#define OVERLAY_HELP "memory, all, none or dir:PATH"

/* False if arg is none of them. */
bool overlay_parse(const char *arg, struct overlay *out);
/*
 * OVERLAY_DIR: makes *root, which is the lower layer so far, one of two layers.  Nobody else uses
 * PATH while root->fd is open.  0 or -errno with *e filled.
 */
int overlay_open(const struct overlay *o, struct gofer_root *root, struct error *e);
/* As it was parsed, but PATH absolute; malloc'ed, NULL: no memory. */
char *overlay_text(const struct overlay *o);
/* PATH as seen below the directory `root`, malloc'ed; NULL if it is not there. */
char *overlay_inside(const struct overlay *o, const char *root);
