/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces of the container's host process itself, where engines look for those of the container. */
#pragma once

#include "oci/spec.h"

/*
 * Engines set up a container's network by /proc/PID/ns/net, and pods share names by /proc/PID/ns/uts,
 * ipc and cgroup with others: these must not be the host's unless the container was to have those. A name that is joined becomes
 * the guest's, as it is now. Without the right to enter one nothing changes, for then engines have
 * none either. 0, or -errno with *e filled: one was named that is not there.
 */
int namespaces_enter(const struct spec *s, struct boot_spec *boot, struct error *e);
