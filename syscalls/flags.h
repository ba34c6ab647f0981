/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flags.def yields: the known bits of a group for handlers, the rows for trace and report.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syscalls/abi/capability.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/eventfd.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/futex.h"
#include "syscalls/abi/inotify.h"
#include "syscalls/abi/ioctl.h"
#include "syscalls/abi/memfd.h"
#include "syscalls/abi/mman.h"
#include "syscalls/abi/mount.h"
#include "syscalls/abi/poll.h"
#include "syscalls/abi/prctl.h"
#include "syscalls/abi/ptrace.h"
#include "syscalls/abi/random.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/sched.h"
#include "syscalls/abi/seccomp.h"
#include "syscalls/abi/signal.h"
#include "syscalls/abi/socket.h"
#include "syscalls/abi/stat.h"
#include "syscalls/abi/time.h"
#include "syscalls/abi/uio.h"
#include "syscalls/abi/wait.h"
#include "syscalls/abi/xattr.h"

enum flag_group {
#define GROUP(group, mask) FG_##group,
#define FLAG(...)
#include "syscalls/flags.def"
	FG_COUNT
};

/* Constant at -O2: the compiler drops all rows of other groups. */
static inline __attribute__((always_inline)) uint64_t flags_known(enum flag_group g)
{
	const uint64_t YES = ~0ULL, NO = 0;
	uint64_t known = 0;

#define GROUP(group, mask)
#define FLAG(group, name, since, supported)                                                        \
	known |= g == FG_##group ? (uint64_t)(name)&supported : 0;
#include "syscalls/flags.def"
	return known;
}

/*
 * Every supported bit of a group: `if (flags & ~FLAGS_KNOWN(PIPE)) return -EINVAL;`.  Groups
 * that own bit 31 (WAIT, UNSHARE): cast an int to uint32_t first, its sign would be unknown bits.
 */
#define FLAGS_KNOWN(group) flags_known(FG_##group)

struct flag_row {
	enum flag_group group;
	const char *name;
	uint64_t value;
	const char *since;
	bool supported;
};

extern const struct flag_row flag_rows[];
extern const size_t flag_row_count;

const char *flag_group_name(enum flag_group g);
/* The bits that are one value. */
uint64_t flag_group_mask(enum flag_group g);
/* Rows of a group are consecutive: the first, and how many. */
const struct flag_row *flag_group_rows(enum flag_group g, size_t *out_count);
