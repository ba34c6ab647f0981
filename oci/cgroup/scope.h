/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scope of systemd, whose cgroup a container is in where systemd keeps the tree of cgroups
 * (--systemd-cgroup): systemd makes it, and takes it away when its last process has ended.  It is
 * asked by a program of its own, oci/scope.
 */
#pragma once

#include <jansson.h>

#include "oci/cgroup/settings.h"
#include "oci/cgroup/words.h"

struct scope {
	char *unit, *slice;	/* "vedette-ID.scope", "system.slice" */
	bool user;		/* of the user's own systemd, not the machine's */
	struct words env;	/* how its bus is found: our own environment may be gone later */
	struct words asked;	/* properties that annotations ask for */
};

/*
 * That of linux.cgroupsPath "slice:prefix:name" (NULL: a default) for the container `id'.  NULL with *e
 * filled: a wrong path, no memory, no systemd on this host.
 */
struct scope *scope_new(const char *path, const char *id, struct error *e);
void scope_free(struct scope *s);

/*
 * Makes it, with the limits of `settings' and the calling process in it.  out: its cgroup, from the
 * root of the tree.  0 or -errno with *e filled.
 */
int scope_start(const struct scope *s, const struct settings *settings, bool v2, char *out,
		size_t size, struct error *e);
/* Other limits. */
int scope_set(const struct scope *s, const struct settings *settings, bool v2, struct error *e);
/* Ends it with all processes in it; returns when it is gone.  One that is not there is no error. */
int scope_stop(const struct scope *s, struct error *e);
/* Who answers, in words.  0 or -errno with *e filled. */
int scope_check(char *out, size_t size, struct error *e);

/* For cgroup.json.  NULL: no memory. */
json_t *scope_to_json(const struct scope *s);
/* NULL: not ours, or no memory. */
struct scope *scope_from_json(const json_t *j);
