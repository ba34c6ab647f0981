/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup of a container with a state directory.
 *
 * cgroup.json is written before the first directory of the group is made, so that
 * whoever is killed when, `delete' knows what there may be.
 */
#pragma once

#include "oci/cgroup/enter.h"
#include "oci/life/state.h"
#include "oci/spec.h"

struct group {
	struct cgroup cgroup;	/* empty: the sandbox is in its caller's */
	json_t *resources;	/* linux.resources, with what was changed since; ours */
	struct usage_files usage; /* from group_enter() to group_started() */
	bool must;		/* without a group it is an error */
	bool entered;		/* this process is in it */
};

/*
 * Where it will be, and the limits in it: the configuration's, `changes' (or NULL) of the
 * command line on top, in spec->resources from here on.  0 or -errno with *e filled;
 * group_free() in either case.
 */
int group_plan(struct group *g, const struct state_dir *d, struct spec *spec, const json_t *changes,
	       struct error *e);
/* Makes it and takes the calling process in; fills s->limits and s->usage. */
int group_enter(struct group *g, const struct state_dir *d, const struct spec *spec,
		struct boot_spec *s, struct error *e);
/* The sandbox has its own copies of the descriptors. */
void group_started(struct group *g);
/* Out of it again, for who removes it. */
void group_leave(struct group *g);
void group_free(struct group *g);

/* What cgroup.json says; -ENOENT, -EINVAL.  group_free() in either case. */
int group_load(struct group *g, const struct state_dir *d);
int group_save(const struct group *g, const struct state_dir *d, struct error *e);
/* Takes away what cgroup.json names, with the processes in it if `kill'. */
int group_remove_all(const struct state_dir *d, bool kill, struct error *e);
