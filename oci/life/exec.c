/* SPDX-License-Identifier: Apache-2.0 */
/* vedette exec: another program in a container that is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/life/console.h"
#include "oci/life/exec.h"
#include "oci/life/relay.h"
#include "oci/life/visit.h"
#include "platform/base/cleanup.h"

enum { OPT_CWD = 256, OPT_NO_NEW_PRIVS, OPT_IGNORE_PAUSED, OPT_CGROUP, OPT_IGNORED, OPT_TTY };

static const struct argp_option options[] = {
	{"process", 'p', "FILE", 0, "The process, as in config.json; instead of CMD and options",
	 0},
	{"detach", 'd', NULL, 0, "Return when the program runs", 0},
	{NULL, 't', NULL, 0, "As --tty", 0},
	{"tty", OPT_TTY, "BOOL", OPTION_ARG_OPTIONAL,
	 "Give it a terminal: the caller's, or that of --console-socket (default: true)", 0},
	{"cwd", OPT_CWD, "DIR", 0, "Working directory", 0},
	{"env", 'e', "NAME=VALUE", 0, "Set a variable in its environment", 0},
	{"user", 'u', "UID[:GID]", 0, "Run as this user", 0},
	{"additional-gids", 'g', "GID", 0, "Be in this group as well", 0},
	{"cap", 'c', "CAP", 0, "Have this capability as well", 0},
	{"no-new-privs", OPT_NO_NEW_PRIVS, NULL, 0, "Gain nothing by executing programs", 0},
	{"ignore-paused", OPT_IGNORE_PAUSED, NULL, 0, "Do it in a paused container too", 0},
	{"apparmor", OPT_IGNORED, "PROFILE", 0, "No effect: the sandbox confines it", 0},
	{"process-label", OPT_IGNORED, "LABEL", 0, "No effect: the sandbox confines it", 0},
	{"cgroup", OPT_CGROUP, "PATH", 0, "Its cgroup below the container's: / alone, there is no other",
	 0},
	{0},
};

static uint32_t parse_id(const char *arg, char **end, struct argp_state *state)
{
	errno = 0;
	unsigned long n = strtoul(arg, end, 10);
	if (errno || *end == arg || *arg == '-' || n >= UINT32_MAX)
		argp_error(state, "a number of a user or group is wanted, not '%s'", arg);
	return (uint32_t)n;
}

static void parse_user(const char *arg, struct exec_options *o, struct argp_state *state)
{
	char *end;
	o->has_user = true;
	o->uid = parse_id(arg, &end, state);
	if (*end == ':')
		o->gid = parse_id(end + 1, &end, state);
	if (*end)
		argp_error(state, "--user wants UID or UID:GID, two numbers, not '%s'", arg);
}

/* As runc's parser has it; NULL: the option alone. */
static bool parse_bool(const char *arg, struct argp_state *state)
{
	static const char *const words[2][4] = {{"false", "no", "0", "f"}, {"true", "yes", "1", "t"}};
	for (size_t i = 0; arg && i < 8; i++)
		if (strcmp(arg, words[i / 4][i % 4]) == 0)
			return i / 4;
	if (arg)
		argp_error(state, "--tty is true or false, not '%s'", arg);
	return true;
}

static size_t more(size_t *n, struct argp_state *state)
{
	if (*n == EXEC_LIST_MAX - 1)
		argp_error(state, "an option was given more than %d times", EXEC_LIST_MAX - 1);
	return (*n)++;
}

