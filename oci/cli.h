/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the vedette program: one file each, listed in commands.c.
 *
 * A command gets argv with its own name first and returns the exit status.
 * Options are parsed with argp, so that --help, --usage and GNU's abbreviations
 * work alike everywhere.
 */
#pragma once

#include <argp.h>
#include <stddef.h>

struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
};
extern const struct command commands[];
extern const size_t commands_count;

int command_do(int argc, char **argv);
int command_syscalls(int argc, char **argv);
int command_limits(int argc, char **argv);

/* Where --trace goes. */
struct trace_options {
	int fd;			/* -1: off; owned */
	unsigned flags;		/* TRACE_* of syscalls/dispatch.h */
};
/* "" or NULL: lines on stderr; "summary"; else a file name.  Prints its own error: -1. */
int trace_parse(const char *arg, struct trace_options *out);
/* In the sentry's process, before its filter; and after the last task. */
void trace_begin(const struct trace_options *o);
void trace_end(const struct trace_options *o);
