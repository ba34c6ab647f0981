/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ctimer.c, ptimer.c, itimer.c and cpulimit.c: all timers of a group. */
#pragma once

#include "sentry/task/ctimer.h"
#include "sentry/task/sigqueue.h"

enum { ITIMER_COUNT = 3 };

struct posix_timers {
	struct list timers;	/* s  struct ptimer */
	int next_id;		/* s */
	struct ctimer itimer[ITIMER_COUNT];
	struct ctimer cpulimit;
};

void itimer_init(struct ctimer *c, struct group *g, int which);
void cpulimit_init(struct ctimer *c, struct group *g);
/* Stops and frees all struct ptimer of pt, which may be detached from g already. */
void ptimers_drop(struct group *g, struct posix_timers *pt);
