/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers (timer_create(2)).
 *
 * A timer belongs to a group and has one embedded signal queue entry: it is
 * queued at most once, and expirations meanwhile count as overruns.  As Linux,
 * a periodic timer that sends a signal is not armed again before its signal has
 * been taken; the intervals that have passed by then are the overrun.
 *
 * All state of all timers of a group is protected by its siglock.  A timer is
 * freed only after its ktimer cannot fire any more.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/time.h"

struct ptimer;

/* Makes a disarmed timer: its id >= 0, or -EAGAIN (limit), -ENOMEM, -EINVAL. */
int ptimer_create(struct task *t, int clockid, const struct abi_sigevent *ev);
int ptimer_delete(struct task *t, int id);
int ptimer_settime(struct task *t, int id, int flags, const struct abi_itimerspec *new_value,
		   struct abi_itimerspec *out_old);
int ptimer_gettime(struct task *t, int id, struct abi_itimerspec *out);
int ptimer_getoverrun(struct task *t, int id);
/* All timers of the group vanish: exec.  No lock held. */
void ptimers_exit(struct group *g);
/*
 * The timer's signal was dequeued, or dropped (info NULL): fills si_overrun,
 * goes on if it is periodic; s held.
 */
void ptimer_taken_locked(struct ptimer *p, struct abi_siginfo *info);
