/* SPDX-License-Identifier: Apache-2.0 */
/* Options of create and run, as runc has them. */
#include <errno.h>
#include <string.h>

#include "oci/life/create.h"

enum { OPT_OVERLAY = 256, OPT_PID_FILE, OPT_CONSOLE, OPT_PRESERVE, OPT_IGNORED, OPT_CONFIG };

static const struct argp_option options[] = {
	{"bundle", 'b', "DIR", 0, "The bundle: DIR/config.json and its root (default: .)", 0},
	{"config", OPT_CONFIG, "FILE", 0,
	 "FILE instead of config.json; a relative name starts at the bundle", 0},
	{"pid-file", OPT_PID_FILE, "FILE", 0, "Write the pid of the container's host process there",
	 0},
	{"console-socket", OPT_CONSOLE, "PATH", 0,
	 "Send the master of the container's terminal to this socket", 0},
	{"preserve-fds", OPT_PRESERVE, "N", 0, "The program gets descriptors 3 to N + 2 too", 0},
	{"no-pivot", OPT_IGNORED, NULL, 0, "No effect: nothing on the host is pivoted", 0},
	{"no-new-keyring", OPT_IGNORED, NULL, 0, "No effect: containers see no host keyring", 0},
	{"overlay", OPT_OVERLAY, "WHERE", 0,
	 "Where changes of the root go: `memory' (default of run), `all' (those of "
	 "bind mounts too), `none' (the root itself changes; default of create), `dir:PATH' (kept "
	 "in PATH on the host)",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct create_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->start;
		return 0;
	case 'b':
		o->bundle = arg;
		return 0;
	case OPT_CONFIG:
		o->config = arg;
		return 0;
	case OPT_PID_FILE:
		o->pid_file = arg;
		return 0;
	case OPT_CONSOLE:
		o->console_socket = arg;
		return 0;
	case OPT_PRESERVE:
		o->preserve = preserve_parse(arg, state);
		return 0;
	case OPT_IGNORED:
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
		argp_error(state, "no container ID given: %s [--bundle DIR] ID", state->name);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &start_argp}, {0}};

const struct argp create_argp = {
	.options = options, .parser = parse_option, .children = children, .args_doc = "ID"};

void create_options_init(struct create_options *o)
{
	*o = (struct create_options){
		.bundle = ".", .config = "config.json", .start = {.trace = {.fd = -1}}};
}