static error_t parse_list(int key, char *arg, struct argp_state *state, struct exec_options *o)
{
	char *end;
	switch (key) {
	case 'e':
		o->env[more(&o->nenv, state)] = arg;
		return 0;
	case 'c':
		o->caps[more(&o->ncaps, state)] = arg;
		return 0;
	case 'g':
		o->gids[more(&o->ngids, state)] = parse_id(arg, &end, state);
		return 0;
	case 'u':
		parse_user(arg, o, state);
		return 0;
	case OPT_IGNORED:
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_argument(int key, char *arg, struct argp_state *state, struct exec_options *o)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (o->id) { /* the rest is the program's, options too */
			o->args = state->argv + state->next - 1;
			state->next = state->argc;
			return 0;
		}
		o->id = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->id)
			argp_error(state, "no container ID given: vedette exec ID CMD [ARG...]");
		if (!o->args == !o->process)
			argp_error(state, "a program is wanted: either CMD or --process FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct exec_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->place;
		return 0;
	case 'p':
		o->process = arg;
		return 0;
	case 'd':
		o->detach = true;
		return 0;
	case 't':
	case OPT_TTY:
		o->tty = parse_bool(arg, state);
		return 0;
	case OPT_CWD:
		o->cwd = arg;
		return 0;
	case OPT_NO_NEW_PRIVS:
		o->no_new_privs = true;
		return 0;
	case OPT_IGNORE_PAUSED:
		o->ignore_paused = true;
		return 0;
	case OPT_CGROUP:
		o->cgroup = arg;
		return 0;
	default:
		return key == ARGP_KEY_ARG || key == ARGP_KEY_END
			       ? parse_argument(key, arg, state, o)
			       : parse_list(key, arg, state, o);
	}
}

static const struct argp_child children[] = {{.argp = &place_argp}, {0}};

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "ID [CMD [ARG...]]",
	.doc = "Run CMD in the container ID, or the process that --process describes.\v"
	       "Exit status: the program's; 128 + N if it died of signal N; 127 if it was not "
	       "found, 126 if it could not be run, 255 if it could not be tried.",
};

static int open_console(const struct spec_process *p, const struct exec_options *o, int *out,
			struct error *e)
{
	*out = -1;
	int err = console_check(o->place.console_socket, p->terminal, o->detach, e);
	if (err == 0 && o->place.console_socket)
		err = *out =
			console_open(o->place.console_socket, p->console_rows, p->console_columns, e);
	return err;
}

static int run(const struct target *t, const struct spec *s, const struct exec_options *o,
	       struct error *e)
{
	const struct spec_process *p = &s->process;
	autoclose int console = -1;
	autofree char **env = NULL;
	struct visit v = {.target = t,
			  .pid_file = o->place.pid_file,
			  .preserve = o->place.preserve,
			  .paused = o->ignore_paused};
	if (open_console(p, o, &console, e) < 0)
		return EXIT_EXEC_FAILED;
	if (!o->detach && p->terminal && !isatty(0) &&
	    relay_begin(p->console_rows, p->console_columns, e) < 0)
		return EXIT_EXEC_FAILED;
	if (visit_describe(&v, p, &env, e) < 0)
		return EXIT_EXEC_FAILED;
	v.console = console;
	return o->detach ? visit_apart(&v, e) : visit_here(&v, e);
}

/*
 * runc's [CONTROLLER[,...]:]PATH.  All processes share the container's group on the host, and what is
 * below it inside cannot be changed: another one is not there.
 */
static int check_cgroup(const char *arg, struct error *e)
{
	const char *colon = arg ? strchr(arg, ':') : NULL, *path = colon ? colon + 1 : arg;
	if (!path || !path[strspn(path, "/.")])
		return 0;
	return error_set(e, -ENOENT, "--cgroup: the container has no cgroup '%.64s' below its own", path);
}

int command_exec(int argc, char **argv, struct error *e)
{
	static struct exec_options o;
	struct target t;
	struct spec s = {0};
	autofree char **env = NULL;
	int status = EXIT_EXEC_FAILED;
	if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = target_open(o.id, /*locked=*/false, &t, e);
	if (err == 0 && t.status == STATE_STOPPED)
		err = error_set(e, -ESRCH, "cannot exec in a stopped container");
	if (err == 0)
		err = check_cgroup(o.cgroup, e);
	if (err == 0 && exec_load(&s, &t, &o, &env, e) == 0)
		status = run(&t, &s, &o, e);
	spec_free(&s);
	target_close(&t);
	return status;
}
