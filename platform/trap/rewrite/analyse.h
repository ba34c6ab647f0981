/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes around a `syscall` may be replaced by a jump, and what moves.
 *
 * Pure: bytes of a function in, a plan out.  A plan says nothing of addresses,
 * so it holds wherever the file is mapped.  The replaced bytes are whole
 * instructions, five bytes or more, next to the call or around it:
 *
 *	PLAN_ONE	one instruction before the call; the call stays in the text
 *	PLAN_BEFORE	several before; the call stays
 *	PLAN_WITH	some before, and the call
 *	PLAN_BEHIND	the call, and some behind it
 *	PLAN_AROUND	both
 *
 * Tried in that order: the fewer places a thread can have stopped at inside
 * the bytes replaced, the better.  All of those are instruction boundaries of
 * plan.insns and fault once the jump is there (island.h), so a thread found at
 * any of them, or jumping to it, goes on correctly.  Never is an
 * instruction moved that a branch of the function jumps to, or that branches.
 */
#pragma once

#include "platform/base/types.h"

enum plan_shape {
	PLAN_NONE,
	PLAN_ONE,
	PLAN_BEFORE,
	PLAN_WITH,
	PLAN_BEHIND,
	PLAN_AROUND,
	PLAN_SHAPES
};

enum plan_why {
	WHY_OK,
	WHY_RANGE,    /* no function range is known, or it is too large */
	WHY_BOUNDARY, /* decoding from its start does not come to the call */
	WHY_TARGET,   /* a branch goes between the bytes */
	WHY_MOVE,     /* what would have to move cannot */
	WHY_COUNT
};

enum {
	PLAN_INSNS = 6,	      /* at most, the call included */
	PLAN_BYTES = 40,      /* replaced, at most */
	FUNCTION_MAX = 65536, /* what is decoded, at most */
	JUMP_SIZE = 5,
	CALL_SIZE = 2,
};

struct plan_insn {
	uint8_t at, size; /* in plan.old */
	uint8_t disp;	  /* offset in it of a 32-bit distance from its end, 0: none */
	bool call;	  /* the `syscall` itself */
};

struct plan {
	uint8_t shape;
	uint8_t before; /* bytes from the first replaced one to the call */
	uint8_t size;	/* bytes replaced */
	uint8_t count;
	struct plan_insn insns[PLAN_INSNS];
	uint8_t old[PLAN_BYTES];
};

/*
 * text: the size bytes of a function, at: where in it the call is.  WHY_OK and *out, or
 * why not.
 */
enum plan_why plan_make(const uint8_t *text, size_t size, size_t at, struct plan *out);
/*
 * Before the sentry's filter: capstone sorts a table when it is first used, and libc's qsort
 * asks the host how much memory there is.
 */
void plan_warm(void);
const char *plan_shape_name(enum plan_shape shape);
const char *plan_why_text(enum plan_why why);
