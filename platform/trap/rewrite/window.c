/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/window.h"

#include <sys/mman.h>

bool window_add(struct window *w, uaddr_t low, uaddr_t high)
{
	low &= PAGE_MASK;
	high = PAGE_ALIGN(high);
	for (unsigned i = 0; i < w->count; i++) {
		uaddr_t *from = &w->spans[i].low, *to = &w->spans[i].high;
		if (low > *to || *from > high)
			continue;
		*from = min_u64(*from, low);
		*to = max_u64(*to, high);
		return true;
	}
	if (w->count == REWRITE_CALLS)
		return false;
	w->spans[w->count].low = low;
	w->spans[w->count++].high = high;
	return true;
}

static int protect_all(const struct window *w, struct ctx *by, int prot)
{
	struct rewrite_call calls[REWRITE_CALLS];
	for (unsigned i = 0; i < w->count; i++)
		calls[i] = (struct rewrite_call){.what = REWRITE_PROTECT,
						 .prot = prot,
						 .addr = w->spans[i].low,
						 .size = w->spans[i].high - w->spans[i].low};
	return rewrite_host->calls(by, calls, w->count);
}

NO_LOCK_ANALYSIS int window_open(struct window *w, struct rewrite *r, struct ctx *by)
{
	lock_nested(&r->window); /* always inside r->change */
	r->retries = 0;
	int err = protect_all(w, by, PROT_READ | PROT_WRITE);
	if (err < 0) {
		protect_all(w, by, PROT_READ | PROT_EXEC);
		unlock(&r->window);
	}
	return err;
}

/* Without its right to be executed the program could not go on: tried again for good measure. */
NO_LOCK_ANALYSIS int window_close(struct window *w, struct rewrite *r, struct ctx *by)
{
	int err = protect_all(w, by, PROT_READ | PROT_EXEC);
	if (err < 0)
		err = protect_all(w, by, PROT_READ | PROT_EXEC);
	unlock(&r->window);
	return err;
}
