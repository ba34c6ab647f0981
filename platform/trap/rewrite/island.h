/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rewritten call hands to the stub: the address of this, in rcx.
 *
 * An island starts with its island_site, on a multiple of ISLAND_UNIT.  It is
 * not writable, but any code can come to the stub with any rcx: the stub may
 * read these two words as hints for answering alone; the sentry believes only
 * its own table (rewrite_call()).
 *
 *	unit:	struct island_site; entry		24 bytes
 *	code:	[moved instructions from before]	<- the jump in the guest's text
 *		mov	%gs:SLOT_O_MAGIC, %ecx		is %gs still ours?  It may fault
 *		lea	-SLOT_MAGIC(%rcx), %ecx
 *		jrcxz	1f
 *		syscall					traps, as if nothing were rewritten
 *		jmp	after
 *	1:	lea	unit(%rip), %rcx
 *		jmp	*entry(%rip)
 *	after:	[moved instructions from behind]	<- island_site.next
 *		jmp	end
 *
 * Only rcx is changed before the stub's entry, never flags, never the stack.
 * Where nothing is moved from behind the call, next is the guest's own text.
 */
#pragma once

#define ISLAND_UNIT 64

/* Offsets for stub/entry.S. */
#define ISLAND_O_RIP  0x00
#define ISLAND_O_NEXT 0x08

#ifndef __ASSEMBLER__
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct island_site {
	uint64_t rip;  /* the guest's, after the call: what the kernel leaves in rcx */
	uint64_t next; /* where it goes on */
};

static_assert(offsetof(struct island_site, rip) == ISLAND_O_RIP, "entry.S");
static_assert(offsetof(struct island_site, next) == ISLAND_O_NEXT, "entry.S");
#endif
