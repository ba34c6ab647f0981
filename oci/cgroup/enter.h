/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox in its group: what is done between the plan and the first fork. */
#pragma once

#include "oci/cgroup/cgroup.h"

struct sandbox;

/* Anything that only a group can enforce. */
bool cgroup_asked(const struct spec_resources *r);

/*
 * Makes the group of the plan c, takes the calling process into it, and fills limits and
 * use into s->spec; `u' is to live until the sandbox is started, and is then closed.
 *
 * Without the right to make a group (or without a plan) the sandbox runs in the
 * caller's, c is emptied, and a warning says what nobody enforces; if `must', that is an
 * error.  0 or -errno with *e filled.
 */
int cgroup_enter(struct cgroup *c, const struct spec_resources *r, bool must, struct boot_spec *s,
		 struct usage_files *u, struct error *e);

/*
 * sandbox_run() in a group of its own, which is gone afterwards: for a sandbox without a
 * state directory.  r: NULL, nothing is limited, so there is none.
 */
int cgroup_run(const struct sandbox *s, const struct spec_resources *r, struct error *e);
