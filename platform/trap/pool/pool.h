/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: a few threads on which the tasks of all guests run, as fibers.
 *
 * A pool has one *leader*, a thread that looks at the slots of all guest threads that
 * are in guest code, and carries out what they ask for, each on its fiber.  A call that
 * sleeps leaves the thread to the next one, and who wakes it only puts it in line: no
 * host call is made for either.  When there is nothing to do the leader looks for a
 * while (see hand.c), then sleeps on an eventfd, the *bell*, having told every stub
 * to ring it.
 *
 * A fiber that goes to sleep in the host (a reply of the gofer, a disk) holds up its
 * thread.  So before it does (host_set_blocks) the leader puts its office up: whatever
 * then happens rings the *alarm*, on which another worker sleeps, who takes over.  If
 * nothing happens meanwhile it has cost no host call.
 *
 * state:	BUSY	the leader will look at everything before it sleeps
 *		ASLEEP	it sleeps: ring the bell
 *		BLOCKED	its office is up: ring the alarm
 *
 * Only the leader touches the members marked L; others hand fibers to it by the inbox.
 */
#pragma once

#include "platform/trap/pool/fiber.h"

enum { POOLS_MAX = 8, POOL_BELLS = 2 };

enum { POOL_BUSY, POOL_ASLEEP, POOL_BLOCKED };

struct pool {
	_Alignas(64) _Atomic(struct fiber *) inbox;
	_Alignas(64) atomic_uint state; /* POOL_* */
	atomic_uint idle;		/* workers that sleep on the alarm */
	atomic_uint living;		/* fibers */
	int bells[POOL_BELLS];		/* I  bell, alarm */
	unsigned number;		/* I */
	bool started;			/* the start's lock */
	struct fiber *first, **last;	/* L  in line */
	struct list out;		/* L  fiber.out: in guest code */
	struct heap sleepers;		/* L  fiber.deadline */
	unsigned rounds;		/* L */
	unsigned turns;			/* L  how often somebody has gone to guest code */
	bool slept;			/* L  since it last looked with success */
	uint64_t touched; /* L  ticks: since when our image has been found touched; 0 */
	bool woken;   /* L  some of those in guest code had to be woken */
	atomic_bool missed; /* an alarm came when the office was not up, or not yet */
	unsigned placed;		/* a  guest threads that are kept off its CPU, or on it */
	unsigned apart_out;		/* a  kept off it, in guest code; the leader's to write */
	uint64_t loaded_until; /* a  mode.c: ticks; others keep the CPUs busy, for all we know, */
	uint64_t loaded_span;  /* a  which was believed for so long the last time */
	unsigned joint_out;		/* a  others in guest code; the leader's to write */
	int home;			/* a  that CPU; the leader's to write; -1: it goes where the host likes */
};

/* Before any stub: the descriptors that stubs ring with.  0 or -errno. */
int pool_init(unsigned cpus);
/* All of them, in the order in which stubs have them: POOL_BELLS a pool. */
size_t pool_descriptors(int out[POOLS_MAX * POOL_BELLS]);

/* platform_ops.strands */
extern const struct strand_ops pool_strands;

/* The fiber that runs here, or NULL on a thread that is no worker. */
struct fiber *fiber_self(void);
/*
 * In a fiber, which holds no lock: returns when it is the sentry's turn in the slot of c,
 * or what is waited for is over; -ETIMEDOUT.  A hint: what the guest says is looked at again.
 */
int pool_await(struct ctx *c, int64_t deadline_ns);
/* Of the caller's pool, if it leads it: joint guest threads that are in guest code since then. */
unsigned pool_computing(uint64_t since);
/* Something that a fiber of p waits for may have changed, though nobody has woken it. */
void pool_ring(struct pool *p);

/* Pins this worker, who leads, to the CPU that guest threads of its pool can be kept off: it, or
 * -1. */
int pool_pin(void);
