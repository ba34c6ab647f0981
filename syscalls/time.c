/* SPDX-License-Identifier: Apache-2.0 */
/* Reading clocks and sleeping: clock_gettime(2), nanosleep(2), times(2), adjtimex(2). */
#include "syscalls/abi/time.h"

#include "sentry/task/clock.h"
#include "sentry/task/cpusleep.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/limits.h"
#include "syscalls/sys.h"

enum {
	/* What an unsynchronised kernel reports: adjtimex(2). */
	MAX_ERROR_US = 16000000,
	TICK_US = 10000,
	TOLERANCE = 32768000,
};

long sys_clock_gettime(struct task *t, int clockid, uaddr_t tp)
{
	int64_t ns;

	int err = clock_read(t, clockid, &ns);
	return err < 0 ? err : timespec_copy_out(t->mm, tp, ns);
}

long sys_clock_getres(struct task *t, int clockid, uaddr_t res)
{
	int64_t ns;

	int err = clock_resolution(t, clockid, &ns);
	if (err < 0 || !res)
		return err;
	return timespec_copy_out(t->mm, res, ns);
}

/* The time is the host's; as in any container, nobody inside may set it. */
long sys_clock_settime(struct task *t, int clockid, uaddr_t tp)
{
	int64_t ns;

	if (clockid != CLOCK_REALTIME)
		return clockid < 0 && clock_resolution(t, clockid, &ns) == 0 ? -EPERM : -EINVAL;
	int err = timespec_copy_in(t->mm, tp, &ns);
	return err < 0 ? err : -EPERM;
}

long sys_settimeofday(struct task *t, uaddr_t tv, uaddr_t tz)
{
	struct abi_timeval value;
	struct abi_timezone zone;
	int64_t ns;

	if (tv && copy_in(t->mm, &value, tv, sizeof value) < 0)
		return -EFAULT;
	if (tv && timeval_ns(&value, &ns) < 0)
		return -EINVAL;
	if (tz && copy_in(t->mm, &zone, tz, sizeof zone) < 0)
		return -EFAULT;
	return -EPERM;
}

long sys_gettimeofday(struct task *t, uaddr_t tv, uaddr_t tz)
{
	const struct abi_timeval now = ns_timeval(clock_real_ns());
	const struct abi_timezone zone = {0};

	if (tv && copy_out(t->mm, tv, &now, sizeof now) < 0)
		return -EFAULT;
	if (tz && copy_out(t->mm, tz, &zone, sizeof zone) < 0)
		return -EFAULT;
	return 0;
}

long sys_time(struct task *t, uaddr_t tloc)
{
	const int64_t now = clock_real_ns() / NSEC_PER_SEC;

	if (tloc && copy_out(t->mm, tloc, &now, sizeof now) < 0)
		return -EFAULT;
	return now;
}

static int64_t ticks(int64_t ns)
{
	return ns / (NSEC_PER_SEC / ABI_CLK_TCK);
}

long sys_times(struct task *t, uaddr_t buf)
{
	struct cputime c = group_cputime(t->group);
	struct abi_tms tms = {.tms_utime = ticks(c.user), .tms_stime = ticks(c.system)};

	lock(&kernel.tasks_lock);
	tms.tms_cutime = ticks(t->group->child_utime_ns);
	tms.tms_cstime = ticks(t->group->child_stime_ns);
	unlock(&kernel.tasks_lock);
	if (buf && copy_out(t->mm, buf, &tms, sizeof tms) < 0)
		return -EFAULT;
	return ticks(clock_mono_ns());
}

static long sleep_again(struct task *t);

/* Sleeps on a wall clock until the deadline; rem: where the rest is stored, 0: nowhere. */
static long sleep_until(struct task *t, int64_t deadline, bool absolute, uaddr_t rem)
{
	int err;

	while ((err = waiter_sleep(&t->waiter, WAIT_INTR, deadline)) == 0)
		;
	if (err == -ETIMEDOUT)
		return 0;
	if (absolute)
		return -ERESTARTNOHAND;
	int64_t left = deadline - clock_mono_ns();
	if (left <= 0)
		return 0;
	if (rem && timespec_copy_out(t->mm, rem, left) < 0)
		return -EFAULT;
	t->restart_fn = sleep_again;
	t->restart_arg.a[0] = (uint64_t)deadline;
	t->restart_arg.a[1] = rem;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct task *t)
{
	return sleep_until(t, (int64_t)t->restart_arg.a[0], /*absolute=*/false,
			   t->restart_arg.a[1]);
}

long sys_nanosleep(struct task *t, uaddr_t req, uaddr_t rem)
{
	int64_t ns;

	int err = timespec_copy_in(t->mm, req, &ns);
	return err < 0 ? err : sleep_until(t, deadline_in(ns), /*absolute=*/false, rem);
}

long sys_clock_nanosleep(struct task *t, int clockid, int flags, uaddr_t req, uaddr_t rem)
{
	bool absolute = flags & TIMER_ABSTIME;
	int64_t ns, deadline;

	if (clock_is_alarm(clockid))
		return -EOPNOTSUPP;
	if (clock_is_cpu(clockid))
		return cpusleep(t, clockid, absolute, req, rem);
	int err = clock_deadline(clockid, 0, &deadline);
	if (err < 0)
		return clock_resolution(t, clockid, &ns) < 0 ? -EINVAL : -EOPNOTSUPP;
	err = timespec_copy_in(t->mm, req, &ns);
	if (err < 0)
		return err;
	if (!absolute)
		return sleep_until(t, deadline_in(ns), absolute, rem);
	clock_deadline(clockid, ns, &deadline);
	return sleep_until(t, deadline, absolute, 0);
}

static long adjust(struct task *t, uaddr_t buf)
{
	struct abi_timex x;

	if (copy_in(t->mm, &x, buf, sizeof x) < 0)
		return -EFAULT;
	if (x.modes != 0 && x.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	x = (struct abi_timex){
		.modes = x.modes,
		.maxerror = MAX_ERROR_US,
		.esterror = MAX_ERROR_US,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = TOLERANCE,
		.tick = TICK_US,
		.time = ns_timeval(clock_real_ns()),
	};
	int err = copy_out(t->mm, buf, &x, sizeof x);
	return err < 0 ? err : TIME_ERROR;
}

long sys_adjtimex(struct task *t, uaddr_t buf)
{
	return adjust(t, buf);
}

long sys_clock_adjtime(struct task *t, int clockid, uaddr_t buf)
{
	int64_t ns;

	if (clockid == CLOCK_REALTIME)
		return adjust(t, buf);
	return clock_resolution(t, clockid, &ns) < 0 ? -EINVAL : -EOPNOTSUPP;
}
