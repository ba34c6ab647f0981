/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory there is and what it is used for.
 *
 * The size is that of resources.h; the use comes from the cgroup whose files
 * were handed in (usage.h), and from the host without one.
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

/* After resources_from_host(), before the sentry's seccomp filter is loaded. */
void memory_from_host(void);
/* Any thread; never more than resources_memory(). */
void memory_get(struct memory_info *out);
/* Bytes charged to the cgroup, if there is one that counts; else -1. */
int64_t memory_charged(void);
