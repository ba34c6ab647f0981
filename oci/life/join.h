/* SPDX-License-Identifier: Apache-2.0 */
/* A container that goes into the sandbox of another one, from its own host process. */
#pragma once

#include "oci/life/pod.h"
#include "oci/life/zygote.h"
#include "oci/sandbox.h"

struct link;

/*
 * Forks its gofer and hands its description to that sandbox' sentry.  To be supervised at once:
 * supervise_member().  own: any directory of --root; zygote: stays the caller's.  EXIT_* with *e
 * filled, or 0.
 */
int join_start(const struct sandbox *s, const struct state_dir *own, const struct pod *pod,
	       const struct zygote_link *zygote,
	       struct sandbox_procs *out, struct error *e);
/*
 * The host process of container id, which passes on what is for the sandbox' sentry;
 * *out_sandbox: the pid of that.  0 or -errno with *e filled; link_close() in either case.
 */
int join_connect(const struct state_dir *own, const char *id, struct link *out,
		 pid_t *out_sandbox, struct error *e);
