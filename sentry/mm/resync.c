/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a host call that failed.
 *
 * mmap and mremap unmap what lies at their destination before they can still
 * fail, so an error does not mean that nothing has happened.  They unmap a
 * range as a whole: its first page tells.
 */
#include <errno.h>

#include "sentry/mm/area.h"

static bool host_lost(struct ctx *by, uaddr_t page)
{
	unsigned char resident;
	return platform->mincore(by, page, PAGE_SIZE, &resident) == -ENOMEM;
}

void area_resync(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end)
{
	while (start < end) {
		size_t i = area_index(mm, start);
		if (i == mm->count || mm->areas[i].start >= end)
			return;
		uaddr_t from = max_u64(mm->areas[i].start, start);
		uaddr_t to = min_u64(mm->areas[i].end, end);
		if (host_lost(by, from) && area_reserve(mm) == 0) {
			platform->unmap(by, from, to - from);
			area_remove(mm, from, to);
		}
		start = to;
	}
}
