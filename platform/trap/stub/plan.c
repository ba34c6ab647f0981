/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the rows into section stub_text.  A C array cannot be in one section with code,
 * and assembly does not know the sizes of structs: so each entry is an assembler statement
 * whose operand is a constant of C.  plan_emit() itself is an empty function outside of
 * the section that nobody calls.
 */
#include "platform/trap/stub/plan.h"

#include "syscalls/abi/capability.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/futex.h"
#include "syscalls/abi/mqueue.h"
#include "syscalls/abi/poll.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/sched.h"
#include "syscalls/abi/signal.h"
#include "syscalls/abi/stat.h"
#include "syscalls/abi/sysinfo.h"
#include "syscalls/abi/time.h"
#include "syscalls/abi/utsname.h"
#include "syscalls/arglen.h"
#include "syscalls/map.h"

#define PACKED(dir, ctype, ...) PACKED_(dir, ctype, __VA_ARGS__)
#define PACKED_(dir, ctype, len, at, unit)                                                         \
	PLAN_PACK(dir, len, sizeof(ctype) == 8, (ctype)-1 < 1, at, unit)

enum {
#define ARGKIND(kind, type, dir, len, when, show, aux)                                             \
	PLAN_##kind = (int)PACKED(DIR_##dir, type, LEN_##len),
#include "syscalls/argkind.def"
};
_Static_assert(KIND_COUNT <= 256, "a kind is a byte");
_Static_assert(LEN_BY_HANDLER < 16, "a length is four bits");
#define ARGKIND(kind, type, dir, len, when, show, aux)                                             \
	_Static_assert(PLAN_UNIT((uint32_t)PLAN_##kind) < 0x8000, #kind);
#include "syscalls/argkind.def"

/* What the row knows the length of.  Vectors of strings and of messages are left to the sentry. */
#define IS_KNOWN(kind)                                                                             \
	(PLAN_DIR(PLAN_##kind) != DIR_VAL && PLAN_LEN(PLAN_##kind) != LEN_NONE &&                  \
	 PLAN_LEN(PLAN_##kind) != LEN_STRINGS && PLAN_LEN(PLAN_##kind) != LEN_MMSGHDR &&           \
	 PLAN_LEN(PLAN_##kind) != LEN_BY_HANDLER)
#define ROW_ARG(i, arg, kind)                                                                      \
	| (uint64_t)KIND_##kind << 8 * (i) | (uint64_t)IS_KNOWN(kind) << (48 + (i)) |              \
		(uint64_t)1 << (56 + (i))

/* clang-format off */
/* Two halves: gcc prints no wider constant. */
#define EMIT(nr, ...)                                                                              \
	EMIT_ROW(nr, (uint64_t)0 MAP_PAIRS(ROW_ARG __VA_OPT__(,) __VA_ARGS__))
#define EMIT_ROW(nr, row)                                                                          \
	__asm__ volatile(".org stub_rows + 8 * %c0\n\t.long %c1, %c2"                              \
			 : : "i"(nr), "i"((int)(row)), "i"((int)((row) >> 32)));
#define SYSCALL(nr, name, since, support, host, ...) EMIT(nr __VA_OPT__(,) __VA_ARGS__)
#define LATER(...)
#define NOSYS(...)
/* clang-format on */

__attribute__((used, noinline)) static void plan_emit(void)
{
	__asm__ volatile(".pushsection stub_text, \"ax\", @progbits\n\t"
			 ".balign 8\n\t.globl stub_kinds, stub_rows\n\t"
			 ".hidden stub_kinds, stub_rows\nstub_kinds:");
#define ARGKIND(kind, type, dir, len, when, show, aux)                                             \
	__asm__ volatile(".long %c0" : : "i"(PLAN_##kind));
#include "syscalls/argkind.def"
	__asm__ volatile(".balign 8\nstub_rows:");
#include "syscalls/table.def"
	__asm__ volatile(".org stub_rows + 8 * %c0\n\t.popsection" : : "i"(NR_END));
}
