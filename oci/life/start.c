/* SPDX-License-Identifier: Apache-2.0 */
/* vedette start: the program of a created container may run. */
#include <errno.h>

#include "oci/life/command.h"
#include "oci/life/hooks.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	return id_argument(key, arg, state, state->input);
}

int start_container(const char *id, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_START};
	struct control_msg reply = {.kind = 0};
	struct target t;
	int err = target_open(id, /*locked=*/true, &t, e);
	if (err == 0 && t.status == STATE_STOPPED)
		err = error_set(e, -ESRCH, "cannot start a container that has stopped");
	if (err == 0)
		err = link_ask(&t.link, &m, &reply, e);
	if (err == 0)
		hooks_try(&t.dir, STATE_RUNNING, "poststart");
	target_close(&t);
	if (err < 0)
		return reply.kind == CONTROL_ERROR && reply.foreground ? (int)reply.foreground
								       : EXIT_CONFIG;
	return 0;
}

int command_start(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.parser = parse_option,
		.args_doc = "ID",
		.doc = "Start the program of the container ID, which `vedette create' has made."};
	const char *id;
	if (argp_parse(&parser, argc, argv, 0, NULL, &id) != 0)
		return EXIT_USAGE;
	return start_container(id, e) ? EXIT_CONFIG : 0;
}
