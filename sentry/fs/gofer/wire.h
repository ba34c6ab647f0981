/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Below client.c: the pool of connections, and one request with its reply.
 *
 * wire_call() sends `req` with its strings, reads every packet of the reply,
 * checks each of them against proto.h, and hands the bodies to a consumer.  A
 * reply that fails a check ends the whole gofer (all later calls: -EIO).
 */
#pragma once

#include "platform/base/types.h"
#include "sentry/fs/gofer/client.h"

struct wire_call {
	struct gofer_req req;	 /* magic, seq and sizes are filled by wire_call */
	const char *path, *name; /* NULL: empty */
	const void *data;
	size_t data_size;
	/*
	 * Called for each non-empty body.  < 0 from a consumer means the bytes
	 * are wrong and ends the gofer; a caller that merely wants no more notes
	 * that in `arg`.  NULL: a body is wrong.
	 */
	int (*body)(void *arg, const uint8_t *p, size_t size);
	void *arg;
	bool want_attr; /* attr must be valid, else it must be zero */
	bool want_fd;	/* exactly one descriptor must come, else none may */
	/*
	 * Not NULL: up to GOFER_MANY_MAX may come, into fds, which are the caller's also after an
	 * error.  Those for which the host has no room here are missing at the end.
	 */
	int *fds;
	size_t nfds;
	const int *give; /* a descriptor that goes with the request, or NULL */
	/* Results of success */
	struct gofer_attr attr;
	uint64_t total;
	int fd; /* -1, or the caller's */
};

/* A request about path, the rest of which is still to be filled in. */
static inline struct wire_call wire_request(enum gofer_op op, unsigned root, const char *path)
{
	/* A number that does not fit must not become another root. */
	return (struct wire_call){
		.req = {.op = (uint16_t)op,
			.root = root < UINT16_MAX ? (uint16_t)root : UINT16_MAX},
		.path = path,
	};
}

/* The gofer's status, or -EIO. */
int wire_call(struct gofer *g, struct wire_call *c);
/* Type, nanoseconds and lengths are such as Linux can give. */
bool wire_attr_valid(const struct gofer_attr *a);
