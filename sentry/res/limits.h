/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may use at most, in the words and units of cgroup v2.
 *
 * All zero is no limit at all.  The one that creates the sandbox enforces them
 * with a cgroup of the host where it can; the sentry shows them, and enforces
 * pids.max itself.
 */
#pragma once

#include "platform/base/types.h"

enum { LIMITS_PERIOD_US = 100000, LIMITS_WEIGHT = 100 };

struct limits {
	uint64_t memory_max;  /* bytes; 0: none */
	uint64_t memory_high; /* bytes; 0: none */
	uint64_t memory_low;  /* bytes */
	uint64_t swap_max;    /* bytes, beside the memory; counts if swap_limited */
	bool swap_limited;
	uint64_t cpu_quota_us;	/* of each period; 0: none */
	uint64_t cpu_period_us; /* 0: LIMITS_PERIOD_US */
	uint64_t cpu_burst_us;
	uint32_t cpu_weight; /* 1 .. 10000; 0: LIMITS_WEIGHT */
	bool cpu_idle;
	uint32_t cpuset;   /* how many CPUs; 0: all */
	uint64_t pids_max; /* tasks of the guest; 0: none */
};
