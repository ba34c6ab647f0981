/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory there is and what it is used for.
 *
 * The limit and the use come from the cgroup that the sandbox's processes sit
 * in (v2 or v1) when that has a limit, and from the host else.  The files are
 * opened before the sandbox closes and read again at each question.
 */
#pragma once

#include "platform/base/types.h"

/* Bytes.  free <= available <= total. */
struct memory_info {
	uint64_t total, free, available;
	uint64_t buffers, cached, shmem, slab_reclaimable;
	uint64_t active, inactive;
	uint64_t anon, mapped, dirty, writeback;
	uint64_t swap_total, swap_free;
};

/* What the host's kernel does when memory is asked for: vm.* in /proc/sys. */
struct memory_policy {
	int overcommit_memory, overcommit_ratio, swappiness;
};
extern struct memory_policy memory_policy; /* constant after memory_from_host() */

/*
 * After resources_from_host(), before the sentry's seccomp filter is loaded:
 * lowers resources.mem_total to the cgroup's limit and sets resources.mem_free.
 */
void memory_from_host(void);
/* Any thread; never more than resources.mem_total. */
void memory_get(struct memory_info *out);
/* Bytes the sandbox may use, if that is less than the host has; else 0. */
uint64_t memory_limit(void);
/* Bytes charged to the cgroup, if it has a limit; else -1. */
int64_t memory_charged(void);
