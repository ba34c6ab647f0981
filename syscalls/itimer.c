/* SPDX-License-Identifier: Apache-2.0 */
/* setitimer(2), getitimer(2), alarm(2). */
#include "sentry/task/itimer.h"

#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_getitimer(struct task *t, int which, uaddr_t value)
{
	struct abi_itimerval now;

	int err = itimer_get(t, which, &now);
	return err < 0 ? err : copy_out(t->mm, value, &now, sizeof now);
}

long sys_setitimer(struct task *t, int which, uaddr_t value, uaddr_t ovalue)
{
	struct abi_itimerval new_value = {0}, old;

	/* A null pointer disarms: an old habit that Linux still allows. */
	if (value && copy_in(t->mm, &new_value, value, sizeof new_value) < 0)
		return -EFAULT;
	int err = itimer_set(t, which, &new_value, &old);
	if (err < 0)
		return err;
	return ovalue ? copy_out(t->mm, ovalue, &old, sizeof old) : 0;
}

long sys_alarm(struct task *t, uint32_t seconds)
{
	const struct abi_itimerval value = {.it_value = {.tv_sec = seconds}};
	struct abi_itimerval old;

	int err = itimer_set(t, ABI_ITIMER_REAL, &value, &old);
	if (err < 0)
		return err;
	/* Rounded to the nearest second, but a set alarm is never 0. */
	const struct abi_timeval *v = &old.it_value;
	if ((v->tv_sec == 0 && v->tv_usec) || v->tv_usec >= 500000)
		return v->tv_sec + 1;
	return v->tv_sec;
}
