/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's cgroup hierarchies, by /proc/self/mountinfo and /proc/self/cgroup:
 * never by whether a path exists, since others make folders beside the mounts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { HIERARCHIES_MAX = 24, CONTROLLERS_SIZE = 256, CGROUP_PATH_MAX = 4096 };

struct hierarchy {
	bool v2;
	/* v1: "cpu,cpuacct", "name=systemd"; v2: "cpuset cpu io", as far as it has been read. */
	char controllers[CONTROLLERS_SIZE];
	char mount[CGROUP_PATH_MAX];	/* where it is mounted */
	char own[CGROUP_PATH_MAX];	/* the caller's group below that: "/" or "/a/b" */
};

struct hierarchies {
	struct hierarchy list[HIERARCHIES_MAX];
	size_t count;
};

/* The host's.  0 (with none, where there are no cgroups), -ENOMEM, -errno of /proc. */
int hierarchies_find(struct hierarchies *out);
/* The same from texts. */
void hierarchies_parse(const char *mountinfo, const char *self_cgroup, struct hierarchies *out);
/* A word is in a list with commas or blanks between. */
bool controllers_have(const char *list, const char *name);
/* The hierarchy that a controller of v1 is in; NULL if there is none. */
const struct hierarchy *hierarchy_of(const struct hierarchies *h, const char *controller);
/* The one of v2; NULL if it is not mounted. */
const struct hierarchy *hierarchy_v2(const struct hierarchies *h);
/* All the text of a file of the kernel, NUL-terminated, malloc'ed; or -errno. */
int file_text(const char *path, char **out);
/* An absolute path without ".", "..", or double slashes; "" for the root.  -ENAMETOOLONG. */
int path_clean(const char *path, char *out, size_t size);
