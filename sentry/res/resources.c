/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest sees CPUs 0 .. n-1 and memory as a size: which of the host's CPUs
 * they are is not its business, and would change with a migration.
 */
#include "sentry/res/resources.h"

#include <sched.h>
#include <unistd.h>

static uint64_t free_at_start;

static uint64_t free_default(void)
{
	return min_u64(free_at_start, resources.mem_total);
}

struct resources resources = {.cpus = 1, .mem_total = 64ull << 20, .mem_free = free_default};

void resources_from_host(void)
{
	cpu_set_t set;
	long page = sysconf(_SC_PAGESIZE), total = sysconf(_SC_PHYS_PAGES);
	long avail = sysconf(_SC_AVPHYS_PAGES);

	if (sched_getaffinity(0, sizeof set, &set) == 0) {
		unsigned n = (unsigned)CPU_COUNT(&set);
		resources.cpus = n < RESOURCES_CPUS_MAX ? n : RESOURCES_CPUS_MAX;
	}
	if (total > 0)
		resources.mem_total = (uint64_t)total * (uint64_t)page;
	if (avail > 0)
		free_at_start = (uint64_t)avail * (uint64_t)page;
}

void resources_limit(uint64_t memory, unsigned cpus)
{
	if (memory && memory < resources.mem_total)
		resources.mem_total = memory;
	if (cpus && cpus < resources.cpus)
		resources.cpus = cpus;
}

uint64_t resources_cpu_mask(void)
{
	return resources.cpus >= 64 ? UINT64_MAX : (1ull << resources.cpus) - 1;
}

/* libc asks the vDSO: no host call. */
unsigned resources_cpu_now(void)
{
	int cpu = sched_getcpu();
	return cpu < 0 ? 0 : (unsigned)cpu % resources.cpus;
}
