/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of one sandbox, from outside.
 *
 *	CLI ---clone---> sentry (pid 1 of its own namespaces) ---fork---> gofer
 *	                                                      ---fork---> zygote stub
 *
 * Killing any of them ends them all: the sentry dies with the CLI (PDEATHSIG),
 * and with it its pid namespace; where there is none, gofer and stubs have
 * PDEATHSIG of their own.
 */
#pragma once

#include "oci/gofer/gofer.h"
#include "sentry/boot/boot.h"

struct trace_options;

struct sandbox {
	struct boot_spec spec;		/* gofer is filled in */
	const struct gofer_root *roots;	/* [0] is the root file system; descriptors stay the caller's */
	size_t nroots;
	const struct trace_options *trace;	/* NULL: off */
};

/* Exit codes as runc and shells use them. */
enum { EXIT_USAGE = 2, EXIT_INTERNAL = 125, EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

/* Runs it to the end: the exit code for the shell (128 + signal).  Messages are printed. */
int sandbox_run(const struct sandbox *s);
