/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stub may ask of the host: the table, and the filter made of it.
 *
 * The rule for a row: a guest that makes the call itself, with any arguments
 * the filter passes, gains nothing it could not have asked the sentry for.
 */
#pragma once

#include "base/types.h"

struct sock_filter;

struct stub_call {
	const char *name, *since, *why;
	int whose;
};

/* The rows, for `vedette limits`. */
extern const struct stub_call stub_calls[];
extern const size_t stub_call_count;

enum { STUB_FILTER_MAX = 320 };

/* Which platforms' stubs a row is for. */
enum { STUB_OF_PTRACE = 1, STUB_OF_TRAP = 2 };

/*
 * Writes the program for a stub whose text is [text, text + size): calls from
 * elsewhere, and calls that are not in the table, give SIGSYS.  The count of
 * instructions, at most STUB_FILTER_MAX.
 */
size_t stub_filter_build(struct sock_filter *out, int whose, uint64_t text, uint64_t size);
