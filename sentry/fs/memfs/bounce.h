/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves bytes between a uio and something that only takes a sentry buffer, in
 * pieces big enough that the host calls do not dominate.
 */
#pragma once

#include "sentry/mm/copy.h"

/* Moves up to n bytes at off to or from buf: bytes (short at the end), or -errno. */
typedef ssize_t (*bounce_fn)(void *arg, char *buf, size_t n, uint64_t off);

/* fill puts bytes into the buffer, which go to u.  Bytes moved, or -errno if none were. */
ssize_t bounce_read(struct uio *u, uint64_t off, size_t size, bounce_fn fill, void *arg);
/* drain takes bytes, which come from u. */
ssize_t bounce_write(struct uio *u, uint64_t off, size_t size, bounce_fn drain, void *arg);
