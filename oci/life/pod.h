/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose sandbox a new container goes into.
 *
 * Into that of the container which the annotations of an engine name (a pod's), or whose pid
 * namespace it is to share; else into one of its own.  What it shares with containers there is
 * what its configuration shares on the host: a namespace by path that is one's of theirs.
 */
#pragma once

#include "oci/bundle.h"
#include "oci/life/state.h"

struct pod {
	char *sandbox;		     /* the first container's ID; NULL: one of its own */
	char *join[BOOT_NAMESPACES]; /* as of struct boot_spec */
};

/*
 * 0, or -errno with *e filled: that container has ended, or cannot be joined.  pod_free() in
 * either case.
 */
int pod_find(struct pod *out, const struct spec *s, const char *id, struct error *e);
void pod_free(struct pod *p);
/*
 * Calls fn for each container in the sandbox of that one, but for itself: until one does not return
 * 0, which is what is returned.
 */
int pod_members(const char *sandbox,
		int (*fn)(const struct state_dir *d, const struct state *s, void *arg), void *arg);
