/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mprotect(2), madvise(2), mincore(2), msync(2), mlock(2).
 *
 * Linux works through a range area by area and keeps what it has done when it
 * meets a hole or a refusal; so do these.
 */
#include <errno.h>

#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/mman.h"

/* Page-rounds a range: -EINVAL as Linux says, or -ENOMEM past user space. */
static int range(uaddr_t addr, uint64_t size, uaddr_t *out_end)
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

static int prot_allowed(const struct area *a, int prot)
{
	if ((prot & PROT_WRITE) && (a->flags & AREA_SHARED) && !(a->flags & AREA_MAYWRITE))
		return -EACCES;
	if ((prot & PROT_EXEC) && a->file && a->file->path.mnt &&
	    (__atomic_load_n(&a->file->path.mnt->flags, __ATOMIC_RELAXED) & MNT_NOEXEC))
		return -EACCES;
	return 0;
}

/* How far prot may be applied from start on; *out_err says why not further. */
static uaddr_t protect_reach(const struct mm *mm, uaddr_t start, uaddr_t end, int prot, int *out_err)
{
	uaddr_t at = start;
	*out_err = 0;
	for (size_t i = area_index(mm, start); at < end; i++) {
		if (i == mm->count || mm->areas[i].start > at) {
			*out_err = -ENOMEM;
			break;
		}
		if ((*out_err = prot_allowed(&mm->areas[i], prot)) < 0)
			break;
		at = mm->areas[i].end;
	}
	return min_u64(at, end);
}

static void areas_set_prot(struct mm *mm, uaddr_t start, uaddr_t end, int prot)
{
	for (size_t i = area_index(mm, start); i < mm->count && mm->areas[i].start < end; i++) {
		mm->data -= area_data_size(&mm->areas[i]);
		mm->areas[i].prot = prot;
		mm->data += area_data_size(&mm->areas[i]);
	}
	area_merge(mm, start, end);
}

int mm_protect(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int prot)
{
	uaddr_t end;
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), err = range(addr, size, &end), why = 0;

	if (err < 0)
		return err;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || grows == PROT_GROWSUP)
		return -EINVAL;
	prot &= ~grows;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if (end == addr)
		return 0;
	lock(&mm->lock);
	struct area *a = area_find(mm, addr);
	if (grows && a && !(a->flags & AREA_GROWSDOWN))
		err = -EINVAL;
	if (grows && a)
		addr = a->start;
	uaddr_t reach = err == 0 ? protect_reach(mm, addr, end, prot, &why) : addr;
	if (err == 0 && reach > addr) {
		err = area_split(mm, addr, reach);
		if (err == 0)
			err = platform->protect(by, addr, reach - addr, prot);
		if (err == 0)
			areas_set_prot(mm, addr, reach, prot);
	}
	mm_unlock(mm);
	return err < 0 ? err : why;
}

/* Which area flag an advice sets (or clears, *out_clear). */
static uint32_t advice_flag(int advice, bool *out_clear)
{
	*out_clear = advice == MADV_DOFORK || advice == MADV_KEEPONFORK || advice == MADV_DODUMP;
	switch (advice) {
	case MADV_DONTFORK:
	case MADV_DOFORK:
		return AREA_DONTFORK;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return AREA_WIPEONFORK;
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return AREA_DONTDUMP;
	default:
		return 0;
	}
}

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

static int advise_area(struct ctx *by, struct area *a, uaddr_t start, uaddr_t end, int advice)
{
	if (advice == MADV_DONTNEED || advice == MADV_FREE) {
		if (a->flags & AREA_LOCKED)
			return -EINVAL;
		if (advice == MADV_FREE && ((a->flags & AREA_SHARED) || a->file))
			return -EINVAL;
	}
	if (advice == MADV_WIPEONFORK && ((a->flags & AREA_SHARED) || a->file))
		return -EINVAL;
	if (advice == MADV_REMOVE && (!(a->flags & AREA_SHARED) || !(a->flags & AREA_MAYWRITE)))
		return a->flags & AREA_SHARED ? -EACCES : -EINVAL;
	int err = platform->advise(by, start, end - start, advice);
	/* A host older than MADV_FREE (4.5): dropping the pages at once is within its contract. */
	if (err == -EINVAL && advice == MADV_FREE)
		err = platform->advise(by, start, end - start, MADV_DONTNEED);
	/* Hints about huge pages, dumps or reclaim that this host does not know change nothing. */
	if (err == -EINVAL && (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
			       advice == MADV_DONTDUMP || advice == MADV_DODUMP ||
			       advice == MADV_COLD || advice == MADV_PAGEOUT))
		err = 0;
	return err;
}

