/* SPDX-License-Identifier: Apache-2.0 */
/* vedette run: create and start in one; in the foreground, delete too. */
#include <errno.h>
#include <unistd.h>

#include "oci/life/create.h"
#include "oci/life/hooks.h"

enum { OPT_KEEP = 512, OPT_IGNORED };

static const struct argp_option options[] = {
	{"detach", 'd', NULL, 0, "Return when the program runs", 0},
	{"keep", OPT_KEEP, NULL, 0, "Leave the state of the ended container to `delete'", 0},
	{"no-subreaper", OPT_IGNORED, NULL, 0, "No effect", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct create_options *o = state->input;
	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'd':
		o->detach = true;
		return 0;
	case OPT_KEEP:
		o->keep = true;
		return 0;
	case OPT_IGNORED:
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &create_argp}, {0}};

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

static int run_here(const struct create_options *o, struct error *e)
{
	struct making m;
	int sig, status = making_begin(&m, o, e);
	struct host h = {.bundle = &m.bundle, .dir = &m.dir, .group = &m.group, .creator = -1};
	if (status == 0 && hooks_any(m.bundle.spec.reader.root)) {
		error_set(e, -EOPNOTSUPP,
			  "hooks are not run for a container in the foreground: use --detach, or "
			  "create and start");
		status = EXIT_CONFIG;
	}
	if (status == 0 && making_tell(&m, getpid(), /*attached=*/true, e) < 0)
		status = EXIT_CONFIG;
	if (status == 0 && o->pid_file && pid_file_write(o->pid_file, getpid(), e) < 0)
		status = EXIT_CONFIG;
	if (status == 0) {
		making_unlock(&m);
		status = host_run(&h, &sig, e);
		m.made = !o->keep;
	}
	making_close(&m);
	return status;
}

static int run_detached(const struct create_options *o, struct error *e)
{
	struct error ignored;
	int status = create_container(o, e);
	if (status == 0 && (status = start_container(o->id, e)) != 0)
		delete_container(o->id, /*force=*/true, &ignored);
	return status;
}

int command_run(int argc, char **argv, struct error *e)
{
	struct create_options o;
	create_options_init(&o);
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int status = o.detach ? run_detached(&o, e) : run_here(&o, e);
	/* runc has one status for all failures of its own. */
	return status == EXIT_INTERNAL && e->msg[0] ? EXIT_CONFIG : status;
}
