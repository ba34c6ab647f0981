/* SPDX-License-Identifier: Apache-2.0 */
/* The IDs of the containers below --root. */
#pragma once

#include <stddef.h>

#include "oci/error.h"

struct ids {
	char **id; /* sorted as strcmp(3) does; ours */
	size_t n;
};

/*
 * All of them, or those in which the extended regular expression `pattern' is found (regex(7);
 * NULL: all).  0, or -errno with *e filled; ids_free() in either case.
 */
int ids_read(const char *pattern, struct ids *out, struct error *e);
void ids_free(struct ids *ids);
/*
 * Calls fn with each of them.  One for which that fails does not keep the others: what it said is
 * logged, but for the last.  0, or the last error with *e filled.
 */
int ids_each(const char *pattern, int (*fn)(const char *id, void *arg, struct error *e), void *arg,
	     struct error *e);
