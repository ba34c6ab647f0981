/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "platform/trap/pool/private.h"

enum { WINDOW_US = 1000, WHOLE = 1 << 16 };

static void window_close(struct worker *w, uint64_t now)
{
	int64_t cpu = 0, span = ticks_ns(now - w->window);
	if (host_clock_get(CLOCK_THREAD_CPUTIME_ID, &cpu) < 0)
		return;
	int64_t used = cpu - w->window_cpu;
	bool first = w->window_cpu == 0;
	w->share = first || used >= span ? WHOLE : (uint32_t)(used * WHOLE / span);
	w->window = now;
	w->window_cpu = cpu;
}

void fiber_account(struct fiber *f)
{
	struct worker *w = worker_self();
	uint64_t now = ticks_now(), used = now - f->since;
	if (now - w->window > WINDOW_US * ticks_a_us)
		window_close(w, now);
	used = (uint64_t)((unsigned __int128)used * w->share / WHOLE);
	__atomic_store_n(&f->ticks, f->ticks + used, __ATOMIC_RELAXED);
	f->since = now;
}

void worker_resumes(struct worker *w, uint64_t from)
{
	uint64_t now = ticks_now();
	w->window += now - from;
	if (w->fiber)
		w->fiber->since = now;
}
