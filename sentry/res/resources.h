/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox was given: the one source for sysinfo(2), affinity masks,
 * /proc/meminfo, /proc/cpuinfo, cgroup files and what else tells a guest how big
 * its machine is.
 *
 * resources_from_host() fills it with what the sentry itself may use, before
 * the sandbox closes; resources_limit() lowers that to the container's limits,
 * before the first task and again whenever they are changed.
 *
 * Further containers of a pod have a view of their own (resources_view), which is part of
 * the sandbox's: what the calling task is told is its container's.
 *
 * How many CPUs there are: as many as the CPU set has, but no more than the quota
 * can keep busy, rounded up: 1.5 CPUs are two, of which cpu.max says the rest.
 */
#pragma once

#include "sentry/res/limits.h"

enum { RESOURCES_CPUS_MAX = 64 };

struct usage_files;

struct resources {
	unsigned cpus;	     /* a  how many the guest has: numbers 0 .. cpus-1 */
	uint64_t mem_total;  /* a  bytes */
	uint64_t swap_total; /* a  bytes */
	struct limits limits; /* resources.c's lock */
	const struct usage_files *usage; /* I  usage.h; NULL: what the sandbox uses */
};
extern struct resources resources;	/* the sandbox's */
/* Whose view the caller has; NULL: nobody has another one than the sandbox's. */
extern struct resources *(*resources_view)(void); /* a */

static inline struct resources *resources_here(void)
{
	struct resources *(*view)(void) = __atomic_load_n(&resources_view, __ATOMIC_ACQUIRE);
	return view ? view() : &resources;
}

/* Asks libc: only before the sentry's seccomp filter is loaded. */
void resources_from_host(void);
/* Bytes of swap the host has; with resources_from_host(). */
void resources_swap(uint64_t bytes);
/* Lowers what there is to what the container was given.  Any thread, one at a time. */
void resources_limit(const struct limits *l);
/* The same for one container of several, whose view *r is. */
void resources_limit_view(struct resources *r, const struct limits *l);
/* What the caller's was given. */
void resources_limits(struct limits *out);

static inline unsigned resources_cpus(void)
{
	return __atomic_load_n(&resources_here()->cpus, __ATOMIC_RELAXED);
}

static inline uint64_t resources_memory(void)
{
	return __atomic_load_n(&resources_here()->mem_total, __ATOMIC_RELAXED);
}

/* The affinity mask of a task that has set none: one bit for each CPU. */
uint64_t resources_cpu_mask(void);
/*
 * The CPUs that a task which asked for `wanted` (0: all) may use, as Linux when
 * a CPU set shrinks: those that are left of it, or all if none is.
 */
uint64_t resources_cpus_allowed(uint64_t wanted);
/* The CPU the calling thread runs on, as the guest counts them. */
unsigned resources_cpu_now(void);
