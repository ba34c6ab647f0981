/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks as system calls name them, and struct timespec.
 *
 * Inside the sentry a time is a count of nanoseconds, a deadline one of
 * CLOCK_MONOTONIC; sums saturate at INT64_MAX (for ever).
 *
 * CLOCK_REALTIME is the host's; nobody inside may set it.  CPU clocks count what
 * the guest's threads have used in their stub and the sentry for them.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/time.h"

struct mm;

/* Nanoseconds; -EINVAL for a negative time or tv_nsec out of range. */
int timespec_ns(const struct abi_timespec *ts, int64_t *out_ns);
/* The same for struct timeval. */
int timeval_ns(const struct abi_timeval *tv, int64_t *out_ns);
struct abi_timespec ns_timespec(int64_t ns);
struct abi_timeval ns_timeval(int64_t ns);
/* Copies in and checks: -EFAULT, -EINVAL. */
int timespec_copy_in(struct mm *mm, uaddr_t addr, int64_t *out_ns);
int timespec_copy_out(struct mm *mm, uaddr_t addr, int64_t ns);
/* a + b, saturating; both >= 0. */
int64_t ns_add(int64_t a, int64_t b);
/* The deadline a relative time from now, WAIT_FOREVER if it is far off. */
int64_t deadline_in(int64_t ns);

/* Reads any clock id, CPU clocks of other processes included.  -EINVAL. */
int clock_read(struct task *t, int clockid, int64_t *out_ns);
/* -EINVAL if there is no such clock. */
int clock_resolution(struct task *t, int clockid, int64_t *out_ns);
/* The CLOCK_MONOTONIC deadline at which a wall clock (not a CPU clock) shows `at`; -EINVAL. */
int clock_deadline(int clockid, int64_t at, int64_t *out_deadline);

/* CPU time of a group / a thread so far, user and system. */
struct cputime {
	int64_t user, system;
};
struct cputime group_cputime(struct group *g);
/* For callers that hold tasks_lock. */
struct cputime group_cputime_locked(struct group *g);
struct cputime task_cputime(struct task *t);

/* Clocks that need a real-time clock device, which no sandbox has: known, but nothing can use them. */
static inline bool clock_is_alarm(int clockid)
{
	return clockid == CLOCK_REALTIME_ALARM || clockid == CLOCK_BOOTTIME_ALARM;
}

/* What a CPU clock id measures. */
enum cpuclock_kind { CPUCLOCK_PROF, CPUCLOCK_VIRT, CPUCLOCK_SCHED };
struct cpuclock {
	bool thread;		/* one thread, not the whole group */
	enum cpuclock_kind kind;
	struct task *task;	/* referenced: the thread, or a member of the group */
	struct group *group;	/* referenced */
};
bool clock_is_cpu(int clockid);
/* -EINVAL if nobody has that number, or a thread of another process is meant. */
int cpuclock_resolve(struct task *t, int clockid, struct cpuclock *out);
void cpuclock_put(struct cpuclock *c);
int64_t cpuclock_read(const struct cpuclock *c);
int64_t cputime_pick(struct cputime c, enum cpuclock_kind kind);
