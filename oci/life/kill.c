/* SPDX-License-Identifier: Apache-2.0 */
/* vedette kill: a signal to a container. */
#include <errno.h>

#include "oci/life/command.h"
#include "oci/life/ids.h"

struct kill_options {
	const char *id, *signal;
	bool all, regex;
};

static const struct argp_option options[] = {
	{"all", 'a', NULL, 0, "To every process of the container, not only to the first", 0},
	{"regex", 'r', NULL, 0, "ID is a regular expression: all that run and in whose ID it is found", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct kill_options *o = state->input;
	switch (key) {
	case 'a':
		o->all = true;
		return 0;
	case 'r':
		o->regex = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "one ID and one signal, not also '%s'", arg);
		*(state->arg_num ? &o->signal : &o->id) = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no container ID given: vedette kill ID [SIGNAL]");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int kill_container(const char *id, const struct control_msg *m, bool running,
			  struct error *e)
{
	struct target t;
	int err = target_open(id, /*locked=*/false, &t, e);
	/* Nobody is left, and all of them have got nothing. */
	bool nothing = err == 0 && t.status == STATE_STOPPED &&
		       (running || (m->foreground == TO_ALL && m->sig == 0));
	if (err == 0 && !nothing)
		err = target_ask(&t, m, e);
	if (err == 0 && m->sig == 9)
		container_thaw(&t);
	target_close(&t);
	return err;
}

static int kill_found(const char *id, void *arg, struct error *e)
{
	return kill_container(id, arg, /*running=*/true, e);
}

int command_kill(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.args_doc = "ID [SIGNAL]",
		.doc = "Send SIGNAL, a number or a name (default: TERM), to the first process of "
		       "the container ID."};
	struct kill_options o = {.signal = "TERM"};
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	struct control_msg m = {.kind = CONTROL_SIGNAL,
				.sig = signal_parse(o.signal),
				.foreground = o.all ? TO_ALL : TO_FIRST};
	if (m.sig < 0) {
		error_set(e, -EINVAL,
			  "unknown signal '%.32s': a number up to 64, or a name as "
			  "TERM or SIGTERM",
			  o.signal);
		return EXIT_CONFIG;
	}
	int err = o.regex ? ids_each(o.id, kill_found, &m, e)
			  : kill_container(o.id, &m, /*running=*/false, e);
	return err < 0 ? EXIT_CONFIG : 0;
}
