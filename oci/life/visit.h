/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host process of another process in a container: it has the standard
 * descriptors, hands signals in, and ends as the process ends, which is killed
 * when it is killed.
 */
#pragma once

#include "oci/life/command.h"
#include "oci/spec.h"
#include "sentry/boot/boot.h"

struct visit {
	struct boot_spec spec;	/* stdio is filled in here */
	const struct target *target;
	const char *pid_file;
	int console;		/* the terminal's slave; -1: none */
	unsigned preserve;
	bool paused;		/* though the container is paused */
};

/* Fills the description but for its descriptors; *out_env is the caller's to free.  -errno. */
int visit_describe(struct visit *v, const struct spec_process *p, char ***out_env, struct error *e);
/* In this process, to its end.  The exit status, or why there is none in *e. */
int visit_here(struct visit *v, struct error *e);
/* In a process of its own; returns when the program runs.  0 or EXIT_* with *e filled. */
int visit_apart(struct visit *v, struct error *e);
