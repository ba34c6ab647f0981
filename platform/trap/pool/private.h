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
	/* account.c: since when, what its thread had used then, and of the time before that the
	 * part it ran. */
	uint64_t window;
	int64_t window_cpu;
	uint32_t share;
};

/* pool.c */
/* The caller's, or NULL.  A fiber that has moved has another: asked again after each sleep. */
struct worker *worker_self(void);
/* A new fiber goes to a pool; 0 or -errno. */
int pool_start(struct fiber *f);
/* Any thread: f is handed to the leader. */
void pool_post(struct fiber *f);
void pool_ring_bell(const struct pool *p, enum pool_bell which);

/* leader.c */
/* Leads until another worker has taken over. */
void pool_lead(struct worker *w);
/* L: every stub that is to give the turn rings `which`; false if one has given it already. */
bool pool_tell_stubs(struct pool *p, enum pool_bell which);

/* block.c: host calls that may take long are watched from now on. */
void block_init(void);

/*
 * account.c: the CPU time of fibers.  Ticks are of the clock on the wall, which is cheap; the
 * worker's thread may have been off its CPU meanwhile.  So they count as much as they were worth a
 * moment ago: once a millisecond the thread's own clock is asked.
 */
/* What f, which runs here, has used until now. */
void fiber_account(struct fiber *f);
/* f begins, or goes on after it has waited; the time since `from` was none of this worker's. */
void worker_resumes(struct worker *w, uint64_t from);
