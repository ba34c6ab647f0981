/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX timers: timer_create(2) and its family. */
#include "sentry/task/clock.h"
#include "sentry/task/ptimer.h"

#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_timer_create(struct task *t, int clockid, uaddr_t sevp, uaddr_t timerid)
{
	struct abi_sigevent ev;

	if (sevp && copy_in(t->mm, &ev, sevp, sizeof ev) < 0)
		return -EFAULT;
	if (clock_is_alarm(clockid))
		return -EOPNOTSUPP;
	int id = ptimer_create(t, clockid, sevp ? &ev : NULL);
	if (id < 0)
		return id;
	if (copy_out(t->mm, timerid, &id, sizeof id) < 0) {
		ptimer_delete(t, id);
		return -EFAULT;
	}
	return 0;
}

long sys_timer_settime(struct task *t, int timerid, int flags, uaddr_t value, uaddr_t ovalue)
{
	struct abi_itimerspec new_value, old;

	if (!value)
		return -EINVAL;
	if (copy_in(t->mm, &new_value, value, sizeof new_value) < 0)
		return -EFAULT;
	int err = ptimer_settime(t, timerid, flags, &new_value, &old);
	if (err < 0)
		return err;
	return ovalue ? copy_out(t->mm, ovalue, &old, sizeof old) : 0;
}

long sys_timer_gettime(struct task *t, int timerid, uaddr_t value)
{
	struct abi_itimerspec now;

	int err = ptimer_gettime(t, timerid, &now);
	return err < 0 ? err : copy_out(t->mm, value, &now, sizeof now);
}

long sys_timer_getoverrun(struct task *t, int timerid)
{
	return ptimer_getoverrun(t, timerid);
}

long sys_timer_delete(struct task *t, int timerid)
{
	return ptimer_delete(t, timerid);
}
