/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/cpusleep.h"

#include "sentry/task/ctimer.h"
#include "syscalls/abi/errno.h"

struct sleeper {
	struct ctimer c;
	struct waiter *w;
	bool over;	/* a */
};

static void sleeper_wake(struct ctimer *c, int64_t now, int *out_cld)
{
	struct sleeper *s = container_of(c, struct sleeper, c);
	(void)now;
	(void)out_cld;
	c->expiry = 0;
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	waiter_wake(s->w);
}

static bool is_over(const struct sleeper *s)
{
	return __atomic_load_n(&s->over, __ATOMIC_ACQUIRE);
}

/* Until the clock shows `at`: 0, -ENOMEM, -ERESTARTSYS; *out_left is what was missing. */
static int sleep_until(struct task *t, const struct cpuclock *clock, int64_t at, int64_t *out_left)
{
	struct sleeper s = {.w = &t->waiter};
	int64_t now = cpuclock_read(clock);
	int err = 0;

	*out_left = at - now;
	if (*out_left <= 0)
		return 0;
	ctimer_init(&s.c, clock->group, sleeper_wake);
	s.c.cpu = true;
	s.c.kind = clock->kind;
	s.c.thread = clock->thread ? clock->task : NULL;
	lock(&clock->group->siglock);
	s.c.expiry = at;
	err = ctimer_arm_locked(&s.c, now);
	unlock(&clock->group->siglock);
	while (err == 0 && !is_over(&s))
		err = waiter_sleep(&t->waiter, WAIT_INTR, WAIT_FOREVER);
	ctimer_stop(&s.c);
	if (is_over(&s))
		return 0;
	*out_left = at - cpuclock_read(clock);
	return *out_left > 0 ? err : 0;
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
	if (err != -ERESTARTSYS)
		return err;
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
