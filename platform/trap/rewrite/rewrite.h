/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting `syscall` sites: all that the rest of platform/trap knows of it.
 *
 * A struct rewrite belongs to one address space and remembers which bytes of
 * its text are replaced and what its islands are.  To the sentry, and so to the
 * guest's signal frames, tracers and /proc, the guest is as it was before: a
 * rip in an island is shown as the guest's, and text is read as it was.
 *
 * Why it is safe while other threads run:
 *  1. While text is changed its page is not executable.  Taking that right away
 *     flushes it from every CPU, so no CPU meets half a jump.  A thread that
 *     runs into such a page faults; rewrite_fault() says to try again.
 *  2. Every instruction boundary strictly inside replaced bytes (a middle) holds
 *     the first byte of an instruction that no x86-64 has: islands are placed so
 *     that the jump's distance has such bytes there.  A thread that was, or
 *     jumps, there faults; rewrite_fault() says where in the island it goes on.
 *     So rewrite_host_rip() only saves faults, it is not needed for safety.
 *
 * A region of islands is given up when the guest maps something there (rewrite_change):
 *  3. Its text is put back first, and every other thread interrupted before its memory
 *     goes.  A thread that stood in an island, or had just left it for the stub's entry, shows
 *     itself with a stale rip (it has not gone on since the region went), and goes on at the
 *     guest's own instruction.  One that is not stale and stands there runs what the guest
 *     has put there itself.
 *
 * Every function may be called by any thread at any time while the address space
 * exists.  rewrite_site and rewrite_change need the sentry's mm lock, so that what is
 * mapped does not change between their caller's look and the change.
 */
#pragma once

#include "platform/platform.h"
#include "platform/trap/rewrite/island.h"

struct rewrite;

/* A host call of the stub: plain, without what map() and protect() of the platform do besides. */
struct rewrite_call {
	enum {
		REWRITE_MAP,
		REWRITE_UNMAP,
		REWRITE_PROTECT
	} what; /* MAP: anonymous, private, fixed */
	int prot;
	uaddr_t addr;
	uint64_t size;
};

/* Bytes of guest memory, and ours. */
struct rewrite_bytes {
	uaddr_t addr;
	void *buf;
	size_t size;
};

enum { REWRITE_CALLS = 32, REWRITE_VECTOR = 64 };

/* What rewriting needs of the platform.  0 or -errno. */
struct rewrite_host {
	/*
	 * No other thread of the address space executes another instruction of the guest's before
	 * its next rewrite_host_rip().
	 */
	void (*interrupt)(struct ctx *by);
	/* All of them in order, at most REWRITE_CALLS, whatever becomes of each: the first error.
	 */
	int (*calls)(struct ctx *by, const struct rewrite_call *calls, unsigned count);
	/* All bytes or an error; at most REWRITE_VECTOR. */
	int (*read)(struct ctx *by, const struct rewrite_bytes *v, unsigned count);
	int (*write)(struct ctx *by, const struct rewrite_bytes *v, unsigned count);
	uaddr_t entry; /* of rewritten calls, in every stub */
};

/* Once, before the sentry's filter and the first address space; host stays the caller's. */
void rewrite_init(const struct rewrite_host *host);
/* No address space is left: forgets all plans. */
void rewrite_shutdown(void);

int rewrite_new(struct rewrite **out);
/* Between these the text does not change: around a fork of the host process and rewrite_fork(). */
void rewrite_freeze(struct rewrite *r);
void rewrite_thaw(struct rewrite *r);
/* The child's text and islands are copies of from's. */
int rewrite_fork(struct rewrite *from, struct rewrite **out);
/* exec: every mapping of the guest is gone, the islands with them. */
void rewrite_reset(struct rewrite *r);
void rewrite_free(struct rewrite *r);

/*
 * A call has trapped, its rip (after the call) is given: counts, and says true if it is
 * time to rewrite its site.  run() then sets event.rewrite, the sentry's mm finds
 * out what is mapped there and calls platform->rewrite, which is rewrite_site().
 */
bool rewrite_due(struct rewrite *r, uaddr_t rip);
/*
 * Rewrites the call that req->rip is behind, and others of its page that other processes have
 * made often.  0, or why not:
 * -EOPNOTSUPP not provable, -ENOSPC no room for an island, -EAGAIN the text is not the file's.
 */
int rewrite_site(struct rewrite *r, struct ctx *by, const struct rewrite_req *req);

/*
 * How often islands have been given up.  A thread that has gone on at another count is
 * stale: what it goes on at next must be asked for again, rewrite_host_rip() of its rip.
 */
uint32_t rewrite_moves(struct rewrite *r);
/*
 * The guest's rip after the call, of an island_site's address; false: it is none.  No lock.
 * stale: also of an island that is gone.
 */
bool rewrite_call(struct rewrite *r, uaddr_t site, bool stale, uaddr_t *out_rip);
/* A rip out of a signal frame, as the guest knows it. */
uaddr_t rewrite_guest_rip(struct rewrite *r, uaddr_t rip, bool stale);
/* A rip the guest is to go on at, before it is written to a frame or slot.next. */
uaddr_t rewrite_host_rip(struct rewrite *r, uaddr_t rip);
/*
 * SIGILL or SIGSEGV at rip (as in the frame), addr = si_addr, error = the page fault's
 * error code: true if only rewriting made it, then resume at *out_rip.  In islands the
 * guest's own instructions fault, too: then false, and rewrite_guest_rip() is the rip to show.
 */
bool rewrite_fault(struct rewrite *r, int signo, uaddr_t rip, uaddr_t addr, uint64_t error,
		   uaddr_t *out_rip);

/*
 * Bytes just read from guest memory at addr: original text is put in.  Returns how many of
 * them are the guest's: less than size where an island begins (0: -EFAULT).
 */
size_t rewrite_overlay(struct rewrite *r, uaddr_t addr, void *buf, size_t size);

/*
 * Before the host call of map, unmap, protect and remap (source and target), and before a
 * write past protection: text in the range is put back, islands in it are given up.  Cheap when
 * nothing of ours is there.  An error: the call must fail, too.
 */
int rewrite_change(struct rewrite *r, struct ctx *by, uaddr_t addr, uint64_t size);
/*
 * A fault at rip, where an island looks whether %gs is still ours: where it goes on, with a
 * system call.  Else rip itself.
 */
uaddr_t rewrite_plain_call(struct rewrite *r, uaddr_t rip);
/* All text is put back and stays so: %gs becomes the guest's, or each instruction is looked at. */
int rewrite_stop(struct rewrite *r, struct ctx *by);

/* The first range of ours in [start, end): the sentry chooses no address there. */
bool rewrite_hidden(struct rewrite *r, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		    uaddr_t *out_end);
