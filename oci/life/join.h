/* SPDX-License-Identifier: Apache-2.0 */
/* A container that goes into the sandbox of another one, from its own host process. */
#pragma once

#include "oci/life/pod.h"
#include "oci/sandbox.h"

/*
 * Forks its gofer and hands its description to that sandbox' sentry.  To be supervised at once:
 * supervise_member().  own: any directory of --root.  EXIT_* with *e filled, or 0.
 */
int join_start(const struct sandbox *s, const struct state_dir *own, const struct pod *pod,
	       struct sandbox_procs *out, struct error *e);
