/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: global options, then a command that parses the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/life/title.h"
#include "platform/base/log.h"

enum { OPT_LOG = 256, OPT_FORMAT, OPT_DEBUG, OPT_ROOT, OPT_SYSTEMD, OPT_MANAGER };

#define VERSION "0.1"

struct main_options {
	const char *log;
	bool json, debug;
	int command; /* index in argv, 0: none */
};

static const struct argp_option options[] = {
	{"log", OPT_LOG, "FILE", 0, "Write messages to FILE; errors come on stderr as well", 0},
	{"log-format", OPT_FORMAT, "FORMAT", 0, "text (default) or json: one object a line", 0},
	{"debug", OPT_DEBUG, NULL, 0, "Say what is done, and what this host makes us do without",
	 0},
	{"root", OPT_ROOT, "DIR", 0,
	 "Where states of containers are (default: $VEDETTE_ROOT, /run/vedette, or "
	 "$XDG_RUNTIME_DIR/vedette for ordinary users)",
	 0},
	{"systemd-cgroup", OPT_SYSTEMD, NULL, 0, "systemd makes the cgroups", 0},
	{"cgroup-manager", OPT_MANAGER, "NAME", 0, "cgroupfs (default), systemd, or disabled", 0},
	{"version", 'v', NULL, 0, "Print the version", 0},
	{0},
};

/* As engines expect it of a runtime: each line is for one of them. */
static _Noreturn void print_version(void)
{
	printf("vedette version " VERSION "\ncommit: " VERSION "\nspec: 1.2.0\n");
	exit(0);
}

static error_t parse_manager(const char *arg, struct argp_state *state)
{
	global_options.systemd_cgroup = strcmp(arg, "systemd") == 0;
	global_options.no_cgroups = strcmp(arg, "disabled") == 0;
	if (strcmp(arg, "cgroupfs") && strcmp(arg, "systemd") && strcmp(arg, "disabled"))
		argp_error(state, "--cgroup-manager is cgroupfs, systemd or disabled, not '%s'",
			   arg);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct main_options *o = state->input;
	switch (key) {
	case OPT_LOG:
		o->log = arg;
		return 0;
	case OPT_FORMAT:
		o->json = strcmp(arg, "json") == 0;
		if (!o->json && strcmp(arg, "text") != 0)
			argp_error(state, "--log-format is text or json, not '%s'", arg);
		return 0;
	case OPT_DEBUG:
		o->debug = true;
		return 0;
	case OPT_ROOT:
		global_options.root = arg;
		return 0;
	case OPT_SYSTEMD:
		global_options.systemd_cgroup = true;
		return 0;
	case OPT_MANAGER:
		return parse_manager(arg, state);
	case 'v':
		print_version();
	case ARGP_KEY_ARG:
		o->command = state->next - 1;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The commands, after the options in --help. */
static char *help_filter(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t size;
	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	FILE *f = open_memstream(&out, &size);
	if (!f)
		return NULL;
	fprintf(f, "Commands:\n");
	for (size_t i = 0; i < commands_count; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(f, "\n`vedette COMMAND --help' lists the options of a command.");
	fclose(f);
	return out;
}

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.args_doc = "COMMAND [OPTION...]",
	.doc = "A Linux kernel in user space: programs run on it, the host sees little of them.\v ",
	.help_filter = help_filter,
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int open_log(const struct main_options *o, struct error *e)
{
	int fd = STDERR_FILENO;
	if (o->log) {
		fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0)
			return error_set(e, -errno, "cannot open the log %s: %s", o->log,
					 strerror(errno));
		global_options.log_fd = fd;
	}
	global_options.debug = o->debug;
	tzset(); /* libc would read the time zone with the first line: where no file can be opened
		  */
	log_setup(fd, o->debug ? LOG_DEBUG : LOG_WARNING, o->json);
	return 0;
}

/* A closed 0, 1 or 2 would become a socket of ours; the guest sees it as /dev/null. */
static void fill_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return;
}

static void report(const struct error *e)
{
	if (!e->msg[0])
		return;
	log_error("%s", e->msg);
	if (global_options.log_fd < 0 || global_options.log_is_stderr)
		return;
	log_setup(STDERR_FILENO, LOG_ERROR, 0);
	log_error("%s", e->msg);
}

int main(int argc, char **argv)
{
	title_begin(argc, argv);
	global_options.platform = getenv("VEDETTE_PLATFORM"); /* the environment is gone later */
	struct main_options o = {0};
	struct error e = {.msg = ""};
	char shown[64];

	fill_stdio();
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &o);
	if (o.command == 0) {
		argp_help(&parser, stderr, ARGP_HELP_STD_ERR & ~ARGP_HELP_EXIT_ERR, argv[0]);
		return EXIT_USAGE;
	}
	const struct command *c = command_find(argv[o.command]);
	int status = EXIT_USAGE;
	if (!c) {
		error_set(&e, -EINVAL, "no command '%s': `vedette --help' lists them",
			  argv[o.command]);
	} else if (open_log(&o, &e) < 0) {
		status = EXIT_INTERNAL;
	} else {
		/* argp names the program in its messages by argv[0]. */
		snprintf(shown, sizeof shown, "vedette %s", c->name);
		argv[o.command] = shown;
		status = c->run(argc - o.command, argv + o.command, &e);
	}
	report(&e);
	return status;
}
