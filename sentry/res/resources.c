/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest sees CPUs 0 .. n-1 and memory as a size: which of the host's CPUs
 * they are is not its business, and would change with a migration.
 */
#include "sentry/res/resources.h"

#include <sched.h>
#include <unistd.h>

#include "platform/base/lock.h"

struct resources resources = {.cpus = 1, .mem_total = 64ull << 20};

static struct resources host = {.cpus = 1, .mem_total = 64ull << 20}; /* I */
struct resources *(*resources_view)(void);
static struct lock limits_lock = LOCK_INIT(RANK_LEAF);

void resources_from_host(void)
{
	cpu_set_t set;
	long page = sysconf(_SC_PAGESIZE), total = sysconf(_SC_PHYS_PAGES);

	if (sched_getaffinity(0, sizeof set, &set) == 0) {
		unsigned n = (unsigned)CPU_COUNT(&set);
		host.cpus = n < RESOURCES_CPUS_MAX ? n : RESOURCES_CPUS_MAX;
	}
	if (total > 0)
		host.mem_total = (uint64_t)total * (uint64_t)page;
	resources = host;
}

void resources_swap(uint64_t bytes)
{
	host.swap_total = resources.swap_total = bytes;
}

static unsigned cpus_of(const struct limits *l, uint64_t n)
{
	uint64_t period = l->cpu_period_us ? l->cpu_period_us : LIMITS_PERIOD_US;

	if (l->cpuset)
		n = min_u64(n, l->cpuset);
	if (l->cpu_quota_us)
		n = min_u64(n, l->cpu_quota_us / period + (l->cpu_quota_us % period != 0));
	return (unsigned)n;
}

/* What is left of `of`. */
static void set(struct resources *r, const struct resources *of, const struct limits *l)
{
	uint64_t all = __atomic_load_n(&of->mem_total, __ATOMIC_RELAXED);
	uint64_t all_swap = __atomic_load_n(&of->swap_total, __ATOMIC_RELAXED);
	uint64_t memory = l->memory_max ? min_u64(l->memory_max, all) : all;
	uint64_t swap = l->swap_limited ? min_u64(l->swap_max, all_swap) : all_swap;
	unsigned cpus = cpus_of(l, __atomic_load_n(&of->cpus, __ATOMIC_RELAXED));

	lock(&limits_lock);
	r->limits = *l;
	unlock(&limits_lock);
	__atomic_store_n(&r->cpus, cpus, __ATOMIC_RELAXED);
	__atomic_store_n(&r->mem_total, memory, __ATOMIC_RELAXED);
	__atomic_store_n(&r->swap_total, swap, __ATOMIC_RELAXED);
}

void resources_limit(const struct limits *l)
{
	set(&resources, &host, l);
}

void resources_limit_view(struct resources *r, const struct limits *l)
{
	set(r, &resources, l);
}

void resources_limits(struct limits *out)
{
	const struct resources *r = resources_here();
	lock(&limits_lock);
	*out = r->limits;
	unlock(&limits_lock);
}

uint64_t resources_cpu_mask(void)
{
	unsigned n = resources_cpus();
	return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

uint64_t resources_cpus_allowed(uint64_t wanted)
{
	uint64_t all = resources_cpu_mask();
	return wanted & all ? wanted & all : all;
}

/* libc asks the vDSO: no host call. */
unsigned resources_cpu_now(void)
{
	int cpu = sched_getcpu();
	return cpu < 0 ? 0 : (unsigned)cpu % resources_cpus();
}
