/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's stack.
 *
 * Linux grows it fault by fault up to RLIMIT_STACK; here all of it is mapped
 * at once, and follows the limit when that changes.  A shrinking limit takes
 * only what lies below the lowest page in use, as what Linux would never have
 * grown into; what has been used stays, on Linux too.
 */
#include <errno.h>

#include "sentry/mm/area.h"
#include "syscalls/abi/mman.h"

/* An unlimited stack: as large as a reservation that costs nothing may be. */
#define STACK_CEILING (256ull << 20)

static int piece_map(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end, int prot,
		     const struct mm_limits *lim)
{
	struct mm_limits own = *lim;
	own.data = UINT64_MAX; /* the stack has its own limit */
	int64_t at = mm_map(mm, by, start, end - start, prot,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, NULL,
			    0, &own);
	if (at < 0)
		return (int)at;
	lock(&mm->lock);
	int err = area_split(mm, start, end);
	struct area *a = err == 0 ? area_find(mm, start) : NULL;
	if (a && a->end == end) {
		mm->data -= area_data_size(a);
		a->flags |= AREA_STACK;
		a->name = "[stack]";
		area_merge(mm, start, end);
	}
	mm_unlock(mm);
	return err;
}

int mm_stack_map(struct mm *mm, struct ctx *by, uaddr_t top, uint64_t size, int prot,
		 const struct mm_limits *lim)
{
	size = PAGE_ALIGN(max_u64(size, min_u64(lim->stack, STACK_CEILING)));
	mm->start_stack = top;
	return size < top ? piece_map(mm, by, top - size, top, prot, lim) : -ENOMEM;
}

/* The lowest address of the unbroken stack, or its top if nothing of it is left. */
static uaddr_t stack_low(const struct mm *mm, int *out_prot)
{
	uaddr_t low = mm->start_stack;
	for (size_t i = area_index(mm, low - 1); i < mm->count; i--) {
		const struct area *a = &mm->areas[i];
		if (a->end != low || !(a->flags & AREA_STACK))
			break;
		low = a->start;
		*out_prot = a->prot;
		if (i == 0)
			break;
	}
	return low;
}

/* The lowest page of [low, high) that is in use, or high. */
static uaddr_t lowest_used(struct ctx *by, uaddr_t low, uaddr_t high)
{
	unsigned char piece[256];
	uaddr_t rsp = platform->regs(by)->rsp & PAGE_MASK;
	if (rsp >= low && rsp < high)
		high = rsp;
	for (uaddr_t at = low; at < high;) {
		uint64_t n = min_u64((high - at) >> PAGE_SHIFT, sizeof piece);
		if (platform->mincore(by, at, n << PAGE_SHIFT, piece) < 0)
			return low;
		for (uint64_t i = 0; i < n; i++)
			if (piece[i] & 1)
				return at + (i << PAGE_SHIFT);
		at += n << PAGE_SHIFT;
	}
	return high;
}

static void stack_shrink_locked(struct mm *mm, struct ctx *by, uaddr_t low, uaddr_t want)
{
	uaddr_t keep = lowest_used(by, low, want);
	if (keep > low && area_reserve(mm) == 0 && platform->unmap(by, low, keep - low) == 0)
		area_remove(mm, low, keep);
}

void mm_stack_limit(struct mm *mm, struct ctx *by, const struct mm_limits *lim)
{
	uint64_t size = PAGE_ALIGN(min_u64(lim->stack, STACK_CEILING));
	int prot = 0;
	if (size >= mm->start_stack)
		return;
	lock(&mm->lock);
	uaddr_t low = stack_low(mm, &prot), want = mm->start_stack - size;
	bool grow = low < mm->start_stack && want < low;
	if (low < want)
		stack_shrink_locked(mm, by, low, want);
	/* Up to the gap below which somebody else lives. */
	size_t i = area_index(mm, low - 1);
	if (i < mm->count && mm->areas[i].start >= low)
		i--;
	if (grow && i < mm->count)
		want = max_u64(want, mm->areas[i].end + STACK_GAP);
	mm_unlock(mm);
	/* Without success the old size stays: as if the memory for growing were not there. */
	if (grow && want < low)
		piece_map(mm, by, want, low, prot, lim);
}
