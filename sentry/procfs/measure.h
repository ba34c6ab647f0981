/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks use: CPU time, memory, places in the run queue.
 *
 * Nothing here runs by itself: all is computed when somebody asks.
 */
#pragma once

#include "sentry/task/clock.h"

/* Groups of the sandbox, zombies too, each referenced; NULL when out of memory. */
struct group **measure_groups(size_t *out_count);
void measure_groups_free(struct group **groups, size_t count);

/* CPU time of everything since boot, what has ended included; never goes back. */
struct cputime measure_cputime(void);

/*
 * That of the machine: what the host charged the sandbox for, if it has a cgroup
 * of its own, else the same as above.  All that was not the guest's own code is
 * system time: the sentry's work is the kernel's.
 */
struct cputime measure_machine_cputime(void);

/* 'R', 'S', 'T', 't', 'Z', 'X': proc_pid_stat(5). */
char measure_state(struct task *t);
/* Tasks that run or want to. */
unsigned measure_running(void);

/*
 * Resident memory, in bytes.  Measured (mincore) when the calling task asks about
 * its own memory; of others only a bound is known: all that is mapped and can be
 * accessed, though never more than the sandbox has.
 */
struct measured_memory {
	uint64_t anon, file, shared;
};
void measure_memory(struct mm *mm, struct measured_memory *out);
static inline uint64_t measured_resident(const struct measured_memory *m)
{
	return m->anon + m->file + m->shared;
}

/* Load averages over 1, 5 and 15 minutes, as fixed point numbers with this many bits. */
enum { LOAD_SHIFT = 11 };
void measure_loads(uint32_t out[3]);
