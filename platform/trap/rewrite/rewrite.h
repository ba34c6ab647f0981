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
 * Every function may be called by any thread at any time while the address space
 * exists.  rewrite_site and rewrite_change need the sentry's mm lock, so that what is
 * mapped does not change between their caller's look and the change.
 */
#pragma once

#include "platform/platform.h"
#include "platform/trap/rewrite/island.h"

struct rewrite;

/*
 * What rewriting needs of the platform: plain host calls in the stub of `by`,
 * without the bookkeeping that map(), protect() and write() do (these call
 * rewrite_change()).  0 or -errno; read and write move all bytes or fail.
 */
struct rewrite_host {
	/* Anonymous, private, fixed; replaces nothing that the sentry knows of. */
	int (*map)(struct ctx *by, uaddr_t addr, uint64_t size, int prot);
	int (*unmap)(struct ctx *by, uaddr_t addr, uint64_t size);
	int (*protect)(struct ctx *by, uaddr_t addr, uint64_t size, int prot);
	int (*read)(struct ctx *by, uaddr_t addr, void *buf, size_t size);
	int (*write)(struct ctx *by, uaddr_t addr, const void *buf, size_t size);
	/* In every stub: the entry of rewritten calls, a word that is 1 once %gs is the guest's. */
	uaddr_t entry, taken;
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
 * 0, or why not (the site is then left alone for good): -EOPNOTSUPP not provable,
 * -ENOSPC no room for an island, -EAGAIN the text was not what the file says.
 */
int rewrite_site(struct rewrite *r, struct ctx *by, const struct rewrite_req *req);

/* The guest's rip after the call, of an island_site's address; false: it is none.  No lock. */
bool rewrite_call(struct rewrite *r, uaddr_t site, uaddr_t *out_rip);
/*
 * Has an island ever been given up?  Then slot.next of a call that is under way may be
 * stale, and must be set to rewrite_host_rip() of its rip.
 */
bool rewrite_moved(struct rewrite *r);
/* A rip out of a signal frame, as the guest knows it. */
uaddr_t rewrite_guest_rip(struct rewrite *r, uaddr_t rip);
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
/* All text is put back and stays so: %gs becomes the guest's, or each instruction is looked at. */
int rewrite_stop(struct rewrite *r, struct ctx *by);

/* The first range of ours in [start, end): the sentry chooses no address there. */
bool rewrite_hidden(struct rewrite *r, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		    uaddr_t *out_end);
