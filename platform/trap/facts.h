/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process may know anyway, kept where its stub can look: stub/answer.c.
 *
 * The sentry writes, the stub maps it read-only at FACTS_AT.  What a fact is about has
 * one writer at a time; each is one 32-bit word, so the stub never sees half of it.
 *
 * Thread facts belong to a slot, pid and ppid too: a vfork child is another process
 * in the same stub.  A thread whose tid word is 0 has not been told: it hands
 * everything over, as does one with FACTS_SEEN.
 */
#pragma once

#include "platform/base/types.h"
#include "platform/platform.h"
#include "platform/trap/slot.h"

/* In the tid word, above any number of a thread. */
#define FACTS_SEEN    0x80000000u /* the sentry wants to see every call */
#define FACTS_BOUND   0x40000000u /* which CPU it is on is the sentry's to say */
#define FACTS_RENAMED 0x20000000u /* its personality has another uname */
#define FACTS_TIMELESS 0x10000000u /* the host's vDSO would fault */
#define FACTS_TID     0x0fffffffu

enum { FACTS_WORDS = FACT_EGID + 1, FACTS_UTS_SIZE = 6 * 65 };

struct facts {
	uint64_t clock;	  /* the host's __vdso_clock_gettime in this stub; 0: none */
	uint64_t getcpu;  /* __vdso_getcpu, in the same way */
	uint32_t clocks;  /* a bit for each clock id it answers without a system call */
	uint32_t cpus;	  /* how many the guest has: numbers of the host's are taken modulo it */
	uint32_t yields;  /* the stub's filter has sched_yield */
	uint32_t uts_seq; /* odd: uts is being changed; 0: never told */
	uint32_t frame;	  /* bytes from the stack pointer on that rt_sigreturn reads */
	char uts[FACTS_UTS_SIZE];			      /* struct utsname */
	_Alignas(512) uint32_t thread[SLOT_MAX][FACTS_WORDS]; /* by slot, by enum fact */
};
_Static_assert(sizeof(struct facts) <= SLOTS_AT - FACTS_AT, "struct facts");

/* A new object's: f is all zero.  cpus: how many the guest has, 0: not known. */
void facts_init(struct facts *f, unsigned cpus, bool yields);
/* A slot gets a new thread: nothing is known of it. */
void facts_forget(struct facts *f, unsigned slot);
void facts_set(struct facts *f, unsigned slot, enum fact which, uint32_t value);
/* size bytes of a struct utsname; one caller at a time. */
void facts_uts(struct facts *f, const void *uts, size_t size);
