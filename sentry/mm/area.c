/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants: areas are sorted, do not overlap, are page aligned and not
 * empty; total, locked and data are the sums over them.
 */
#include "sentry/mm/area.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/vfs/inode.h"
#include "syscalls/abi/mman.h"

/* References to give back once this thread has released mm->lock. */
static __thread struct file **dropped;
static __thread size_t dropped_count, dropped_room;

void area_drop(struct file *f)
{
	if (!f)
		return;
	if (dropped_count == dropped_room) {
		size_t room = dropped_room ? dropped_room * 2 : 16;
		struct file **bigger = realloc(dropped, room * sizeof *bigger);
		/* A sandbox without memory for a list of pointers cannot go on correctly. */
		if (!bigger)
			abort();
		dropped = bigger;
		dropped_room = room;
	}
	dropped[dropped_count++] = f;
}

static bool may_write(const struct area *a)
{
	const uint32_t both = AREA_SHARED | AREA_MAYWRITE;
	return a->file && (a->flags & both) == both;
}

void area_hold(const struct area *a)
{
	if (a->file)
		file_get(a->file);
	if (may_write(a))
		inode_map_writable(a->file->inode);
	if (a->file && a->file->attach)
		a->file->attach->opened(a->file->attach);
}

void area_release(const struct area *a)
{
	if (may_write(a))
		inode_unmap_writable(a->file->inode);
	if (a->file && a->file->attach)
		a->file->attach->closed(a->file->attach);
	area_drop(a->file);
}

void mm_unlock(struct mm *mm)
{
	struct file **list = dropped;
	size_t n = dropped_count;
	dropped = NULL;
	dropped_count = dropped_room = 0;
	unlock(&mm->lock);
	for (size_t i = 0; i < n; i++)
		file_put(list[i]);
	free(list);
}

int area_range(uaddr_t addr, uint64_t size, uaddr_t *out_end)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	uint64_t rounded = PAGE_ALIGN(size);
	if (rounded < size)
		return -ENOMEM;
	if (__builtin_add_overflow(addr, rounded, out_end))
		return -ENOMEM;
	return 0;
}

