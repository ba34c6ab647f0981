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
/* All of `more'. */
void words_append(struct words *w, const struct words *more);
void words_free(struct words *w);
