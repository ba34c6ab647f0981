/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of the sentry: a heap and one host thread that sleeps until the
 * earliest deadline, and for ever when there is none.
 *
 * The owner embeds a struct ktimer and must cancel it before freeing it.
 */
#pragma once

#include "platform/base/heap.h"

struct ktimer {
	struct heap_node deadline; /* key: CLOCK_MONOTONIC nanoseconds; timer lock */
	/* On the timer thread, no lock held; may arm the timer again. */
	void (*fire)(struct ktimer *t);
};

void ktimer_init(struct ktimer *t, void (*fire)(struct ktimer *t));
/* Arms or moves the timer; -ENOMEM. */
int ktimer_arm(struct ktimer *t, int64_t deadline_ns);
/* True if it was armed.  Does not wait for a fire function that already runs. */
bool ktimer_cancel(struct ktimer *t);
/* As cancel, and waits until fire is not running (never call from fire or with its locks). */
bool ktimer_cancel_sync(struct ktimer *t);
/*
 * The timer thread starts at the first arm and stops here, at the end of the sandbox; what is
 * armed then is disarmed, and a later arm starts it again.
 */
void ktimer_shutdown(void);

/* CLOCK_MONOTONIC of the guest (= the host's), nanoseconds. */
int64_t clock_mono_ns(void);
/* CLOCK_REALTIME, nanoseconds since the epoch. */
int64_t clock_real_ns(void);
/* The same as of the host's last tick, at a quarter of the price. */
int64_t clock_real_coarse_ns(void);
