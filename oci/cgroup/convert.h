/* SPDX-License-Identifier: Apache-2.0 */
/* v1's numbers, which the OCI specification uses, in v2's; the values are runc's. */
#pragma once

#include <stdint.h>

#include "oci/error.h"

/* cpu.shares 2 .. 262144 to cpu.weight 1 .. 10000; 0 (not given) stays 0. */
uint64_t convert_shares(uint64_t shares);
/* blkio.weight 10 .. 1000 to io.weight 1 .. 10000; 0 stays 0. */
uint64_t convert_io_weight(uint64_t weight);
/*
 * memory.memsw.limit, which is both together, to memory.swap.max.  memory: its limit, 0
 * if none was given; -1 is no limit.  INT64_MIN: leave it as it is.  -EINVAL with *e filled.
 */
int convert_swap(int64_t both, int64_t memory, int64_t *out, struct error *e);

/*
 * Of the host's tasks what N tasks of the guest cost: a thread in the sentry and
 * one in a stub each, and what the sandbox needs for itself.
 */
enum { HOST_TASKS_EACH = 2, HOST_TASKS_MORE = 64 };
uint64_t convert_pids(uint64_t guest);
