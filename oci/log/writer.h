/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of a container that runs in the background: --log-dir=DIR.
 *
 * A process of its own reads what the container writes to 1 and 2, from two
 * pipes, and appends it to DIR/ID.log in the format of the CRI:
 *
 *	2026-01-31T12:00:00.000000000Z stdout F a line
 *
 * P instead of F: no newline was there (yet).  What is larger than the given size
 * becomes ID.log.1, that ID.log.2, and so on; of them LOG_OLD are kept.
 *
 * It ends when nobody can write to the pipes any more, so it belongs to the
 * container's life, needs nobody to tell it, and what was written before a sudden
 * end still comes to the file.  Who reads the files is not waited for.  While the disk is
 * full nothing is read: the container waits.  It holds a lock (flock) on ID.log to its end.
 */
#pragma once

#include <stdint.h>

#include "oci/error.h"

enum { LOG_OLD = 4 };
#define LOG_SIZE (10ull << 20)

/*
 * Starts it, and makes the caller's 1 and 2 the pipes; log_detach() gives them back.  fds[2] is for
 * that.  0 or -errno with *e filled.
 */
int log_attach(const char *dir, const char *id, uint64_t size, int fds[2], struct error *e);
void log_detach(const int fds[2]);
