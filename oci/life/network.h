/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces of the container's host process itself, where engines look for those of the container. */
#pragma once

#include "oci/spec.h"

/*
 * Engines set up a container's network by /proc/PID/ns/net: it must not be the host's unless the
 * container was to have that. Without the right to make one nothing changes, for then they have
 * none to set up either. 0, or -errno with *e filled: one was named that is not there.
 */
int network_enter(const struct spec *s, struct error *e);
