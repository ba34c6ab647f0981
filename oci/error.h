/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for the person at the command line.
 *
 * Filled once, where the context is known: the cause first, then what to do
 * about it, on one line.  main() prints it, once.
 */
#pragma once

struct error {
	int err;	/* -errno, 0: nothing went wrong */
	char msg[512];
};

/* Returns err. */
int error_set(struct error *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The message with everything that could steer a terminal replaced by '?'. */
void error_sanitize(struct error *e);
