/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows: what a file of /proc says, made at once when it is read.
 *
 * Writers need not check: the first failure is remembered in err, later text is
 * dropped, and the reader is told.  The size is bounded, because a guest can
 * make areas and mounts without much cost to itself.
 */
#pragma once

#include "platform/base/types.h"

#define TEXT_MAX (16u << 20)

struct text {
	char *p;	/* malloc'ed, not NUL-terminated; whoever owns the struct frees */
	size_t size, room;
	int err;	/* 0, or -ENOMEM */
};

void text_put(struct text *t, const void *data, size_t size);
void text_str(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s with each character of `set` as a backslash and three octal digits: mounts(5). */
void text_escaped(struct text *t, const char *s, const char *set);
/* Blanks up to the column, counted from the last newline. */
void text_pad(struct text *t, size_t column);
/* "ff,ffffffff": the lower n bits of a mask, as in Cpus_allowed. */
void text_mask(struct text *t, uint64_t mask, unsigned n);
/* "0-3,5": the bits of a mask, as in Cpus_allowed_list. */
void text_mask_list(struct text *t, uint64_t mask);

/*
 * The other way: a decimal number that white space or the end follows; *at moves on behind it.
 * -EINVAL, also above max.
 */
int text_number(char **at, uint64_t max, uint64_t *out);