int mm_advise(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int advice)
{
	uaddr_t end;
	bool clear, hole = false;
	uint32_t flag = advice_flag(advice, &clear);

	if (!advice_known(advice))
		return -EINVAL;
	int err = range(addr, size, &end);
	if (err < 0)
		return -EINVAL;
	if (end == addr)
		return 0;
	lock(&mm->lock);
	if (flag)
		err = area_split(mm, addr, end);
	uaddr_t at = addr;
	for (size_t i = area_index(mm, addr); err == 0 && at < end; i++) {
		if (i == mm->count || mm->areas[i].start >= end) {
			hole = true;
			break;
		}
		struct area *a = &mm->areas[i];
		hole |= a->start > at;
		at = max_u64(at, a->start);
		err = advise_area(by, a, at, min_u64(a->end, end), advice);
		if (err == 0 && flag)
			a->flags = clear ? a->flags & ~flag : a->flags | flag;
		at = a->end;
	}
	if (flag)
		area_merge(mm, addr, end);
	mm_unlock(mm);
	return err < 0 ? err : hole ? -ENOMEM : 0;
}

int mm_incore(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec)
{
	lock(&mm->lock);
	int err = area_covered(mm, addr, addr + size) == addr + size
			  ? platform->mincore(by, addr, size, vec)
			  : -ENOMEM;
	mm_unlock(mm);
	return err;
}

int mm_sync(struct mm *mm, uaddr_t addr, uint64_t size, int flags)
{
	uaddr_t end;
	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	int err = range(addr, size, &end);
	if (err < 0)
		return err;
	lock(&mm->lock);
	if (area_covered(mm, addr, end) != end)
		err = -ENOMEM;
	for (size_t i = area_index(mm, addr); i < mm->count && mm->areas[i].start < end; i++)
		if ((flags & MS_INVALIDATE) && (mm->areas[i].flags & AREA_LOCKED))
			err = -EBUSY;
	mm_unlock(mm);
	return err;
}

static void areas_set_locked(struct mm *mm, uaddr_t start, uaddr_t end, bool on)
{
	for (size_t i = area_index(mm, start); i < mm->count && mm->areas[i].start < end; i++) {
		struct area *a = &mm->areas[i];
		uint64_t size = a->end - a->start;
		if (on && !(a->flags & AREA_LOCKED))
			mm->locked += size;
		if (!on && (a->flags & AREA_LOCKED))
			mm->locked -= size;
		a->flags = on ? a->flags | AREA_LOCKED : a->flags & ~(uint32_t)AREA_LOCKED;
	}
	area_merge(mm, start, end);
}

int mm_lock_range(struct mm *mm, uaddr_t addr, uint64_t size, bool on, const struct mm_limits *lim)
{
	uaddr_t end, start = addr & PAGE_MASK;
	if (__builtin_add_overflow(size, addr - start, &size))
		return -EINVAL;
	int err = range(start, size, &end);
	if (err < 0)
		return -EINVAL;
	if (end == start)
		return 0;
	if (on && !lim->ipc_lock && lim->memlock == 0)
		return -EPERM;
	lock(&mm->lock);
	if (on && !lim->ipc_lock &&
	    (end - start > lim->memlock || mm->locked > lim->memlock - (end - start)))
		err = -ENOMEM;
	uaddr_t reach = area_covered(mm, start, end);
	if (err == 0)
		err = area_split(mm, start, end);
	if (err == 0 && reach > start)
		areas_set_locked(mm, start, reach, on);
	mm_unlock(mm);
	return err < 0 ? err : reach < end ? -ENOMEM : 0;
}

int mm_lock_all(struct mm *mm, int flags, const struct mm_limits *lim)
{
	int err = 0;
	lock(&mm->lock);
	if ((flags & MCL_CURRENT) && !lim->ipc_lock && mm->total > lim->memlock)
		err = -ENOMEM;
	if (err == 0) {
		mm->locked_future = flags & MCL_FUTURE;
		if ((flags & MCL_CURRENT) || flags == 0)
			areas_set_locked(mm, 0, USER_TOP, flags & MCL_CURRENT);
	}
	mm_unlock(mm);
	return err;
}
