/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way into a descriptor, in big pieces; of the command line, and of the sentry.
 * An error sticks: only sink_end() need be asked.
 */
#pragma once

#include <stddef.h>

struct sink {
	int fd;	 /* the caller's; blocking */
	int err; /* the first; -errno */
	size_t used;
	char buf[64 * 1024];
};

void sink_begin(struct sink *s, int fd);
void sink_put(struct sink *s, const void *p, size_t size);
/* Nothing is written any more; the first error wins. */
void sink_fail(struct sink *s, int err);
/* Writes what is left.  0 or -errno. */
int sink_end(struct sink *s);
