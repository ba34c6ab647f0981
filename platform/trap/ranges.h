/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry's side of stub/copy.h: guest memory that lies in a slot.
 *
 * ranges_take() copies what the stub offers once, checks it and drops what is odd.
 * Until ranges_give() the call's own thread reads and writes guest memory here first:
 *
 *	SLOT_IN		serves reads that lie in it.  Bytes come from the slot at each read:
 *			that they may change between two is true of guest memory, too.
 *	SLOT_OUT	takes writes: the first anywhere in it, then what adjoins or overlaps
 *			the bytes already written; and serves reads of these.
 *	SLOT_INOUT	both: what was written is what is read.
 *
 * Order between this and direct copies (process_vm_*) is kept by ranges_sync(), called
 * before each: bytes already written to a room go to the guest first, if the direct
 * copy touches them, and offered bytes that a direct write changes are dropped.
 *
 * A struct ranges is used by the one thread that carries out the call.
 */
#pragma once

#include "platform/base/types.h"
#include "platform/trap/slot.h"

struct iovec;

struct range {
	uaddr_t addr;
	uint32_t size;
	uint32_t from, used; /* the bytes written: [from, from + used) of it */
	unsigned char *data; /* in the slot */
	uint8_t kind;	     /* SLOT_IN ... */
	uint8_t nr;	     /* in the slot */
};

struct ranges {
	unsigned count;
	struct range r[SLOT_RANGES];
	bool known;	/* most bytes written last were in the slot already: so may be the next */
	unsigned blind; /* as slot.blind */
	/* SAYS_PACKED: where the data of the first small room are until it goes back. */
	unsigned char *small_home; /* their place in the slot; NULL: there is none */
	_Alignas(8) unsigned char small[PACK_SMALL];
};

/* Nothing is offered: events that are no calls. */
static inline void ranges_none(struct ranges *r)
{
	r->count = 0;
}
/* s: the slot as the sentry maps it. */
void ranges_take(struct ranges *r, struct slot *s);
/* The same of SAYS_PACKED; word: a copy of slot.word. */
void ranges_take_packed(struct ranges *r, struct slot *s, const uint64_t word[6]);
/* Before the stub goes on: tells it what was written.  r is empty afterwards. */
void ranges_give(struct ranges *r, struct slot *s);
/* Can ranges_pack() say it all? */
bool ranges_packable(const struct ranges *r);
/* The same as ranges_give for DO_RETURN of SAYS_PACKED: words 1 to 5. */
void ranges_pack(struct ranges *r, struct slot *s);

/*
 * The same arguments as platform_ops.read and write.  Bytes copied: all that was asked for;
 * 0 if not all of it is here: nothing was copied then.
 */
ssize_t ranges_read(struct ranges *r, const struct iovec *local, size_t nlocal,
		    const struct iovec *remote, size_t nremote);
ssize_t ranges_write(struct ranges *r, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote);
/* What is here of guest memory from src on, at most size bytes: for strings. */
size_t ranges_peek(struct ranges *r, void *dst, uaddr_t src, size_t size);

/* Writes size bytes to guest memory directly; its result is ignored. */
typedef void ranges_flush(void *arg, uaddr_t dst, const void *src, size_t size);
/* All that was written goes to the guest now; r is empty afterwards. */
void ranges_settle(struct ranges *r, ranges_flush *flush, void *arg);
/* Before remote is read or written directly. */
void ranges_sync(struct ranges *r, const struct iovec *remote, size_t nremote, bool write,
		 ranges_flush *flush, void *arg);
