/* SPDX-License-Identifier: Apache-2.0 */
/* vedette run: an OCI bundle, in the foreground, to its end. */
#include <errno.h>
#include <string.h>

#include "oci/bundle.h"

enum { OPT_OVERLAY = 256, ID_MAX = 1024, TASKS_MAX = 30000 };

struct run_options {
	const char *bundle, *id;
	struct overlay overlay;
	struct start_options start;
};

static const struct argp_option options[] = {
	{"bundle", 'b', "DIR", 0, "The bundle: DIR/config.json and its root (default: .)", 0},
	{"overlay", OPT_OVERLAY, "WHERE", 0,
	 "Where changes of the root go: `memory' (default), `all' (those of bind mounts too), "
	 "`none' (the root itself changes), `dir:PATH' (kept in PATH on the host)",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->start;
		return 0;
	case 'b':
		o->bundle = arg;
		return 0;
	case OPT_OVERLAY:
		if (!overlay_parse(arg, &o->overlay))
			argp_error(state, "--overlay is " OVERLAY_HELP ", not '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one container ID, not also '%s'", arg);
		o->id = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no container ID given: vedette run [--bundle DIR] ID");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &start_argp}, {0}};

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "ID",
	.doc = "Run the container that an OCI bundle describes, under the name ID.\v"
	       "Exit status: the container's; 128 + N if it died of signal N; 127 if its program "
	       "was not found, 126 if it could not be run, 1 for a bad configuration or if the "
	       "sandbox failed, 2 for a wrong command line.",
};

/* The characters that runc takes, so that an ID can be a file name. */
static int check_id(const char *id, struct error *e)
{
	const char *good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	if (!*id || id[strspn(id, good)] || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
	    strlen(id) > ID_MAX) {
		error_set(e, -EINVAL,
			  "'%.64s' is no container ID: letters, digits, and _ + - . only", id);
		error_sanitize(e);
		return -EINVAL;
	}
	return 0;
}

static void set_start(struct sandbox *s, const struct spec *spec, const struct start_options *o)
{
	s->spec.release = o->kernel;
	s->spec.task_limit = o->tasks;
	s->spec.limits.pids_max = spec->pids_limit;
	if (!o->tasks && spec->pids_limit > BOOT_TASKS)
		s->spec.task_limit =
			spec->pids_limit < TASKS_MAX ? (unsigned)spec->pids_limit : TASKS_MAX;
	s->trace = &o->trace;
}

int command_run(int argc, char **argv, struct error *e)
{
	struct run_options o = {.bundle = ".", .start = {.trace = {.fd = -1}}};
	struct bundle b;
	int status = EXIT_CONFIG;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	if (check_id(o.id, e) < 0)
		return EXIT_CONFIG;
	if (bundle_open(&b, o.bundle, o.overlay, e) == 0) {
		set_start(&b.sandbox, &b.spec, &o.start);
		status = sandbox_run(&b.sandbox, e);
		/* runc has one status for all failures of its own. */
		if (status == EXIT_INTERNAL && e->msg[0])
			status = EXIT_CONFIG;
	}
	bundle_close(&b);
	return status;
}
