/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: global options, then a command that parses the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cli.h"
#include "oci/sandbox.h"
#include "platform/base/log.h"

const char *argp_program_version = "vedette 0.1";

static void print_commands(FILE *out)
{
	fprintf(out, "Usage: vedette [--version] [--help] COMMAND [OPTION...]\n"
		     "A Linux kernel in user space: programs run on it, the host sees little of them.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < commands_count; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`vedette COMMAND --help' lists the options of a command.\n");
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_commands(stdout);
		return 0;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("%s\n", argp_program_version);
		return 0;
	}
	const struct command *c = command_find(name);
	if (!c) {
		log_error("no command '%s': `vedette --help' lists them", name);
		return EXIT_USAGE;
	}
	/* argp names the program in its messages by argv[0]. */
	char shown[64];
	snprintf(shown, sizeof shown, "vedette %s", c->name);
	argv[1] = shown;
	return c->run(argc - 1, argv + 1);
}
