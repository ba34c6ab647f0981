/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sentry and one stub share: a memory object, mapped in both.
 *
 *	page 0		struct facts: read-only in the stub
 *	SLOT_SIZE each	one slot a host thread, numbers from 0
 *
 * A slot is hostile: any thread of the guest process can write any byte of it at
 * any moment.  The sentry reads each field once, checks it, and keeps nothing in
 * a slot that it needs back.  A process can only spoil what is its own.
 *
 * Whose turn it is, is one word:
 *
 *	TURN_STUB	guest code runs, or the stub carries out a command
 *	TURN_SENTRY	an event or a result is in the slot; the stub spins
 *	STUB_ASLEEP	the same, the stub sleeps in futex on the word
 *	SENTRY_ASLEEP	the stub's turn, the sentry sleeps in futex on the word
 *	TURN_BELL + n	the stub's turn, the sentry sleeps: ring descriptor STUB_BELL_FD + n
 *
 * Giving the turn is an exchange whose old value says whether to wake; going to
 * sleep is a compare-exchange that fails if the turn has just been given.
 *
 * Included by the stub's assembly, too: offsets are #defines, asserted in C.
 */
#pragma once

/* Where it is in every stub.  The text is elsewhere, see zygote.c. */
#define FACTS_AT   0x7fffe0000000
#define SLOTS_AT   0x7fffe0010000
#define SLOT_SIZE  0x10000
#define SLOT_MAX   2048 /* threads of one process */
#define SLOTS_SIZE (SLOT_MAX * SLOT_SIZE)

/* Offsets in the object. */
#define OBJ_FACTS  0
#define OBJ_SLOTS  0x10000
#define OBJ_SIZE   (OBJ_SLOTS + SLOTS_SIZE)

/* Inside a slot. */
#define SLOT_SCRATCH	0x800 /* where host calls put their answers */
#define SLOT_SCRATCH_SIZE 0x800
#define SLOT_DATA	0x1000 /* bytes copied by the stub */
#define SLOT_DATA_SIZE	0x6000
#define SLOT_CALLSTACK	0x9000 /* top of the stack of rewritten calls */
#define SLOT_SIGSTACK	0x9000 /* bottom of the signal stack: frames of two signals with AMX */
#define SLOT_SIGSTACK_SIZE (SLOT_SIZE - SLOT_SIGSTACK)

#define TURN_STUB     0
#define TURN_SENTRY   1
#define STUB_ASLEEP   2
#define SENTRY_ASLEEP 3
#define TURN_BELL     8

/* Behind the control socket: eventfds that wake the sentry, see pool/pool.h. */
#define STUB_BELL_FD   4
#define STUB_BELLS_MAX 16

/* What the stub says: slot.event */
#define SAYS_SIGNAL 1 /* a signal frame is at slot.frame */
#define SAYS_CALL   2 /* a rewritten call nr, word[]; registers in slot.regs, the live FPU is the guest's */
#define SAYS_DONE   3 /* a command's result is in word[0] */
#define SAYS_PACKED 5 /* as SAYS_CALL of at most four arguments: words 4 and 5 are its ranges, below */
#define SAYS_KICK   4 /* as SAYS_CALL after an interrupt, when the call has been answered in the stub */

/* What the sentry says: slot.command */
#define DO_RESUME  0 /* back to guest code */
#define DO_RETURN  11 /* the same, after SAYS_CALL: word[0] is its result; of SAYS_PACKED see below */
#define DO_CALL	   1 /* the host call nr, word[], filtered */
#define DO_MAP	   2 /* mmap with the descriptor that is in the control socket; word[] */
#define DO_DRAIN   4 /* throw away what is in the control socket */
#define DO_FORK	   5 /* the control socket holds the child's object and control socket; its pid */
#define DO_THREAD  6 /* a thread for the slot at word[0]; its tid */
#define DO_FRAME   7 /* after SAYS_CALL: come back with SAYS_SIGNAL */
#define DO_EXIT	   8 /* end this thread; says nothing more */
#define DO_PARK	   9 /* sleep for ever */
#define DO_CALLS   10 /* word[0] host calls, seven words each at SLOT_SCRATCH; the first error */

/* Offsets for stub/entry.S. */
#define SLOT_O_SELF	 0x00
#define SLOT_O_KICK	 0x08
#define SLOT_O_CALLSTACK 0x10
#define SLOT_O_NEXT	 0x18
#define SLOT_O_SITE	 0x20
#define SLOT_O_PID	 0x28
#define SLOT_O_MAGIC	 0x30
#define SLOT_O_TURN	 0x140
#define SLOT_O_REGS	 0x200 /* struct regs */

/* What an island finds by %gs if that still points to a slot. */
#define SLOT_MAGIC 0x5e17da7a

#ifndef __ASSEMBLER__
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

