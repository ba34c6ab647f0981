/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/timers.h"

#include <stdlib.h>

#include "platform/base/cleanup.h"

static struct posix_timers *timers_new(struct group *g)
{
	struct posix_timers *pt = calloc(1, sizeof *pt);
	if (!pt)
		return NULL;
	list_init(&pt->timers);
	for (int i = 0; i < ITIMER_COUNT; i++)
		itimer_init(&pt->itimer[i], g, i);
	cpulimit_init(&pt->cpulimit, g);
	return pt;
}

struct posix_timers *timers_get(struct group *g)
{
	struct posix_timers *pt = __atomic_load_n(&g->timers, __ATOMIC_ACQUIRE), *mine;

	if (pt)
		return pt;
	mine = timers_new(g);
	if (!mine)
		return NULL;
	lock(&g->siglock);
	pt = g->timers;
	if (!pt && !g->timers_over) {
		pt = STEAL(mine);
		__atomic_store_n(&g->timers, pt, __ATOMIC_RELEASE);
	}
	unlock(&g->siglock);
	free(mine);
	return pt;
}

void timers_exit(struct group *g)
{
	lock(&g->siglock);
	struct posix_timers *pt = g->timers;
	g->timers_over = true;
	__atomic_store_n(&g->timers, NULL, __ATOMIC_RELEASE);
	unlock(&g->siglock);
	if (!pt)
		return;
	ptimers_drop(g, pt);
	for (int i = 0; i < ITIMER_COUNT; i++)
		ctimer_stop(&pt->itimer[i]);
	ctimer_stop(&pt->cpulimit);
	free(pt);
}
