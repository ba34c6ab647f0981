/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's group is.
 *
 * An absolute cgroupsPath starts at each mount's root, a relative one at the
 * caller's own group, as runc has it.  ".." goes no further up than that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cgroup/cgroup.h"
#include "oci/cgroup/find.h"
#include "oci/cgroup/private.h"
#include "oci/cgroup/systemd.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

/* Hierarchies that a container is put into; what else there is stays as it is. */
static const char *const wanted[] = {"memory", "cpu",	  "cpuacct", "cpuset",	    "pids",
				     "blkio",  "devices", "hugetlb", "name=systemd"};

static bool is_wanted(const struct hierarchy *h)
{
	if (h->v2)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (controllers_have(h->controllers, wanted[i]))
			return true;
	return false;
}

int path_clean(const char *path, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (const char *p = path; *p;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (used && out[--used] != '/')
				;
			out[used] = '\0';
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (used + 1 + n >= size)
				return -ENAMETOOLONG;
			out[used++] = '/';
			memcpy(out + used, p, n);
			out[used += n] = '\0';
		}
		p += n;
	}
	return 0;
}

static int add_dir(struct cgroup *c, const struct hierarchy *h, const char *below, bool absolute)
{
	struct cgroup_dir *d = &c->dirs[c->count];
	const char *own = strcmp(h->own, "/") == 0 ? "" : h->own;
	const char *mount = strcmp(h->mount, "/") == 0 ? "" : h->mount;
	*d = (struct cgroup_dir){.v2 = h->v2, .controllers = strdup(h->controllers)};
	if (asprintf(&d->path, "%s%s%s", mount, absolute ? "" : own, below) < 0)
		d->path = NULL;
	if (asprintf(&d->home, "%s%s", mount, own) < 0)
		d->home = NULL;
	c->count++;
	return d->path && d->home && d->controllers ? 0 : -ENOMEM;
}

/* A v2 hierarchy is all there is, or it is beside v1's, which then have the controllers. */
static bool only_v2(const struct hierarchies *h)
{
	bool v2 = false, v1 = false;
	for (size_t i = 0; i < h->count; i++) {
		v2 |= h->list[i].v2;
		v1 |= !h->list[i].v2 && strncmp(h->list[i].controllers, "name=", 5) != 0;
	}
	return v2 && !v1;
}

static int plan_in(struct cgroup *out, const struct hierarchies *h, const char *path,
		   const char *name, struct error *e)
{
	char below[CGROUP_PATH_MAX];
	bool absolute = path && path[0] == '/';
	if (path_clean(path ? path : name, below, sizeof below) < 0)
		return error_set(e, -ENAMETOOLONG, "linux.cgroupsPath is too long");
	if (!*below)
		return error_set(e, -EINVAL,
				 "linux.cgroupsPath '%s' is the root of all cgroups: name one "
				 "below it",
				 path ? path : name);
	out->dirs = calloc(h->count + 1, sizeof *out->dirs);
	int err = out->dirs ? 0 : -ENOMEM;
	for (size_t i = 0; err == 0 && i < h->count; i++)
		if (is_wanted(&h->list[i]))
			err = add_dir(out, &h->list[i], below, absolute);
	out->v2 = only_v2(h);
	const struct hierarchy *f = hierarchy_of(h, "freezer");
	if (err == 0 && f &&
	    asprintf(&out->freezer, "%s%s%s", f->mount, absolute || strcmp(f->own, "/") == 0 ? "" : f->own,
		     below) < 0)
		err = -ENOMEM;
	return err < 0 ? error_set(e, err, "out of memory") : 0;
}

static int plan(struct cgroup *out, const char *path, const char *name, struct error *e)
{
	autofree struct hierarchies *h = malloc(sizeof *h);
	if (!h)
		return error_set(e, -ENOMEM, "out of memory");
	int err = hierarchies_find(h);
	return err < 0 ? error_set(e, err, "cannot read /proc/self/mountinfo and cgroup: %s",
				   strerror(-err))
		       : plan_in(out, h, path, name, e);
}

int cgroup_plan(struct cgroup *out, const char *path, const char *name, bool systemd,
		struct error *e)
{
	char unit[CGROUP_PATH_MAX];
	*out = (struct cgroup){0};
	if (!systemd)
		return plan(out, path, name, e);
	if (!(out->scope = scope_new(path, name, e)))
		return e->err;
	int err = systemd_path(out->scope->slice, out->scope->unit, unit, sizeof unit, e);
	return err < 0 ? err : plan(out, unit, name, e);
}

int group_move(struct cgroup *c, const char *path, struct error *e)
{
	struct cgroup there = {0};
	int err = plan(&there, path, "", e);
	/* The same hierarchies, in the same order; where it came from stays as it was. */
	for (size_t i = 0; err == 0 && i < c->count && i < there.count; i++) {
		char *old = c->dirs[i].path;
		c->dirs[i].path = there.dirs[i].path;
		there.dirs[i].path = old;
	}
	cgroup_free(&there);
	return err;
}

void cgroup_free(struct cgroup *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->dirs[i].path);
		free(c->dirs[i].controllers);
		free(c->dirs[i].home);
	}
	free(c->dirs);
	free(c->freezer);
	scope_free(c->scope);
	*c = (struct cgroup){0};
}

const char *cgroup_path(const struct cgroup *c, const char *controller)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->v2 ? c->dirs[i].v2
			  : !c->dirs[i].v2 && controllers_have(c->dirs[i].controllers, controller))
			return c->dirs[i].path;
	return NULL;
}

json_t *cgroup_to_json(const struct cgroup *c)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < c->count; i++) {
		const struct cgroup_dir *d = &c->dirs[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "path", d->path,
						      "controllers", d->controllers, "v2", d->v2));
	}
	return json_pack("{s:b, s:o*, s:o*}", "v2", c->v2, "dirs", list, "scope",
			 c->scope ? scope_to_json(c->scope) : NULL);
}

int cgroup_from_json(const json_t *j, struct cgroup *out)
{
	json_t *list = json_object_get(j, "dirs"), *one;
	size_t i;
	*out = (struct cgroup){.v2 = json_is_true(json_object_get(j, "v2"))};
	json_t *scope = json_object_get(j, "scope");
	if (scope && !(out->scope = scope_from_json(scope)))
		return -EINVAL;
	if (!json_is_array(list) ||
	    !(out->dirs = calloc(json_array_size(list) + 1, sizeof *out->dirs)))
		return -EINVAL;
	json_array_foreach(list, i, one)
	{
		const char *path = json_string_value(json_object_get(one, "path"));
		const char *names = json_string_value(json_object_get(one, "controllers"));
		if (!path || path[0] != '/' || !names)
			return -EINVAL;
		out->dirs[out->count++] = (struct cgroup_dir){
			.path = strdup(path),
			.controllers = strdup(names),
			.v2 = json_is_true(json_object_get(one, "v2")),
		};
		if (!out->dirs[i].path || !out->dirs[i].controllers)
			return -EINVAL;
	}
	return 0;
}