size_t area_index(const struct mm *mm, uaddr_t addr)
{
	size_t lo = 0, hi = mm->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (mm->areas[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct area *area_find(const struct mm *mm, uaddr_t addr)
{
	size_t i = area_index(mm, addr);
	return i < mm->count && mm->areas[i].start <= addr ? &mm->areas[i] : NULL;
}

bool area_range_free(const struct mm *mm, uaddr_t start, uaddr_t end)
{
	size_t i = area_index(mm, start);
	return i == mm->count || mm->areas[i].start >= end;
}

uaddr_t area_covered(const struct mm *mm, uaddr_t addr, uaddr_t end)
{
	for (size_t i = area_index(mm, addr); i < mm->count && addr < end; i++) {
		if (mm->areas[i].start > addr)
			break;
		addr = mm->areas[i].end;
	}
	return min_u64(addr, end);
}

static int room_reserve(struct mm *mm)
{
	if (mm->count + 6 <= mm->room)
		return 0;
	size_t room = mm->room ? mm->room * 2 : 32;
	struct area *bigger = realloc(mm->areas, room * sizeof *bigger);
	if (!bigger)
		return -ENOMEM;
	mm->areas = bigger;
	mm->room = room;
	return 0;
}

int area_reserve(struct mm *mm)
{
	return mm->count + 4 > MAX_AREAS ? -ENOMEM : room_reserve(mm);
}

int area_reserve_cut(struct mm *mm, uaddr_t start, uaddr_t end)
{
	const struct area *a = area_find(mm, start);
	bool hole = a && a->start < start && a->end > end;
	return hole && mm->count >= MAX_AREAS ? -ENOMEM : room_reserve(mm);
}

uint64_t area_data_size(const struct area *a)
{
	bool data =
		(a->prot & PROT_WRITE) && !(a->flags & (AREA_SHARED | AREA_STACK | AREA_GROWSDOWN));
	return data ? a->end - a->start : 0;
}

uint64_t area_mapped(const struct mm *mm, uaddr_t start, uaddr_t end, uint64_t *out_data)
{
	uint64_t sum = 0;
	*out_data = 0;
	for (size_t i = area_index(mm, start); i < mm->count && mm->areas[i].start < end; i++) {
		const struct area *a = &mm->areas[i];
		uint64_t size = min_u64(a->end, end) - max_u64(a->start, start);
		sum += size;
		*out_data += area_data_size(a) ? size : 0;
	}
	return sum;
}

static void account(struct mm *mm, const struct area *a, int sign)
{
	uint64_t size = a->end - a->start;
	mm->total += (uint64_t)sign * size;
	mm->data += (uint64_t)sign * area_data_size(a);
	if (a->flags & AREA_LOCKED)
		mm->locked += (uint64_t)sign * size;
}

static void slot_open(struct mm *mm, size_t i)
{
	memmove(&mm->areas[i + 1], &mm->areas[i], (mm->count - i) * sizeof *mm->areas);
	mm->count++;
}

static void slot_close(struct mm *mm, size_t i)
{
	mm->count--;
	memmove(&mm->areas[i], &mm->areas[i + 1], (mm->count - i) * sizeof *mm->areas);
}

/* Cuts area i at addr, which lies strictly inside: i keeps the lower part. */
static void cut(struct mm *mm, size_t i, uaddr_t addr)
{
	slot_open(mm, i);
	struct area *lower = &mm->areas[i], *upper = &mm->areas[i + 1];
	*upper = *lower;
	area_hold(upper);
	lower->end = addr;
	upper->start = addr;
	upper->off += addr - lower->start;
}

/* Room for the two new areas is there. */
static void split_reserved(struct mm *mm, uaddr_t start, uaddr_t end)
{
	size_t i = area_index(mm, start);
	if (i < mm->count && mm->areas[i].start < start)
		cut(mm, i, start);
	i = area_index(mm, end - 1);
	if (i < mm->count && mm->areas[i].start < end && mm->areas[i].end > end)
		cut(mm, i, end);
}

int area_split(struct mm *mm, uaddr_t start, uaddr_t end)
{
	int err = area_reserve(mm);
	if (err == 0)
		split_reserved(mm, start, end);
	return err;
}

void area_remove(struct mm *mm, uaddr_t start, uaddr_t end)
{
	split_reserved(mm, start, end);
	size_t i = area_index(mm, start), j = i;
	for (; j < mm->count && mm->areas[j].start < end; j++) {
		account(mm, &mm->areas[j], -1);
		area_release(&mm->areas[j]);
	}
	memmove(&mm->areas[i], &mm->areas[j], (mm->count - j) * sizeof *mm->areas);
	mm->count -= j - i;
}

static bool mergeable(const struct area *a, const struct area *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags ||
	    a->file != b->file || a->anon_id != b->anon_id || a->name != b->name)
		return false;
	/* Areas of a SysV segment are counted. */
	if (a->file && a->file->attach)
		return false;
	return (!a->file && !a->anon_id) || a->off + (a->end - a->start) == b->off;
}

void area_merge(struct mm *mm, uaddr_t start, uaddr_t end)
{
	size_t i = area_index(mm, start > 0 ? start - 1 : 0);
	while (i + 1 < mm->count && mm->areas[i].start < end) {
		struct area *a = &mm->areas[i], *b = &mm->areas[i + 1];
		if (!mergeable(a, b)) {
			i++;
			continue;
		}
		a->end = b->end;
		area_release(b);
		slot_close(mm, i + 1);
	}
}

void area_insert(struct mm *mm, const struct area *a)
{
	size_t i = area_index(mm, a->start);
	slot_open(mm, i);
	mm->areas[i] = *a;
	account(mm, a, 1);
	area_merge(mm, a->start, a->end);
}

static uaddr_t gap_below(const struct mm *mm, uint64_t size, uaddr_t low, uaddr_t high)
{
	/* Walk down from the last area that starts below high. */
	size_t i = area_index(mm, high - 1);
	uaddr_t top = high;
	if (i < mm->count && mm->areas[i].start < high)
		top = mm->areas[i].start;
	for (;;) {
		uaddr_t floor = i > 0 ? mm->areas[i - 1].end : low;
		uaddr_t guard =
			i < mm->count && (mm->areas[i].flags & (AREA_GROWSDOWN | AREA_STACK)) &&
					top == mm->areas[i].start
				? STACK_GAP
				: 0;
		if (floor < low)
			floor = low;
		if (top > floor + guard && top - floor - guard >= size)
			return top - guard - size;
		if (i == 0 || floor <= low)
			return 0;
		i--;
		top = min_u64(mm->areas[i].start, high);
	}
}

uaddr_t area_gap(const struct mm *mm, uint64_t size, uaddr_t low, uaddr_t high)
{
	uaddr_t found, start, end;
	while ((found = gap_below(mm, size, low, high)) != 0 && platform->hidden &&
	       platform->hidden(mm->aspace, found, found + size, &start, &end))
		high = start;
	return found;
}
