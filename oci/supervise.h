/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line while its sandbox runs: it hands signals in, stops when the
 * first process is stopped, and ends what is left when a process of the sandbox
 * is gone.  Asleep in ppoll all the time.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "oci/error.h"

/* Signals as the caller of vedette had them, which the container inherits. */
struct inherited_signals {
	uint64_t ignored, blocked;	/* bit n-1 is signal n */
};

/* Blocks what will be handed on.  Before any fork; children start with everything blocked. */
void supervise_begin(struct inherited_signals *out);
/* Both processes must be children of the caller.  The exit status. */
int supervise(pid_t sentry, pid_t gofer, int control, struct error *e);
