/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that are writable, and not executable, for a moment. */
#pragma once

#include "platform/trap/rewrite/sites.h"

struct window {
	unsigned count;
	struct {
		uaddr_t low, high;
	} spans[REWRITE_CALLS];
};

/* Adds the pages of [low, high).  False: too many. */
bool window_add(struct window *w, uaddr_t low, uaddr_t high);
/* Takes r->window; not if it fails: then all is executable as before. */
int window_open(struct window *w, struct rewrite *r, struct ctx *by);
int window_close(struct window *w, struct rewrite *r, struct ctx *by);
