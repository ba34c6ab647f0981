/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments for oci/scope, as they grow. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **list;		/* malloc'ed, and each of them */
	size_t count, room;
	bool lost;		/* there was no memory for one */
};

/* One more. */
void words_add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* NAME SIGNATURE 1 VALUE: a property that is one value. */
void words_property(struct words *w, const char *name, const char *signature, const char *value);
/* All of `more'. */
void words_append(struct words *w, const struct words *more);
/* The list, w's, with NULL behind it; NULL: there was no memory, for one of the words or for this. */
char **words_vector(struct words *w);
void words_free(struct words *w);
