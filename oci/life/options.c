/* SPDX-License-Identifier: Apache-2.0 */
/* Options of create and run, as runc has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "oci/life/create.h"
#include "oci/listen.h"

enum { OPT_OVERLAY = 256, OPT_IGNORED, OPT_PID_FILE = 0x3000, OPT_CONSOLE, OPT_PRESERVE, OPT_SUBREAPER };

static const struct argp_option place_options[] = {
	{"pid-file", OPT_PID_FILE, "FILE", 0, "Write the pid of its host process there", 0},
	{"console-socket", OPT_CONSOLE, "PATH", 0, "Send the master of its terminal to this socket",
	 0},
	{"preserve-fds", OPT_PRESERVE, "N", 0, "The program gets descriptors 3 to N + 2 too", 0},
	{"no-subreaper", OPT_SUBREAPER, NULL, 0, "No effect", 0},
	{0},
};

static unsigned preserve_parse(const char *arg, int first, struct argp_state *state)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);
	if (*end || end == arg || n > PRESERVE_MAX)
		argp_error(state, "--preserve-fds wants a number up to %d, not '%s'", PRESERVE_MAX,
			   arg);
	for (unsigned long i = 0; i < n; i++)
		if (fcntl(first + (int)i, F_GETFD) < 0 || first + (int)i == global_options.log_fd)
			argp_error(state, "--preserve-fds %lu: descriptor %d is not open", n,
				   first + (int)i);
	return (unsigned)n;
}

static error_t parse_place(int key, char *arg, struct argp_state *state)
{
	struct place_options *o = state->input;
	switch (key) {
	case OPT_PID_FILE:
		o->pid_file = arg;
		return 0;
	case OPT_CONSOLE:
		o->console_socket = arg;
		return 0;
	case OPT_PRESERVE:
		o->preserve = preserve_parse(arg, 3 + (int)o->listen, state);
		return 0;
	case OPT_SUBREAPER:
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp place_argp = {.options = place_options, .parser = parse_place};

static const struct argp_option options[] = {
	{"bundle", 'b', "DIR", 0, "The bundle: DIR/config.json and its root (default: .)", 0},
	{"config", 'f', "FILE", 0,
	 "FILE instead of config.json; a relative name starts at the bundle", 0},
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
		state->child_inputs[1] = &o->place;
		return 0;
	case 'b':
		o->bundle = arg;
		return 0;
	case 'f':
		o->config = arg;
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

static const struct argp_child children[] = {{.argp = &start_argp}, {.argp = &place_argp}, {0}};

const struct argp create_argp = {
	.options = options, .parser = parse_option, .children = children, .args_doc = "ID"};

void create_options_init(struct create_options *o)
{
	*o = (struct create_options){.bundle = ".",
				     .config = "config.json",
				     .place = {.listen = listen_count()},
				     .start = {.trace = {.fd = -1}}};
}
