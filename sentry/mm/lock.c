/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mlock(2) and its relatives.
 *
 * Nothing is locked on the host: the sandbox has no right to.  The pages are
 * made resident and counted against RLIMIT_MEMLOCK, and the guest is told so.
 */
#include <errno.h>
#include <sys/uio.h>

#include "sentry/mm/area.h"
#include "sentry/sync/waitq.h"
#include "syscalls/abi/mman.h"

/* Reading a page makes it resident on hosts older than MADV_POPULATE_READ (5.14). */
static int touch(struct mm *mm, uaddr_t start, uaddr_t end)
{
	char piece[4096];
	for (; start < end; start += sizeof piece) {
		if (start % POPULATE_STEP == 0 && waiter_killed(waiter_self()))
			return -EINTR;
		struct iovec l = {.iov_base = piece, .iov_len = sizeof piece};
		struct iovec r = {.iov_base = (void *)(uintptr_t)start, .iov_len = sizeof piece};
		ssize_t n = platform->read(mm->aspace, &l, 1, &r, 1);
		if (n <= 0)
			return -ENOMEM;
	}
	return 0;
}

int area_populate_host(struct ctx *by, uaddr_t start, uaddr_t end, int advice)
{
	int err = 0;
	while (err == 0 && start < end) {
		uint64_t size = min_u64(end - start, POPULATE_STEP);
		err = waiter_killed(waiter_self()) ? -EINTR
						   : platform->advise(by, start, size, advice);
		start += size;
	}
	return err;
}

int area_populate(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end)
{
	int err = 0;
	for (size_t i = area_index(mm, start); err == 0 && i < mm->count; i++) {
		const struct area *a = &mm->areas[i];
		uaddr_t from = max_u64(a->start, start), to = min_u64(a->end, end);
		if (from >= to)
			break;
		if (!(a->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)))
			return -ENOMEM;
		bool write = (a->prot & PROT_WRITE) && !(a->flags & AREA_SHARED);
		int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
		err = area_populate_host(by, from, to, advice);
		if (err == -EINVAL)
			err = touch(mm, from, to);
		else if (err == -EFAULT)
			err = -ENOMEM;
	}
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

static uint64_t already_locked(const struct mm *mm, uaddr_t start, uaddr_t end)
{
	uint64_t sum = 0;
	for (size_t i = area_index(mm, start); i < mm->count && mm->areas[i].start < end; i++)
		if (mm->areas[i].flags & AREA_LOCKED)
			sum += min_u64(mm->areas[i].end, end) - max_u64(mm->areas[i].start, start);
	return sum;
}

/* The range as mlock(2) takes it: rounded outwards; an empty one is 0 bytes long. */
static int lock_range(uaddr_t addr, uint64_t size, uaddr_t *out_start, uaddr_t *out_end)
{
	*out_start = addr & PAGE_MASK;
	if (__builtin_add_overflow(size, addr - *out_start, &size))
		return -EINVAL;
	return area_range(*out_start, size, out_end) < 0 ? -EINVAL : 0;
}

static int limit_check(const struct mm *mm, uaddr_t start, uaddr_t end, const struct mm_limits *lim)
{
	uint64_t more = end - start - already_locked(mm, start, end);
	if (lim->ipc_lock || (more <= lim->memlock && mm->locked <= lim->memlock - more))
		return 0;
	return -ENOMEM;
}

int mm_lock_range(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int flags,
		  const struct mm_limits *lim)
{
	uaddr_t start, end;
	if (!lim->ipc_lock && lim->memlock == 0)
		return -EPERM;
	int err = lock_range(addr, size, &start, &end);
	if (err < 0 || start == end)
		return err;
	lock(&mm->lock);
	err = limit_check(mm, start, end, lim);
	uaddr_t reach = area_covered(mm, start, end);
	if (err == 0)
		err = area_split(mm, start, end);
	if (err == 0 && reach > start) {
		areas_set_locked(mm, start, reach, /*on=*/true);
		if (!(flags & MLOCK_ONFAULT))
			err = area_populate(mm, by, start, reach);
	}
	mm_unlock(mm);
	return err < 0 ? err : reach < end ? -ENOMEM : 0;
}

int mm_unlock_range(struct mm *mm, uaddr_t addr, uint64_t size)
{
	uaddr_t start, end;
	int err = lock_range(addr, size, &start, &end);
	if (err < 0 || start == end)
		return err;
	lock(&mm->lock);
	uaddr_t reach = area_covered(mm, start, end);
	err = area_split(mm, start, end);
	if (err == 0 && reach > start)
		areas_set_locked(mm, start, reach, /*on=*/false);
	mm_unlock(mm);
	return err < 0 ? err : reach < end ? -ENOMEM : 0;
}

int mm_lock_all(struct mm *mm, struct ctx *by, int flags, const struct mm_limits *lim)
{
	int err = 0;
	lock(&mm->lock);
	if ((flags & MCL_CURRENT) && !lim->ipc_lock && mm->total > lim->memlock)
		err = -ENOMEM;
	if (err == 0) {
		mm->locked_future = flags & MCL_FUTURE;
		mm->locked_onfault = flags & MCL_ONFAULT;
		if ((flags & MCL_CURRENT) || flags == 0)
			areas_set_locked(mm, 0, USER_TOP, flags & MCL_CURRENT);
		/* Linux, too, ignores what cannot be touched here. */
		for (size_t i = 0; (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT) && i < mm->count;
		     i++)
			area_populate(mm, by, mm->areas[i].start, mm->areas[i].end);
	}
	mm_unlock(mm);
	return err;
}
