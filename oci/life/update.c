/* SPDX-License-Identifier: Apache-2.0 */
/* vedette update: other limits for a container that runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/control.h"
#include "oci/life/command.h"
#include "oci/life/group.h"
#include "oci/limit_options.h"
#include "platform/base/log.h"

struct update_options {
	const char *id, *file;
	json_t *limits;
};

static const struct argp_option options[] = {
	{"resources", 'r', "FILE", 0,
	 "Limits from FILE (-: standard input), as linux.resources of config.json has them", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct update_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->limits;
		return 0;
	case 'r':
		o->file = arg;
		return 0;
	default:
		return id_argument(key, arg, state, &o->id);
	}
}

/* The file's, and the options' on top.  0 or -errno with *e filled. */
static int changes(struct update_options *o, json_t **out, struct error *e)
{
	json_error_t je;
	const char *name = !o->file || strcmp(o->file, "-") == 0 ? "standard input" : o->file;
	*out = NULL;
	if (o->file) {
		FILE *f = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "re");
		if (!f)
			return error_set(e, -errno, "cannot open %s: %s", name, strerror(errno));
		*out = json_loadf(f, JSON_REJECT_DUPLICATES, &je);
		if (f != stdin)
			fclose(f);
		if (!*out)
			return error_set(e, -EINVAL, "%s: line %d, column %d: %.200s", name,
					 je.line, je.column, je.text);
	} else {
		*out = json_object();
	}
	if (!json_is_object(*out))
		return error_set(e, -EINVAL, "%s: must be an object, as linux.resources is", name);
	if (o->limits && json_object_update_recursive(*out, o->limits) < 0)
		return error_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* null is "not given": what there is must not be lost to it. */
static void drop_nulls(json_t *j)
{
	const char *key;
	json_t *v;
	void *tmp;
	json_object_foreach_safe(j, tmp, key, v)
	{
		if (json_is_null(v))
			json_object_del(j, key);
		else if (json_is_object(v))
			drop_nulls(v);
	}
}

/* The sentry first knows of it when the host enforces it. */
static int apply(const struct target *t, struct group *g, const struct spec_resources *r,
		 struct error *e)
{
	struct control_msg m = {.kind = CONTROL_LIMIT};
	struct limits l;
	int err = 0;
	if (g->cgroup.count)
		err = cgroup_update(&g->cgroup, r, e);
	else if (cgroup_asked(r))
		log_warning("the new limits are shown inside, but not enforced: the container has "
			    "no cgroup of its own");
	if (err < 0)
		return err;
	limits_of(r, &l);
	limits_lower(&g->cgroup, &l);
	memcpy(m.text, &l, sizeof l);
	return target_ask(t, &m, e);
}

static int update(const struct target *t, json_t *new, struct error *e)
{
	struct reader reader = {.file = "resources", .e = e};
	struct spec_resources r = {.cpus = NULL};
	struct group g;
	int err = group_load(&g, &t->dir);
	if (err < 0)
		error_set(e, err, "the limits of container %s are not known: %s", t->dir.id,
			  strerror(-err));
	drop_nulls(new);
	if (err == 0 && json_object_update_recursive(g.resources, new) < 0)
		err = error_set(e, -ENOMEM, "out of memory");
	if (err == 0)
		err = spec_read_resources(&reader, g.resources, &r);
	if (err == 0)
		err = apply(t, &g, &r, e);
	if (err == 0)
		err = group_save(&g, &t->dir, e);
	reader_close(&reader);
	group_free(&g);
	return err;
}

static int update_container(struct update_options *o, struct error *e)
{
	struct target t = {.link = {.fd = -1}, .dir = {.root = -1, .fd = -1}};
	json_t *new;
	int err = changes(o, &new, e);
	if (err == 0)
		err = target_open(o->id, /*locked=*/true, &t, e);
	if (err == 0 && t.status == STATE_STOPPED)
		err = error_set(e, -ESRCH, "container not running");
	if (err == 0)
		err = update(&t, new, e);
	json_decref(new);
	target_close(&t);
	return err;
}

int command_update(int argc, char **argv, struct error *e)
{
	static const struct argp_child children[] = {{.argp = &update_argp}, {0}};
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.children = children,
		.args_doc = "ID",
		.doc = "Change the limits of the container ID, which runs.  What is not named "
		       "stays as it is."};
	struct update_options o = {.id = NULL};
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = update_container(&o, e);
	json_decref(o.limits);
	return err < 0 ? EXIT_CONFIG : 0;
}
