/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox was given: the one source for sysinfo(2), affinity masks,
 * /proc/meminfo, /proc/cpuinfo and what else tells a guest how big its machine is.
 *
 * resources_from_host() fills it with what the sentry itself may use, before
 * the sandbox closes; boot then lowers it to the limits of the OCI spec, before
 * the first task.  Constant afterwards, but for mem_free.
 */
#pragma once

#include "platform/base/types.h"

enum { RESOURCES_CPUS_MAX = 64 };

struct resources {
	unsigned cpus;		/* how many the guest has: numbers 0 .. cpus-1 */
	uint64_t mem_total;	/* bytes */
	uint64_t swap_total;	/* bytes */
	/* Bytes free now, <= mem_total; any thread. */
	uint64_t (*mem_free)(void);
};
extern struct resources resources;

/* Asks libc: only before the sentry's seccomp filter is loaded. */
void resources_from_host(void);
/* Lowers what there is to what the container was given; 0: all of it.  Before the first task. */
void resources_limit(uint64_t memory, unsigned cpus);
/* The affinity mask of a task that has set none: one bit for each CPU. */
uint64_t resources_cpu_mask(void);
/* The CPU the calling thread runs on, as the guest counts them. */
unsigned resources_cpu_now(void);
