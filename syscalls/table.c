/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns table.def and argkind.def into data and thunks.
 *
 * A thunk call_NAME loads the six registers as the handler's types and calls it: all thunks
 * have one type, so no function pointer is ever cast.
 *
 * What refuses a wrong row, in its own line: an unknown kind (argtype_X, KIND_X), an unknown
 * host flag, an odd number of arguments or seven (map.h), a number used twice (the switch
 * below), a handler of another type (sys.h, in the handler's file).
 */
#include "syscalls/table.h"

#include <errno.h>
#include <string.h>

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
#include "syscalls/sys.h"

/* Expands len before its commas count. */
#define KIND_ROW(kind, ctype, d, w, ...)                                                           \
	[KIND_##kind] = {#kind,	  #ctype,      sizeof(ctype), (ctype)-1 < 1,                       \
			 DIR_##d, __VA_ARGS__, SHOW_##w},
#define ARGKIND(kind, type, dir, len, when, show, aux) KIND_ROW(kind, type, dir, when, LEN_##len)
const struct argkind argkinds[KIND_COUNT] = {
#include "syscalls/argkind.def"
};

/* clang-format off */
#define THUNK_ARG(i, arg, kind) , (argtype_##kind)a[i]
#define SYSCALL(nr, name, since, support, host, ...)                                               \
	static long call_##name(struct task *t, const uint64_t a[SYSARGS_MAX])                     \
	{                                                                                          \
		(void)a;                                                                           \
		return sys_##name(t MAP_PAIRS(THUNK_ARG __VA_OPT__(,) __VA_ARGS__));               \
	}
#define LATER(...)
#define NOSYS(...)
#include "syscalls/table.def"

#define FULL	   SUPPORT_FULL, NULL
#define PART(what) SUPPORT_PART, what
#define STUB(what) SUPPORT_STUB, what

#define ROW_ARG(i, arg, kind) {#arg, KIND_##kind},
#define ROW_ARGS(...)                                                                              \
	MAP_PAIR_COUNT(__VA_ARGS__), {MAP_PAIRS(ROW_ARG __VA_OPT__(,) __VA_ARGS__)}
#define SYSCALL(nr, name, since, support, host, ...)                                               \
	[nr] = {#name, #since, support, host, ROW_ARGS(__VA_ARGS__), call_##name},
#define LATER(nr, name, since, support, host, ...)                                                 \
	[nr] = {#name, #since, SUPPORT_NONE, "not written yet", host, ROW_ARGS(__VA_ARGS__), NULL},
#define NOSYS(nr, name, since, why, ...)                                                           \
	[nr] = {#name, #since, SUPPORT_NONE, why, H_SELF, ROW_ARGS(__VA_ARGS__), NULL},
const struct sysrow systab[NR_END] = {
#include "syscalls/table.def"
};
/* clang-format on */

/* Only for the compiler: a number used twice is a duplicate case. */
__attribute__((unused)) static int number_is_unique(unsigned int nr)
{
	switch (nr) {
#define SYSCALL(nr, ...) case nr:
#define LATER(nr, ...)	 case nr:
#define NOSYS(nr, ...)	 case nr:
#include "syscalls/table.def"
		return 1;
	}
	return 0;
}

const struct sysrow *sysrow_get(uint64_t nr)
{
	return nr < NR_END && systab[nr].name ? &systab[nr] : NULL;
}

const struct sysrow *sysrow_find(const char *name)
{
	for (unsigned int nr = 0; nr < NR_END; nr++) {
		if (systab[nr].name && strcmp(systab[nr].name, name) == 0)
			return &systab[nr];
	}
	return NULL;
}

const char *support_name(enum support s)
{
	static const char *const names[] = {
		[SUPPORT_NONE] = "NOSYS",
		[SUPPORT_STUB] = "STUB",
		[SUPPORT_PART] = "PART",
		[SUPPORT_FULL] = "FULL",
	};

	return names[s];
}

uint64_t arg_value(const struct sysrow *row, unsigned int i, const uint64_t args[SYSARGS_MAX])
{
	const struct argkind *k = &argkinds[row->args[i].kind];

	if (k->width == 8)
		return args[i];
	return k->is_signed ? (uint64_t)(int64_t)(int32_t)args[i] : (uint32_t)args[i];
}

/* n units, at most cap of them. */
static int64_t size_of_units(uint64_t n, uint64_t cap, uint32_t unit)
{
	int64_t size;

	if (__builtin_mul_overflow(min_u64(n, cap), unit, &size))
		return -EFAULT;
	return size;
}

int64_t arg_size(const struct sysrow *row, unsigned int i, const uint64_t args[SYSARGS_MAX],
		 long ret)
{
	const struct argkind *k = &argkinds[row->args[i].kind];
	unsigned int at = i + (unsigned int)k->at;

	if (k->dir == DIR_VAL || args[i] == 0)
		return 0;
	switch (k->len) {
	case LEN_FIXED:
		return k->unit;
	case LEN_BY_ARG:
		return size_of_units(arg_value(row, at, args), UINT64_MAX, k->unit);
	case LEN_BY_RET:
		if (ret <= 0)
			return 0;
		return size_of_units((uint64_t)ret, arg_value(row, at, args), k->unit);
	case LEN_FDBITS:
		if ((int)args[0] < 0)
			return -EFAULT;
		return size_of_units(((uint64_t)(uint32_t)args[0] + 63) / 64, UINT64_MAX, k->unit);
	case LEN_PAGEVEC:
		return (int64_t)(args[at] / PAGE_SIZE + (args[at] % PAGE_SIZE != 0));
	default:
		return -ENODATA;
	}
}
