/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan at an address: the island's bytes, the jump's bytes, and which address
 * of the one is which address of the other.
 *
 * `call` is the guest's address of the `syscall`, `unit` the island's
 * (island.h).  Pure; the bytes go nowhere from here.
 */
#pragma once

#include "platform/trap/rewrite/analyse.h"
#include "platform/trap/rewrite/island.h"

enum {
	ISLAND_CODE = 24,	      /* offset of the code in the unit */
	ISLAND_MAX = 2 * ISLAND_UNIT, /* bytes of the largest */
};

/* One rewritten site. */
struct place {
	const struct plan *plan;
	uaddr_t call, unit;
};

static inline uaddr_t place_start(const struct place *p)
{
	return p->call - p->plan->before;
}

static inline uaddr_t place_end(const struct place *p)
{
	return place_start(p) + p->plan->size;
}

/* Units that the island takes. */
size_t island_units(const struct plan *plan);
/*
 * True if the jump reaches the island, moved operands reach what they name, and every
 * middle of the replaced bytes becomes an opcode that faults.
 */
bool island_fits(const struct place *p);
/* Where island_fits() looks at: bits 16-31 of the jump's distance that satisfy every plan. */
bool island_distance(unsigned i, int32_t *out);
/* island_units() * ISLAND_UNIT bytes. */
void island_write(const struct place *p, uaddr_t entry, uint8_t *out);
/* plan->size bytes, for place_start(). */
void jump_write(const struct place *p, uint8_t *out);

/*
 * The instruction that reads by %gs, which fault if that is the guest's: where the island makes
 * the call as if nothing were rewritten.  Else rip itself.
 */
uaddr_t island_plain_call(const struct place *p, uaddr_t rip);
/* An address in the island, as the guest's. */
uaddr_t island_guest_rip(const struct place *p, uaddr_t rip);
/* A middle of the replaced bytes: where in the island it goes on; else rip itself. */
uaddr_t island_host_rip(const struct place *p, uaddr_t rip);
/* Where the thread goes on after the call. */
uaddr_t island_next(const struct place *p);
