/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer behind a descriptor: timerfd_create(2).
 *
 * An interval timer that nobody reads fires once: the expirations after the
 * first are counted when somebody looks, so that it costs no wake-ups.
 *
 * A timer on CLOCK_REALTIME is set against the host's clock of that moment; if
 * the host's clock is changed afterwards it keeps its distance, and
 * TFD_TIMER_CANCEL_ON_SET never cancels (the sentry is not told).
 */
#pragma once

#include "sentry/vfs/file.h"

struct timerfd_spec {
	int64_t value_ns, interval_ns; /* value 0: disarmed */
};

/* clockid: one of those that timerfd_create(2) takes.  flags: O_NONBLOCK. */
int timerfd_new(const struct cred *cred, int clockid, uint32_t flags, struct file **out);
/* value_ns is a time of its clock if absolute, else a distance; -ENOMEM.  out_old may be NULL. */
int timerfd_set(struct file *f, const struct timerfd_spec *spec, bool absolute,
		struct timerfd_spec *out_old);
/* What is left until the next expiration, and the interval. */
void timerfd_get(struct file *f, struct timerfd_spec *out);
/* For /proc/PID/fdinfo. */
uint64_t timerfd_ticks(struct file *f, int *out_clockid);
