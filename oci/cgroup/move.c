/* SPDX-License-Identifier: Apache-2.0 */
/* Putting another process into a group. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/cgroup/private.h"

/* What only counts or names, and does not limit. */
static bool may_fail(const struct cgroup *c, const struct cgroup_dir *d)
{
	return !c->v2 && (d->v2 || strncmp(d->controllers, "name=", 5) == 0);
}

int cgroup_take(const struct cgroup *c, pid_t pid, struct error *e)
{
	char text[16];
	snprintf(text, sizeof text, "%d", (int)pid);
	for (size_t i = 0; i < c->count; i++) {
		const struct cgroup_dir *d = &c->dirs[i];
		int err = group_write(d->path, "cgroup.procs", text);
		if (err < 0 && !may_fail(c, d))
			return error_set(e, err, "cannot put process %d into the cgroup %s: %s",
					 (int)pid, d->path, strerror(-err));
	}
	return 0;
}
