/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the sentry: processes of `exec', each with the connection of its host process.
 *
 * Two threads a process: one puts it into the container and waits for its end,
 * one hears what its host process says.  When that is gone the process is killed.
 */
#pragma once

#include "oci/control.h"
#include "sentry/boot/boot.h"

/* fds: the connection, then what pack.h lists; all taken over. */
void session_start(struct boot_container *c, const int *fds, size_t n);

/* ERROR: what boot says of it, with what to exit with. */
void session_fail(int fd, int err, const struct boot_error *be);
