/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queued signals and the user's limit on them (RLIMIT_SIGPENDING).
 *
 * A struct sigpending is a set of pending bits and a list of what is known
 * about them.  A bit without an entry is a signal whose siginfo was lost for
 * want of memory or limit: it is delivered as SI_USER from pid 0, as Linux does.
 * Everything here runs under the siglock of the group that owns the sigpending.
 */
#pragma once

#include "sentry/task/task.h"

struct ptimer;

struct sigqueue {
	struct list link;	/* s  in a sigpending, or alone */
	struct abi_siginfo info;
	uint32_t uid;		/* I  whose limit it counts against */
	bool forced;		/* I  a fault: it kills even init */
	struct ptimer *timer;	/* I  the POSIX timer it is part of; NULL: allocated */
	uint64_t trapno, error;	/* I  of a fault, for the frame's mcontext */
};

/* What a dequeue yields. */
struct sigtaken {
	struct abi_siginfo info;
	uint64_t trapno, error;
	bool forced;
	bool shared;		/* it was the group's */
};

/*
 * An entry charged to t's real user; NULL when the user's limit is reached
 * (unless `override`) or memory is out.
 */
struct sigqueue *sigqueue_new(struct task *t, bool override);
/* Uncharges; frees unless a timer owns it. */
void sigqueue_free(struct sigqueue *q);
/* The same accounting for entries that live in timers. */
bool sigqueue_charge(uint32_t uid, uint64_t limit);
void sigqueue_uncharge(uint32_t uid);
/* Entries queued for a real user, for /proc/PID/status SigQ. */
unsigned sigqueue_count(uint32_t uid);

/* q may be NULL: only the bit is set. */
void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q);
/* Drops all signals of the set. */
void sigpending_drop(struct sigpending *p, uint64_t set);
/* The next signal not in `blocked`: faults, then the lowest number; 0 if there is none. */
int sigpending_take(struct sigpending *p, uint64_t blocked, struct sigtaken *out);
/* A fault of the thread itself goes before anything else, even earlier kill(2)s. */
int sigpending_take_fault(struct sigpending *p, uint64_t blocked, struct sigtaken *out);
