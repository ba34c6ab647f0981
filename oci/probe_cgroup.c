/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups: which controllers the host has, and whether we may make groups in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/cgroup/find.h"
#include "oci/cgroup/scope.h"
#include "oci/probe.h"
#include "platform/base/cleanup.h"

enum { PATH_SIZE = 2 * CGROUP_PATH_MAX };

/* The group we are in: below the mount, or the mount where that is all we see. */
static void own_dir(const struct hierarchy *h, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s%s", h->mount, strcmp(h->own, "/") ? h->own : "");
	if (access(out, F_OK) < 0)
		snprintf(out, PATH_SIZE, "%s", h->mount);
}

static bool v2_has(const struct hierarchy *h, const char *controller)
{
	char path[PATH_SIZE + 32];
	autofree char *text = NULL;
	if (!h)
		return false;
	own_dir(h, path);
	strcat(path, "/cgroup.controllers");
	if (file_text(path, &text) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return controllers_have(text, controller);
}

/* v1 and v2 have two names for one of them. */
static const struct hierarchy *find(const struct hierarchies *all, const char *v1, const char *v2)
{
	const struct hierarchy *h = hierarchy_of(all, v1);
	if (!h && v2_has(hierarchy_v2(all), v2))
		h = hierarchy_v2(all);
	return h;
}

static int probe_controller(struct finding *f, const char *v1, const char *v2)
{
	char dir[PATH_SIZE];
	autofree struct hierarchies *all = calloc(1, sizeof *all);
	int err = all ? hierarchies_find(all) : -ENOMEM;
	if (err < 0)
		return err;
	const struct hierarchy *h = find(all, v1, v2);
	if (!h)
		return -ENODEV;
	own_dir(h, dir);
	snprintf(f->detail, sizeof f->detail, "%s, %.80s", h->v2 ? "v2" : "v1", dir);
	if (access(dir, W_OK) == 0)
		return 0;
	snprintf(f->fix, sizeof f->fix, "run as root%s",
		 h->v2 ? ", or in a group of your own: systemd-run --user --scope -p Delegate=yes"
		       : "");
	return -errno;
}

int probe_cg_memory(struct finding *f)
{
	return probe_controller(f, "memory", "memory");
}

int probe_cg_cpu(struct finding *f)
{
	return probe_controller(f, "cpu", "cpu");
}

int probe_cg_cpuset(struct finding *f)
{
	return probe_controller(f, "cpuset", "cpuset");
}

int probe_cg_pids(struct finding *f)
{
	return probe_controller(f, "pids", "pids");
}

int probe_cg_io(struct finding *f)
{
	return probe_controller(f, "blkio", "io");
}

/* v2 freezes any group: there is no controller for it. */
int probe_cg_freezer(struct finding *f)
{
	autofree struct hierarchies *all = calloc(1, sizeof *all);
	int err = all ? hierarchies_find(all) : -ENOMEM;
	if (err < 0)
		return err;
	const struct hierarchy *h = hierarchy_of(all, "freezer");
	if (!h)
		h = hierarchy_v2(all);
	if (!h)
		return -ENODEV;
	snprintf(f->detail, sizeof f->detail, "%s", h->v2 ? "v2" : "v1");
	return 0;
}

/* Only groups below the first one have the file. */
int probe_cg_swap(struct finding *f)
{
	char path[PATH_SIZE + 32];
	(void)f;
	autofree struct hierarchies *all = calloc(1, sizeof *all);
	int err = all ? hierarchies_find(all) : -ENOMEM;
	if (err < 0)
		return err;
	const struct hierarchy *h = find(all, "memory", "memory");
	if (!h)
		return -ENODEV;
	own_dir(h, path);
	if (h->v2 && strcmp(h->own, "/") == 0)
		return 0;
	strcat(path, h->v2 ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes");
	return access(path, F_OK) < 0 ? -errno : 0;
}

int probe_systemd(struct finding *f)
{
	struct error e = {.msg = ""};
	int err = scope_check(f->detail, sizeof f->detail, &e);
	const char *option = "--systemd-cgroup: ";
	size_t skip = strncmp(e.msg, option, strlen(option)) == 0 ? strlen(option) : 0;
	if (err < 0)
		snprintf(f->detail, sizeof f->detail, "%.*s", (int)sizeof f->detail - 1, e.msg + skip);
	return err;
}
