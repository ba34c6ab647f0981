/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/group.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "oci/cgroup/properties.h"
#include "oci/cli.h"

/* Arrays are lists of rules, not of members: the new one is meant. */
static int merge(struct group *g, const struct spec *spec, const json_t *changes)
{
	const json_t *linux_ = json_object_get(spec->reader.root, "linux");
	const json_t *config = json_object_get(linux_, "resources");
	g->resources = json_is_object(config) ? json_deep_copy(config) : json_object();
	if (!g->resources)
		return -ENOMEM;
	return changes && json_object_update_recursive(g->resources, (json_t *)(uintptr_t)changes)
		       ? -ENOMEM
		       : 0;
}

int group_plan(struct group *g, const struct state_dir *d, struct spec *spec, const json_t *changes,
	       struct error *e)
{
	*g = (struct group){.resources = NULL};
	for (int i = 0; i < USAGE_FILES; i++)
		g->usage.fd[i] = -1;
	int err = merge(g, spec, changes);
	if (err < 0)
		return error_set(e, err, "out of memory");
	if (changes) {
		spec->resources = (struct spec_resources){.cpus = NULL};
		if ((err = spec_read_resources(&spec->reader, g->resources, &spec->resources)) < 0)
			return err;
	}
	bool systemd = global_options.systemd_cgroup;
	g->must = systemd ||
		  (geteuid() == 0 && (spec->cgroups_path || cgroup_asked(&spec->resources)));
	if (!global_options.no_cgroups &&
	    ((err = cgroup_plan(&g->cgroup, spec->cgroups_path, d->id, systemd, e)) < 0 ||
	     (err = cgroup_check_free(&g->cgroup, e)) < 0))
		return err;
	if (g->cgroup.scope &&
	    (err = properties_of_annotations(json_object_get(spec->reader.root, "annotations"),
					     &g->cgroup.scope->asked, e)) < 0)
		return err;
	return group_save(g, d, e);
}

int group_enter(struct group *g, const struct state_dir *d, const struct spec *spec,
		struct boot_spec *s, struct error *e)
{
	if (global_options.no_cgroups) {
		s->usage = &g->usage;
		usage_here(&s->limits, &g->usage);
		return 0;
	}
	bool systemd = g->cgroup.scope;
	struct error ignored;
	int err = cgroup_enter(&g->cgroup, &spec->resources, g->must, s, &g->usage, e);
	g->entered = err == 0 && g->cgroup.count > 0;
	/* Where a scope's cgroup is, or that there is none, systemd has said only now. */
	if (systemd && err == 0)
		return group_save(g, d, e);
	if (systemd)
		group_save(g, d, &ignored);
	return err;
}

void group_started(struct group *g)
{
	usage_close(&g->usage);
	for (int i = 0; i < USAGE_FILES; i++)
		g->usage.fd[i] = -1;
}

void group_leave(struct group *g)
{
	if (g->entered)
		cgroup_leave(&g->cgroup);
	g->entered = false;
}

void group_free(struct group *g)
{
	cgroup_free(&g->cgroup);
	json_decref(g->resources);
	g->resources = NULL;
}

int group_load(struct group *g, const struct state_dir *d)
{
	json_t *j = NULL;
	*g = (struct group){.resources = NULL};
	int err = state_get(d, "cgroup.json", &j);
	if (err == 0 && !(g->resources = json_incref(json_object_get(j, "resources"))))
		err = -EINVAL;
	if (err == 0)
		err = cgroup_from_json(json_object_get(j, "cgroup"), &g->cgroup);
	json_decref(j);
	return err;
}

int group_save(const struct group *g, const struct state_dir *d, struct error *e)
{
	return state_put(d, "cgroup.json",
			 json_pack("{s:o*, s:O}", "cgroup", cgroup_to_json(&g->cgroup), "resources",
				   g->resources),
			 e);
}

int group_remove_all(const struct state_dir *d, bool kill, struct error *e)
{
	struct group g;
	int err = group_load(&g, d);
	if (err == 0 && kill)
		cgroup_kill(&g.cgroup, getpid());
	err = err == 0 ? cgroup_remove(&g.cgroup, e) : 0;
	group_free(&g);
	return err;
}
