/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/clock.h"

#include "platform/host.h"
#include "sentry/mm/mm.h"
#include "syscalls/abi/errno.h"

enum {
	/* What the coarse clocks tick in on a kernel built with HZ=250. */
	COARSE_RESOLUTION_NS = 4000000,
};

int timespec_ns(const struct abi_timespec *ts, int64_t *out_ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(ts->tv_sec, NSEC_PER_SEC, out_ns) ||
	    __builtin_add_overflow(*out_ns, ts->tv_nsec, out_ns))
		*out_ns = INT64_MAX;
	return 0;
}

int timeval_ns(const struct abi_timeval *tv, int64_t *out_ns)
{
	if (tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return -EINVAL;
	const struct abi_timespec ts = {tv->tv_sec, tv->tv_usec * NSEC_PER_USEC};
	return timespec_ns(&ts, out_ns);
}

struct abi_timespec ns_timespec(int64_t ns)
{
	return (struct abi_timespec){.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};
}

struct abi_timeval ns_timeval(int64_t ns)
{
	return (struct abi_timeval){.tv_sec = ns / NSEC_PER_SEC,
				    .tv_usec = ns % NSEC_PER_SEC / NSEC_PER_USEC};
}

int timespec_copy_in(struct mm *mm, uaddr_t addr, int64_t *out_ns)
{
	struct abi_timespec ts;

	int err = copy_in(mm, &ts, addr, sizeof ts);
	return err < 0 ? err : timespec_ns(&ts, out_ns);
}

int timespec_copy_out(struct mm *mm, uaddr_t addr, int64_t ns)
{
	const struct abi_timespec ts = ns_timespec(ns);
	return copy_out(mm, addr, &ts, sizeof ts);
}

int64_t ns_add(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t deadline_in(int64_t ns)
{
	return ns_add(clock_mono_ns(), ns);
}

bool clock_is_cpu(int clockid)
{
	return clockid < 0 || clockid == CLOCK_PROCESS_CPUTIME_ID ||
	       clockid == CLOCK_THREAD_CPUTIME_ID;
}

static bool clock_is_wall(int clockid)
{
	switch (clockid) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return true;
	default:
		return false;
	}
}

int clock_read(struct task *t, int clockid, int64_t *out_ns)
{
	struct cpuclock cpu;

	if (!clock_is_cpu(clockid))
		return clock_is_wall(clockid) ? host_clock_get(clockid, out_ns) : -EINVAL;
	int err = cpuclock_resolve(t, clockid, &cpu);
	if (err < 0)
		return err;
	*out_ns = cpuclock_read(&cpu);
	cpuclock_put(&cpu);
	return 0;
}

int clock_resolution(struct task *t, int clockid, int64_t *out_ns)
{
	struct cpuclock cpu;

	*out_ns = 1;
	if (clock_is_cpu(clockid)) {
		int err = cpuclock_resolve(t, clockid, &cpu);
		if (err < 0)
			return err;
		cpuclock_put(&cpu);
		return 0;
	}
	if (!clock_is_wall(clockid))
		return -EINVAL;
	if (clockid == CLOCK_REALTIME_COARSE || clockid == CLOCK_MONOTONIC_COARSE)
		*out_ns = COARSE_RESOLUTION_NS;
	return 0;
}

/* A step of the host's real-time clock during the sleep is not followed. */
int clock_deadline(int clockid, int64_t at, int64_t *out_deadline)
{
	int64_t now;

	if (clockid != CLOCK_REALTIME && clockid != CLOCK_MONOTONIC && clockid != CLOCK_BOOTTIME &&
	    clockid != CLOCK_TAI)
		return -EINVAL;
	if (at == INT64_MAX || clockid == CLOCK_MONOTONIC) {
		*out_deadline = at;
		return 0;
	}
	int err = host_clock_get(clockid, &now);
	if (err < 0)
		return err;
	*out_deadline = at <= now ? 0 : deadline_in(at - now);
	return 0;
}
