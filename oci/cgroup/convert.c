/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/convert.h"

#include <errno.h>

uint64_t convert_shares(uint64_t shares)
{
	if (shares == 0)
		return 0;
	if (shares < 2)
		shares = 2;
	if (shares > 262144)
		shares = 262144;
	return 1 + (shares - 2) * 9999 / 262142;
}

uint64_t convert_io_weight(uint64_t weight)
{
	if (weight == 0)
		return 0;
	if (weight < 10)
		weight = 10;
	if (weight > 1000)
		weight = 1000;
	return 1 + (weight - 10) * 9999 / 990;
}

int convert_swap(int64_t both, int64_t memory, int64_t *out, struct error *e)
{
	/* Who lifts the limit on memory does not want to be held by swap. */
	*out = memory == -1 && both == 0 ? -1 : INT64_MIN;
	if (both == 0)
		return 0;
	if (both == -1) {
		*out = -1;
		return 0;
	}
	if (memory <= 0)
		return error_set(e, -EINVAL,
				 "memory.swap: a limit on memory and swap together needs one on "
				 "memory (memory.limit)");
	if (both < memory)
		return error_set(e, -EINVAL,
				 "memory.swap: %lld is for memory and swap together, and less than "
				 "memory.limit, %lld",
				 (long long)both, (long long)memory);
	*out = both - memory;
	return 0;
}

uint64_t convert_pids(uint64_t guest)
{
	uint64_t n;
	if (__builtin_mul_overflow(guest, (uint64_t)HOST_TASKS_EACH, &n) ||
	    __builtin_add_overflow(n, (uint64_t)HOST_TASKS_MORE, &n))
		return INT64_MAX;
	return n;
}
