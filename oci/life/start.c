/* SPDX-License-Identifier: Apache-2.0 */
/* vedette start: the program of a created container may run. */
#include <errno.h>
#include <signal.h>

#include "oci/life/command.h"
#include "oci/life/hooks.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	return id_argument(key, arg, state, state->input);
}

/* If one of them fails the container is over. */
static int before(const struct target *t, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_SIGNAL, .sig = SIGKILL, .foreground = TO_ALL};
	struct error ignored;
	int err = hooks_run(&t->dir, STATE_CREATED, "startContainer", e);
	if (err < 0)
		target_ask(t, &m, &ignored);
	return err;
}

int start_container(const char *id, bool hooked, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_START};
	struct control_msg reply = {.kind = 0};
	struct target t;
	int err = target_open(id, /*locked=*/true, &t, e);
	if (err == 0 && t.status == STATE_STOPPED)
		err = error_set(e, -ESRCH, "cannot start a container that has stopped");
	if (err == 0 && t.status == STATE_CREATED && !hooked)
		err = before(&t, e);
	if (err == 0)
		err = link_ask(&t.link, &m, &reply, e);
	if (err == 0)
		hooks_try(&t, STATE_RUNNING, "poststart");
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
	return start_container(id, /*hooked=*/false, e) ? EXIT_CONFIG : 0;
}
