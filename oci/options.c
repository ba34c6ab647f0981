/* SPDX-License-Identifier: Apache-2.0 */
/* Options that all commands have which start a sandbox. */
#include <stdlib.h>
#include <string.h>

#include "oci/cli.h"
#include "oci/limit_options.h"

struct global_options global_options = {.log_fd = -1};

enum { OPT_TRACE = 0x1000, OPT_KERNEL, OPT_PLATFORM, OPT_TASKS, TASKS_MAX = 30000 };

static const struct argp_option options[] = {
	{"kernel", OPT_KERNEL, "RELEASE", 0, "What uname -r says (default: 6.12)", 0},
	{"max-tasks", OPT_TASKS, "N", 0, "Threads and processes at once (default: 8192)", 0},
	{"platform", OPT_PLATFORM, "NAME", 0,
	 "How system calls are caught: trap, ptrace, or auto (default: $VEDETTE_PLATFORM, or auto)", 0},
	{"trace", OPT_TRACE, "FILE", OPTION_ARG_OPTIONAL,
	 "Print system calls as strace does, to stderr or FILE; FILE `summary': counts at the end",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct start_options *o = state->input;
	struct error e;
	char *end;
	long n;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->limits;
		return 0;
	case OPT_KERNEL:
		o->kernel = arg;
		return 0;
	case OPT_TASKS:
		n = strtol(arg, &end, 10);
		if (*end || n < 1 || n > TASKS_MAX)
			argp_error(state, "--max-tasks wants a number from 1 to %d, not '%s'",
				   TASKS_MAX, arg);
		o->tasks = (unsigned)n;
		return 0;
	case OPT_PLATFORM:
		if (strcmp(arg, "auto") && strcmp(arg, "trap") && strcmp(arg, "ptrace"))
			argp_error(state, "--platform wants trap, ptrace or auto, not '%s'", arg);
		global_options.platform = arg;
		return 0;
	case OPT_TRACE:
		if (trace_parse(arg, &o->trace, &e) < 0)
			argp_failure(state, EXIT_INTERNAL, 0, "%s", e.msg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &limit_argp}, {0}};

const struct argp start_argp = {
	.options = options, .parser = parse_option, .children = children};
