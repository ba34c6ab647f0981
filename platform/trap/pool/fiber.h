/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fiber: a function with a stack of its own, run now by one thread, now by another.
 *
 * Only pool.c switches.  A fiber's memory is never given back, only used again: who
 * still has the address of one that has ended can at worst wake its successor in vain.
 */
#pragma once

#include <stdatomic.h>

#include "platform/base/heap.h"
#include "platform/base/list.h"
#include "platform/base/local.h"

struct ctx;
struct pool;

/* What a fiber that has switched away waits for. */
enum fiber_want {
	WANT_RUN,  /* nothing: to go on */
	WANT_WORD, /* *word to differ from expect, or a wake, or the deadline */
	WANT_TURN, /* the sentry's turn in the slot of ctx, or the deadline */
	WANT_END,  /* nothing any more */
};

enum { FIBER_RUNS, FIBER_PARKED, FIBER_READY };

/* Where a thread or a fiber has been left. */
struct context {
	void *sp;
	void *asan, *tsan; /* what these sanitizers know of its stack */
};

struct fiber {
	struct context at;
	char *stack;		 /* I  its lowest byte, above the guard page */
	const void *entered_low; /* ASan: the stack that it was entered from */
	size_t entered_size;
	void (*fn)(void *arg);
	void *arg;
	struct locals locals;
	struct pool *pool;
	struct fiber *next; /* in the inbox, or in line */
	atomic_uint state;  /* FIBER_*: parked only with WANT_WORD */
	/* Written by the fiber before it switches away, then its worker's, then the leader's. */
	enum fiber_want want;
	uint32_t *word;
	uint32_t expect;
	struct ctx *ctx;
	struct heap_node deadline; /* key: CLOCK_MONOTONIC, INT64_MAX: none */
	bool timed_out;
	struct list out; /* pool.out */
	uint64_t since;	 /* ticks: when it last began to run */
	uint64_t ticks;	 /* it has run for so long before; a */
};

/* With a stack, that switching to will call fn; NULL without memory. */
struct fiber *fiber_new(void (*fn)(void *arg), void *arg);
/* It has ended: its stack is not in use. */
void fiber_free(struct fiber *f);
/* Leaves the running context in *from and goes on in f; comes back when f switches to *from. */
void fiber_enter(struct context *from, struct fiber *f);
/* From f's own stack to *to. */
void fiber_leave(struct fiber *f, const struct context *to);
/* The same, of one that never comes back. */
_Noreturn void fiber_end(struct fiber *f, const struct context *to);
