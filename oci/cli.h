/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the vedette program: one file each, listed in commands.c.
 *
 * A command gets argv with its own name first and returns the exit status; what
 * went wrong is in *e, and main() prints it.  Options are parsed with argp, so
 * that --help, --usage and GNU's abbreviations work alike everywhere.
 */
#pragma once

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "oci/error.h"

/* 126 and 127 as shells have them; 125 as env(1) and timeout(1): our own failure. */
enum { EXIT_CONFIG = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 125, EXIT_CANNOT_EXEC = 126,
       EXIT_NOT_FOUND = 127, EXIT_EXEC_FAILED = 255 };

struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv, struct error *e);
};
extern const struct command commands[];
extern const size_t commands_count;

int command_do(int argc, char **argv, struct error *e);
int command_run(int argc, char **argv, struct error *e);
int command_create(int argc, char **argv, struct error *e);
int command_start(int argc, char **argv, struct error *e);
int command_exec(int argc, char **argv, struct error *e);
int command_state(int argc, char **argv, struct error *e);
int command_features(int argc, char **argv, struct error *e);
int command_kill(int argc, char **argv, struct error *e);
int command_delete(int argc, char **argv, struct error *e);
int command_list(int argc, char **argv, struct error *e);
int command_diff(int argc, char **argv, struct error *e);
int command_export(int argc, char **argv, struct error *e);
int command_pause(int argc, char **argv, struct error *e);
int command_resume(int argc, char **argv, struct error *e);
int command_ps(int argc, char **argv, struct error *e);
int command_update(int argc, char **argv, struct error *e);
int command_logs(int argc, char **argv, struct error *e);
int command_events(int argc, char **argv, struct error *e);
int command_spec(int argc, char **argv, struct error *e);
int command_check(int argc, char **argv, struct error *e);
int command_syscalls(int argc, char **argv, struct error *e);
int command_limits(int argc, char **argv, struct error *e);

/* Options before the command. */
struct global_options {
	int log_fd;	/* -1: messages go to stderr */
	bool debug;
	bool systemd_cgroup;	/* cgroups are made by systemd, not by us */
	bool no_cgroups;	/* --cgroup-manager disabled */
	bool log_is_stderr;	/* log_fd is the caller's: 2 is the container's terminal */
	const char *root;	/* directory of states; NULL: the default */
	const char *platform;	/* trap, ptrace; NULL: the best that works */
};
extern struct global_options global_options;

/* Where --trace goes. */
struct trace_options {
	int fd;			/* -1: off; owned */
	unsigned flags;		/* TRACE_* of syscalls/dispatch.h */
};
/* "" or NULL: lines on stderr; "summary"; else a file name. */
int trace_parse(const char *arg, struct trace_options *out, struct error *e);
/* In the sentry's process, before its filter; and after the last task. */
void trace_begin(const struct trace_options *o);
void trace_end(const struct trace_options *o);

/* What every command that starts a sandbox takes: a child parser whose input is this struct. */
struct start_options {
	const char *kernel;		/* NULL: the default */
	unsigned tasks;			/* 0: the default */
	struct trace_options trace;
	json_t *limits;			/* as linux.resources has them; NULL: none */
};
extern const struct argp start_argp;
