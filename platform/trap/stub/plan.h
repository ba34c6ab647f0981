/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stub_copy_in() knows of each call: syscalls/table.def and argkind.def as bytes that
 * lie in the stub's text.
 *
 * A row is eight bytes: the kinds of its six arguments, a bit for each that points to
 * memory worth a look, a bit for each that there is.  A call that is not offered has no bits.
 */
#pragma once

#include "syscalls/table.h"

#pragma GCC visibility push(hidden)
extern const uint64_t stub_rows[NR_END];
extern const uint32_t stub_kinds[KIND_COUNT];
#pragma GCC visibility pop

#define PLAN_KIND(row, i) ((uint8_t)((row) >> 8 * (i)))
#define PLAN_MASK(row)	  ((uint8_t)((row) >> 48) & 0x3f)
/* At most four arguments. */
#define PLAN_FEW(row)	  (!((row) >> 60 & 3))

/* A kind: direction, length, type of the register, distance of the length, unit. */
#define PLAN_PACK(dir, len, wide, is_signed, at, unit)                                             \
	((dir) | (len) << 2 | (wide) << 6 | (is_signed) << 7 | ((at)&0xff) << 8 |                  \
	 (uint32_t)(unit) << 16)
#define PLAN_DIR(kind)	  ((enum arg_dir)((kind)&3))
#define PLAN_LEN(kind)	  ((enum arg_len)((kind) >> 2 & 15))
#define PLAN_WIDE(kind)	  ((kind) >> 6 & 1)
#define PLAN_SIGNED(kind) ((kind) >> 7 & 1)
#define PLAN_AT(kind)	  ((int8_t)((kind) >> 8))
#define PLAN_UNIT(kind)	  ((kind) >> 16)