/* One copy between guest memory and slot data, see stub/copy.c. */
struct slot_range {
	uint64_t addr;	/* guest address */
	uint32_t size;	/* bytes offered */
	uint16_t at;	/* where in SLOT_DATA */
	uint16_t out;	/* SLOT_IN ... */
	uint32_t used;	/* the stub copies back this many bytes, */
	uint32_t from;	/* from here on */
};
enum { SLOT_RANGES = 8 };
/* Either side, after bytes that were new: copies it makes without a look at what is there. */
enum { SLOT_BLIND = 15 };
enum { ANSWERED_PLACES = 64 };
/* What lies at `at`: the guest's bytes; room for bytes to be written; both. */
enum { SLOT_IN, SLOT_OUT, SLOT_INOUT };

/*
 * The ranges of SAYS_PACKED, two in each of words 4 and 5: their data lie one behind the other,
 * at multiples of 8, and begin where the argument says.  Of the answer, DO_RETURN: word 1 has 16
 * bits for each, how many bytes from its beginning were written, and words 2 to 5 have those of
 * the first SLOT_OUT of at most PACK_SMALL bytes.
 */
enum { PACK_RANGES = 4, PACK_ARGS = 4, PACK_SMALL = 32 };
#define PACK(size, arg, out) ((uint32_t)(size) | (uint32_t)(arg) << 16 | (uint32_t)(out) << 24)
#define PACK_SIZE(p)	     ((uint16_t)(p))
#define PACK_ARG(p)	     ((p) >> 16 & 0xff)
#define PACK_OUT(p)	     ((p) >> 24)
#define PACK_ALIGN(at)	     ((uint32_t)((at) + 7) & ~7u)

/*
 * What one side writes and the other reads costs 0.1 us a cache line and direction.  So the common
 * call is one line, `turn' to `word', and nobody looks at anything else for it.
 */
struct slot {
	/* The stub's own, but for what is said of a signal. */
	uint64_t self;	      /* its address in the stub, where %gs points */
	uint32_t kick;	      /* set by the stub's handler: an interrupt wants to be told */
	uint32_t traps;	      /* calls that came by a signal */
	uint64_t callstack;   /* top of the stack of rewritten calls */
	uint64_t next;	      /* where the exit path jumps to */
	uint64_t site;	      /* SAYS_CALL: the address of the site's struct island_site */
	int64_t pid;	      /* of a new stub */
	uint32_t magic;	      /* SLOT_MAGIC */
	uint32_t tells_gs;    /* the host lets the stub read %gs: by the sentry */
	uint32_t signo;	      /* SAYS_SIGNAL */
	uint64_t frame;	      /* SAYS_SIGNAL: the address of its ucontext, */
	uint64_t info;	      /* and of its siginfo */
	uint64_t gs;	      /* SAYS_SIGNAL: the base of %gs, if tells_gs */
	uint64_t nonce;	      /* of a new object: see aspace.c */
	uint32_t ranges_own;  /* how many, when the answer has come */
	uint32_t range_fault; /* an out range could not be written */
	uint32_t blind;	      /* how many ranges more are copied without a look at what is there */
	_Alignas(64) struct slot_range ranges[SLOT_RANGES]; /* but for SAYS_PACKED */
	/* The line. */
	_Alignas(64) uint32_t turn; /* TURN_* */
	uint8_t event;	      /* SAYS_* */
	uint8_t command;      /* DO_* */
	uint8_t range_count;  /* for this call */
	uint8_t sleeps;	      /* by the sentry: the call waits for something there */
	uint32_t nr;	      /* of a call, or of a host call */
	uint32_t spin;	      /* how often the stub looks before it sleeps; by the sentry */
	uint64_t word[6];     /* arguments, answers */
	_Alignas(0x100) struct regs regs; /* SAYS_CALL, SAYS_KICK */
	/* By the stub: calls it has answered, see ANSWERED_AT in stub/answer.h. */
	_Alignas(64) uint64_t answered[ANSWERED_PLACES];
};
_Static_assert(offsetof(struct slot, word) + 48 == offsetof(struct slot, turn) + 64, "one line");

#define SLOT_ASSERT(off, member)                                                                   \
	_Static_assert(offsetof(struct slot, member) == (off), "slot." #member)
SLOT_ASSERT(SLOT_O_SELF, self);
SLOT_ASSERT(SLOT_O_KICK, kick);
SLOT_ASSERT(SLOT_O_CALLSTACK, callstack);
SLOT_ASSERT(SLOT_O_NEXT, next);
SLOT_ASSERT(SLOT_O_SITE, site);
SLOT_ASSERT(SLOT_O_PID, pid);
SLOT_ASSERT(SLOT_O_MAGIC, magic);
SLOT_ASSERT(SLOT_O_TURN, turn);
SLOT_ASSERT(SLOT_O_REGS, regs);
#undef SLOT_ASSERT
#endif
