/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. */
#pragma once

#include "platform/base/ticks.h"
#include "platform/trap/pool/pool.h"
#include "platform/trap/trap.h"

enum pool_bell { BELL, ALARM };

struct worker {
	struct pool *pool;
	struct fiber *fiber; /* that runs here, or NULL */
	bool leads;
	bool blocks; /* its office is up, or has been taken */
	bool pinned;
	struct context at;
};

/* pool.c */
/* The caller's, or NULL.  A fiber that has moved has another: asked again after each sleep. */
struct worker *worker_self(void);
/* A new fiber goes to a pool; 0 or -errno. */
int pool_start(struct fiber *f);
/* Any thread: f is handed to the leader. */
void pool_post(struct fiber *f);
void pool_ring_bell(const struct pool *p, enum pool_bell which);
/* L: every stub that is to give the turn rings `which`; false if one has given it already. */
bool pool_tell_stubs(struct pool *p, enum pool_bell which);

/* block.c: host calls that may take long are watched from now on. */
void block_init(void);

/* What it has used until now. */
static inline void fiber_account(struct fiber *f)
{
	uint64_t now = ticks_now();
	__atomic_store_n(&f->ticks, f->ticks + (now - f->since), __ATOMIC_RELAXED);
	f->since = now;
}
