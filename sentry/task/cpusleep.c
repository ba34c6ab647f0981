/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sleeper looks at the clock when it can have reached the moment at the
 * earliest, and again: the clock stands still while nobody computes.
 */
#include "sentry/task/cpusleep.h"

#include "sentry/res/resources.h"
#include "sentry/task/clock.h"
#include "syscalls/abi/errno.h"

enum { LOOK_MIN_NS = 1000000, LOOK_MAX_NS = 100000000 };

/* Until the clock shows `at`: 0, -ERESTARTSYS; *out_left is what was missing. */
static int sleep_until(struct task *t, const struct cpuclock *c, int64_t at, int64_t *out_left)
{
	for (;;) {
		*out_left = at - cpuclock_read(c);
		if (*out_left <= 0)
			return 0;
		int64_t pause = *out_left / (int64_t)resources.cpus;
		if (pause < LOOK_MIN_NS)
			pause = LOOK_MIN_NS;
		if (pause > LOOK_MAX_NS)
			pause = LOOK_MAX_NS;
		if (waiter_sleep(&t->waiter, WAIT_INTR, deadline_in(pause)) == -ERESTARTSYS)
			return -ERESTARTSYS;
	}
}

static long sleep_on(struct task *t, int clockid, int64_t at, bool absolute, uaddr_t rem);

static long sleep_again(struct task *t)
{
	const uint64_t *a = t->restart_arg.a;
	return sleep_on(t, (int)a[0], (int64_t)a[1], /*absolute=*/false, a[2]);
}

static long sleep_on(struct task *t, int clockid, int64_t at, bool absolute, uaddr_t rem)
{
	struct cpuclock c;
	int64_t left;

	int err = cpuclock_resolve(t, clockid, &c);
	if (err < 0)
		return err;
	err = sleep_until(t, &c, at, &left);
	cpuclock_put(&c);
	if (err == 0)
		return 0;
	if (absolute)
		return -ERESTARTNOHAND;
	if (rem && timespec_copy_out(t->mm, rem, left) < 0)
		return -EFAULT;
	t->restart_fn = sleep_again;
	t->restart_arg.a[0] = (uint64_t)clockid;
	t->restart_arg.a[1] = (uint64_t)at;
	t->restart_arg.a[2] = rem;
	return -ERESTART_RESTARTBLOCK;
}

long cpusleep(struct task *t, int clockid, bool absolute, uaddr_t req, uaddr_t rem)
{
	struct cpuclock c;
	int64_t ns;

	if (clockid == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	int err = timespec_copy_in(t->mm, req, &ns);
	if (err == 0)
		err = cpuclock_resolve(t, clockid, &c);
	if (err < 0)
		return err;
	/* A thread that sleeps on its own time would never wake. */
	bool own = c.thread && c.task == t;
	int64_t now = own ? 0 : cpuclock_read(&c);
	cpuclock_put(&c);
	if (own)
		return -EINVAL;
	return sleep_on(t, clockid, absolute ? ns : ns_add(now, ns), absolute, rem);
}
