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
