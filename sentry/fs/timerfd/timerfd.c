/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/timerfd/timerfd.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/host.h"
#include "sentry/sync/timer.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/time.h"

struct timerfd {
	struct lock lock; /* RANK_PIPE */
	struct ktimer timer;
	int clockid;	     /* I */
	int64_t deadline_ns; /* lock: of the next expiration, CLOCK_MONOTONIC; 0: disarmed */
	int64_t interval_ns; /* lock; 0: once */
	uint64_t ticks;	     /* lock: expirations not read */
	bool fired;	     /* lock: deadline_ns has passed and is counted in ticks */
	struct waitq wq;
};

static void timerfd_fire(struct ktimer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	lock(&t->lock);
	/* A settime may have come between the timer's end and this call. */
	bool due = t->deadline_ns != 0 && !t->fired && clock_mono_ns() >= t->deadline_ns;
	if (due) {
		t->fired = true;
		t->ticks++;
	}
	unlock(&t->lock);
	if (due)
		waitq_wake(&t->wq, EPOLLIN | EPOLLRDNORM);
}

/* Counts what an interval timer has missed and arms it again; without one it is disarmed. */
static void catch_up_locked(struct timerfd *t)
{
	if (!t->fired)
		return;
	t->fired = false;
	if (t->interval_ns == 0) {
		t->deadline_ns = 0;
		return;
	}
	int64_t missed = (clock_mono_ns() - t->deadline_ns) / t->interval_ns;
	t->ticks += (uint64_t)missed;
	int64_t step;
	if (__builtin_mul_overflow(missed + 1, t->interval_ns, &step) ||
	    __builtin_add_overflow(t->deadline_ns, step, &t->deadline_ns))
		t->deadline_ns = INT64_MAX; /* an interval of centuries */
	/* It was armed before, so there is memory for it. */
	ktimer_arm(&t->timer, t->deadline_ns);
}

static ssize_t timerfd_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct timerfd *t = f->priv;
	(void)pos;
	if (u->left < sizeof t->ticks)
		return -EINVAL;
	lock(&t->lock);
	catch_up_locked(t);
	uint64_t ticks = t->ticks;
	t->ticks = 0;
	unlock(&t->lock);
	if (ticks == 0)
		return -EAGAIN;
	ssize_t n = uio_put(u, &ticks, sizeof ticks);
	return n == (ssize_t)sizeof ticks ? n : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f)
{
	return timerfd_ticks(f, NULL) > 0 ? EPOLLIN | EPOLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;
	ktimer_cancel_sync(&t->timer);
	waitq_destroy(&t->wq);
	free(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.write = file_nowrite,
	.seek = file_noopseek,
	.poll = timerfd_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = timerfd_release,
};

int timerfd_new(const struct cred *cred, int clockid, uint32_t flags, struct file **out)
{
	struct timerfd *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	lock_init(&t->lock, RANK_PIPE);
	waitq_init(&t->wq);
	ktimer_init(&t->timer, timerfd_fire);
	t->clockid = clockid;
	int err = file_new_anon(&timerfd_ops, FILE_TIMERFD, t, "[timerfd]", cred,
				O_RDWR | (flags & O_NONBLOCK), out);
	if (err < 0) {
		free(t);
		return err;
	}
	(*out)->wq = &t->wq;
	return 0;
}

static int64_t add_clamped(int64_t a, int64_t b)
{
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return a > 0 ? INT64_MAX - 1 : 1;
	return sum;
}

/* The host clock behind a guest clock: the alarm clocks do not wake the host. */
static int64_t clock_now(int clockid)
{
	int64_t now = 0;
	if (clockid == CLOCK_REALTIME_ALARM)
		clockid = CLOCK_REALTIME;
	else if (clockid == CLOCK_BOOTTIME_ALARM)
		clockid = CLOCK_BOOTTIME;
	host_clock_get(clockid, &now);
	return now;
}

static void get_locked(struct timerfd *t, struct timerfd_spec *out)
{
	catch_up_locked(t);
	int64_t left = t->deadline_ns ? t->deadline_ns - clock_mono_ns() : 0;
	/* An armed timer never shows 0: that would mean disarmed. */
	out->value_ns = t->deadline_ns && left <= 0 ? 1 : left;
	out->interval_ns = t->interval_ns;
}

int timerfd_set(struct file *f, const struct timerfd_spec *spec, bool absolute,
		struct timerfd_spec *out_old)
{
	struct timerfd *t = f->priv;
	int64_t distance = spec->value_ns, deadline = 0;
	int err = 0;

	if (absolute && distance)
		distance = add_clamped(distance, -clock_now(t->clockid));
	/* A time in the past stays there: the expirations since then count. */
	if (spec->value_ns) {
		deadline = add_clamped(clock_mono_ns(), distance);
		deadline = deadline > 0 ? deadline : 1;
	}
	ktimer_cancel(&t->timer);
	lock(&t->lock);
	if (out_old)
		get_locked(t, out_old);
	ktimer_cancel(&t->timer);
	t->fired = false;
	t->ticks = 0;
	t->deadline_ns = deadline;
	t->interval_ns = spec->interval_ns;
	if (deadline)
		err = ktimer_arm(&t->timer, deadline);
	if (err < 0)
		t->deadline_ns = 0;
	unlock(&t->lock);
	return err;
}

void timerfd_get(struct file *f, struct timerfd_spec *out)
{
	struct timerfd *t = f->priv;
	lock(&t->lock);
	get_locked(t, out);
	unlock(&t->lock);
}

uint64_t timerfd_ticks(struct file *f, int *out_clockid)
{
	struct timerfd *t = f->priv;
	lock(&t->lock);
	uint64_t ticks = t->ticks;
	unlock(&t->lock);
	if (out_clockid)
		*out_clockid = t->clockid;
	return ticks;
}
