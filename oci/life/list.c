/* SPDX-License-Identifier: Apache-2.0 */
/* vedette state, vedette list. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/life/ids.h"

static error_t parse_state(int key, char *arg, struct argp_state *state)
{
	return id_argument(key, arg, state, state->input);
}

static int print_json(json_t *j, int flags, struct error *e)
{
	int err = j ? json_dumpf(j, stdout, flags) : -1;
	json_decref(j);
	putchar('\n');
	if (err < 0 || fflush(stdout) != 0)
		return error_set(e, -EIO, "cannot write to standard output");
	return 0;
}

int command_state(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.parser = parse_state,
		.args_doc = "ID",
		.doc = "Print what is known of the container ID, as the OCI runtime specification "
		       "has it."};
	const char *id;
	struct target t;
	if (argp_parse(&parser, argc, argv, 0, NULL, &id) != 0)
		return EXIT_USAGE;
	int err = target_open(id, /*locked=*/false, &t, e);
	if (err == 0)
		err = print_json(target_json(&t), JSON_INDENT(2) | JSON_PRESERVE_ORDER, e);
	target_close(&t);
	return err < 0 ? EXIT_CONFIG : 0;
}

struct list_options {
	bool quiet, json;
};

static const struct argp_option list_options[] = {
	{"format", 'f', "FORMAT", 0, "table (default) or json", 0},
	{"quiet", 'q', NULL, 0, "Only the IDs", 0},
	{0},
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct list_options *o = state->input;
	switch (key) {
	case 'q':
		o->quiet = true;
		return 0;
	case 'f':
		o->json = strcmp(arg, "json") == 0;
		if (!o->json && strcmp(arg, "table") != 0)
			argp_error(state, "--format is table or json, not '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void set_owner(json_t *j, const struct state_dir *d)
{
	struct stat st;
	char text[16];
	if (fstat(d->fd, &st) < 0)
		return;
	snprintf(text, sizeof text, "%u", (unsigned)st.st_uid);
	json_object_set_new(j, "owner", json_string(st.st_uid == 0 ? "root" : text));
}

/* One that vanishes meanwhile, or is just being made, is left out. */
static void add(json_t *all, const char *id)
{
	struct target t;
	struct error e;
	int err = target_open(id, /*locked=*/false, &t, &e);
	json_t *j = err == 0 ? target_json(&t) : NULL;
	if (j) {
		set_owner(j, &t.dir);
		json_array_append_new(all, j);
	}
	target_close(&t);
}

static int collect(json_t *all, struct error *e)
{
	struct ids ids;
	int err = ids_read(/*pattern=*/NULL, &ids, e);
	for (size_t i = 0; err == 0 && i < ids.n; i++)
		add(all, ids.id[i]);
	ids_free(&ids);
	return err;
}

static const char *member(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s ? s : "";
}

static int widest(const json_t *all, const char *key)
{
	size_t i, most = strlen(key);
	json_t *j;
	json_array_foreach(all, i, j)
	{
		size_t n = strlen(member(j, key));
		most = n > most ? n : most;
	}
	return (int)most;
}

static int print_list(json_t *all, const struct list_options *o)
{
	size_t i;
	json_t *j;
	int bundle = widest(all, "bundle"), created = widest(all, "created");
	if (!o->quiet)
		printf("%-11s %-11s %-11s %-*s %-*s %s\n", "ID", "PID", "STATUS", bundle, "BUNDLE",
		       created, "CREATED", "OWNER");
	json_array_foreach(all, i, j)
	{
		if (o->quiet)
			printf("%s\n", member(j, "id"));
		else
			printf("%-11s %-11lld %-11s %-*s %-*s %s\n", member(j, "id"),
			       (long long)json_integer_value(json_object_get(j, "pid")),
			       member(j, "status"), bundle, member(j, "bundle"), created,
			       member(j, "created"), member(j, "owner"));
	}
	return fflush(stdout) == 0 ? 0 : EXIT_CONFIG;
}

int command_list(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {.options = list_options,
					   .parser = parse_list,
					   .doc = "Print the containers that are known, in the order of their IDs."};
	struct list_options o = {.json = false};
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	json_t *all = json_array();
	int status = collect(all, e) < 0 ? EXIT_CONFIG : 0;
	if (status == 0 && o.json && !o.quiet)
		return print_json(all, JSON_COMPACT, e) < 0 ? EXIT_CONFIG : 0;
	if (status == 0)
		status = print_list(all, &o);
	json_decref(all);
	return status;
}
