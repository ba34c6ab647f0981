/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux version numbers, as integers that compare.
 *
 * "2.6.27", "6.1" and "6.1.0-13-amd64" are read; what follows the number after a '-', '+' or
 * '~' is ignored.  "never" stands for calls that no Linux has: greater than every version.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KVER(major, minor, patch)                                                                  \
	((uint32_t)(major) << 24 | (uint32_t)(minor) << 16 | (uint32_t)(patch))
#define KVER_NEVER UINT32_MAX

/* 0 or -EINVAL.  At most 254, 255 and 65535 fit. */
int kver_parse(const char *text, uint32_t *out);
/* "2.6.27", "6.1" (a patch level of 0 is left out), "never".  Returns buf. */
char *kver_format(uint32_t version, char *buf, size_t size);
