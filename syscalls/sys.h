/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What table.def yields for handlers: call numbers, argument types, prototypes.
 *
 * A handler is `long sys_NAME(struct task *t, arguments)`: >= 0 or -errno, or one of the
 * -ERESTART* of abi/errno.h when a signal ended its sleep.
 *
 * Numbers are NR_name, because SYS_name and __NR_name are the host's.
 */
#pragma once

#include <stdint.h>

#include "platform/base/types.h"
#include "syscalls/map.h"

struct task;

/* argtype_FD and so on: the C type of each kind. */
#define ARGKIND(kind, type, dir, len, when, show, aux) typedef type argtype_##kind;
#include "syscalls/argkind.def"

enum {
#define SYSCALL(nr, name, ...) NR_##name = nr,
#define LATER(nr, name, ...)   NR_##name = nr,
#define NOSYS(nr, name, ...)   NR_##name = nr,
#include "syscalls/table.def"
};

#define SYS_PARAM(i, arg, kind) , argtype_##kind arg
#define SYSCALL(nr, name, since, support, host, ...)                                               \
	long sys_##name(struct task *t MAP_PAIRS(SYS_PARAM __VA_OPT__(, ) __VA_ARGS__));
#define LATER(nr, name, since, support, host, ...)                                                 \
	long sys_##name(struct task *t MAP_PAIRS(SYS_PARAM __VA_OPT__(, ) __VA_ARGS__));
#define NOSYS(nr, name, ...)
#include "syscalls/table.def"
#undef SYS_PARAM
