/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd_create(2), timerfd_settime(2), timerfd_gettime(2). */
#include "sentry/fs/timerfd/timerfd.h"

#include <errno.h>

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

long sys_timerfd_create(struct task *t, int clockid, int flags)
{
	struct file *f;
	bool alarm = clockid == CLOCK_REALTIME_ALARM || clockid == CLOCK_BOOTTIME_ALARM;

	if ((uint64_t)flags & ~FLAGS_KNOWN(TFD))
		return -EINVAL;
	if (!alarm && clockid != CLOCK_REALTIME && clockid != CLOCK_MONOTONIC &&
	    clockid != CLOCK_BOOTTIME)
		return -EINVAL;
	if (alarm && !task_capable(t, CAP_WAKE_ALARM))
		return -EPERM;
	int err = timerfd_new(t->cred, clockid, (uint32_t)flags, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & TFD_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}

/* -EBADF, -EINVAL: another kind of file. */
static int timerfd_of(struct task *t, int fd, struct file **out)
{
	autoput(file) struct file *f = fdtab_get_io(t->fds, fd);
	if (!f)
		return -EBADF;
	if (f->kind != FILE_TIMERFD)
		return -EINVAL;
	*out = STEAL(f);
	return 0;
}

static bool timespec_valid(const struct abi_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NSEC_PER_SEC;
}

/* Times beyond 292 years are as good as never. */
static int64_t timespec_ns(const struct abi_timespec *ts)
{
	int64_t ns;
	if (__builtin_mul_overflow(ts->tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		return INT64_MAX / 2;
	return ns;
}

static struct abi_timespec timespec_of(int64_t ns)
{
	return (struct abi_timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

static int spec_out(struct task *t, uaddr_t to, const struct timerfd_spec *s)
{
	struct abi_itimerspec its = {timespec_of(s->interval_ns), timespec_of(s->value_ns)};
	return copy_out(t->mm, to, &its, sizeof its);
}

long sys_timerfd_settime(struct task *t, int fd, int flags, uaddr_t value, uaddr_t ovalue)
{
	autoput(file) struct file *f = NULL;
	struct abi_itimerspec its;
	struct timerfd_spec spec, old;

	if (copy_in(t->mm, &its, value, sizeof its) < 0)
		return -EFAULT;
	if (((uint64_t)flags & ~FLAGS_KNOWN(TFD_TIMER)) || !timespec_valid(&its.it_value) ||
	    !timespec_valid(&its.it_interval))
		return -EINVAL;
	int err = timerfd_of(t, fd, &f);
	if (err < 0)
		return err;
	spec.value_ns = timespec_ns(&its.it_value);
	spec.interval_ns = timespec_ns(&its.it_interval);
	err = timerfd_set(f, &spec, flags & TFD_TIMER_ABSTIME, &old);
	return err < 0 || !ovalue ? err : spec_out(t, ovalue, &old);
}

long sys_timerfd_gettime(struct task *t, int fd, uaddr_t value)
{
	autoput(file) struct file *f = NULL;
	struct timerfd_spec spec;
	int err = timerfd_of(t, fd, &f);
	if (err < 0)
		return err;
	timerfd_get(f, &spec);
	return spec_out(t, value, &spec);
}
