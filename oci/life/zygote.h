/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup of a container in another one's sandbox.
 *
 * Its programs run in stubs, which the sandbox' sentry makes and nobody else can.  Stubs are where
 * their zygote is.  So the container gets a zygote of its own, before it joins: its host process has
 * the sentry make one, learns from the host who that is (SCM_CREDENTIALS), and moves it into
 * the container's group while nothing has been made from it.
 *
 *	host process	socket pair, one end on which credentials come (SO_PASSCRED)
 *	    -> sentry	ZYGOTE with the other end: the zygote is to make another one
 *	zygote		its pid, as the sentry has it, as its first word on that end
 *	host process	... and as the host has it, beside that word: into the group
 *	    -> sentry	JOIN, with the first end, by which stubs are asked for
 */
#pragma once

#include "oci/cgroup/cgroup.h"
#include "oci/life/state.h"

struct zygote_link {
	int fd;	 /* our end of its socket; -1: there is none, the first container's is shared */
	int pid; /* as the sentry has it */
};

/*
 * own: any directory of --root.  0 or -errno with *e filled.  Without a group, or (unless `must')
 * without the right to fill it, which a warning tells, there is none.
 */
int zygote_make(struct zygote_link *out, const struct state_dir *own, const char *sandbox,
		const struct cgroup *c, bool must, struct error *e);
