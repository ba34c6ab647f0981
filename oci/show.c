/* SPDX-License-Identifier: Apache-2.0 */
/* vedette syscalls, vedette limits: the tables, printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cli.h"
#include "oci/gofer/gofer.h"
#include "platform/stub_filter.h"
#include "syscalls/report.h"

static const struct argp_option syscalls_options[] = {
	{"format", 'f', "FORMAT", 0, "table (default), csv, json or md", 0},
	{"since", 's', "VERSION", 0, "What each kernel from VERSION on added, and how much of it is here",
	 0},
	{0},
};

struct show_options {
	const char *format, *since;
};

static error_t syscalls_option(int key, char *arg, struct argp_state *state)
{
	struct show_options *o = state->input;
	switch (key) {
	case 'f':
		o->format = arg;
		return 0;
	case 's':
		o->since = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int command_syscalls(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {.options = syscalls_options, .parser = syscalls_option,
		.doc = "Every x86-64 system call: who introduced it and what we make of it."};
	struct show_options o = {.format = "table"};
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = o.since ? syscalls_since(o.since, stdout) : syscalls_show(o.format, stdout);
	if (err < 0) {
		if (o.since)
			error_set(e, err, "--since wants a kernel version such as 6.1, not '%s'",
				  o.since);
		else
			error_set(e, err, "--format is table, csv, json or md, not '%s'", o.format);
		return EXIT_USAGE;
	}
	return 0;
}

int command_limits(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.doc = "The whole list of host system calls that the parts of a sandbox may make; "
		       "the filters are built from these tables."};
	static const struct {
		const char *name, *since, *why;
	} sentry[] = {
#define HOSTCALL(name, since, why) {#name, #since, why},
#include "platform/hostcalls.def"
	};
	(void)e;
	if (argp_parse(&parser, argc, argv, 0, NULL, NULL) != 0)
		return EXIT_USAGE;
	printf("sentry (%zu)\n", sizeof sentry / sizeof sentry[0]);
	for (size_t i = 0; i < sizeof sentry / sizeof sentry[0]; i++)
		printf("  %-18s %-7s %s\n", sentry[i].name, sentry[i].since, sentry[i].why);
	printf("gofer (%zu)\n", gofer_hostcalls_count);
	for (size_t i = 0; i < gofer_hostcalls_count; i++)
		printf("  %-18s %-7s %s%s\n", gofer_hostcalls[i].name, gofer_hostcalls[i].since,
		       gofer_hostcalls[i].why, gofer_hostcalls[i].optional ? " (optional)" : "");
	static const char *const whose[] = {
		[STUB_OF_PTRACE] = " (ptrace only)",
		[STUB_OF_TRAP] = " (trap only)",
		[STUB_OF_PTRACE | STUB_OF_TRAP] = "",
	};
	printf("stub (%zu)\n", stub_call_count);
	for (size_t i = 0; i < stub_call_count; i++)
		printf("  %-18s %-7s %s%s\n", stub_calls[i].name, stub_calls[i].since,
		       stub_calls[i].why, whose[stub_calls[i].whose]);
	return 0;
}
