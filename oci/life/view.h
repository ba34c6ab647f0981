/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine finds that enters the mount namespace of the container's pid: `podman cp' copies
 * to and from there. With other runtimes that is the container's root; without one of its own it
 * would be the host's.
 */
#pragma once

#include <sys/types.h>

#include "oci/bundle.h"

/*
 * Moves the calling process, which has one thread, into a mount namespace with the container's root
 * for its root, volumes included; a proc of the sentry's processes is on /proc. From here on paths of
 * the host lead nowhere. Without the right to do so: a warning, and -1.  Else a descriptor, the
 * caller's, by which view_leave() finds back.
 */
int view_enter(const struct bundle *b, pid_t sentry);
/* Paths are the host's again, or -errno.  host: from view_enter(). */
int view_leave(int host);
