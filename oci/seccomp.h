/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp as a program for the sentry's own interpreter.
 *
 * libseccomp compiles the rules.  In front of its program stand two answers that runtimes
 * give since system calls became newer than profiles: where the default is a refusal, a
 * call with a number above all that the profile names does not exist (ENOSYS), so that
 * libc falls back to the older one; and no call of the x32 kind exists if the profile
 * speaks of it.
 */
#pragma once

#include <stddef.h>

#include "oci/error.h"
#include "oci/spec.h"

struct abi_sock_filter;

/*
 * *out is to be freed; *out_len its instructions.  -errno with *e filled; file is for its
 * message.  No rule for a call that nobody knows, as the specification wants it.
 */
int seccomp_compile(const struct spec_seccomp *s, const char *file, struct abi_sock_filter **out,
		    size_t *out_len, struct error *e);
