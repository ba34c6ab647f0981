/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What debuggers may do with memory: read what cannot be read, write what cannot be written.
 *
 * Linux calls it FOLL_FORCE.  Private memory is copied on write, so a breakpoint in a program's
 * text stays out of its file; shared memory without the right to write is refused.  The page gets
 * the right for the time of the copy: the process itself could use it meanwhile, on its own memory.
 */
#include <errno.h>

#include "sentry/mm/area.h"
#include "syscalls/abi/mman.h"

static bool allowed(const struct area *a, bool write)
{
	if (write)
		return (a->prot & PROT_WRITE) || !(a->flags & AREA_SHARED);
	return (a->prot & (PROT_READ | PROT_WRITE)) || (a->flags & AREA_MAYREAD);
}

bool mm_may_force(struct mm *mm, uaddr_t at, bool write)
{
	lock(&mm->lock);
	const struct area *a = area_find(mm, at);
	bool may = a && allowed(a, write);
	unlock(&mm->lock);
	return may;
}

/* Within one page. */
static size_t copy_page(struct mm *mm, struct ctx *by, uaddr_t at, void *buf, size_t size,
			bool write)
{
	struct area *a = area_find(mm, at);
	if (!a || !allowed(a, write))
		return 0;
	if (write && a->file && !(a->flags & AREA_SHARED))
		a->flags |= AREA_WRITTEN;
	int own = area_host_prot(a->prot);
	int need = area_host_prot(a->prot | (write ? PROT_WRITE : PROT_READ));
	if (need != own && platform->protect(by, at & PAGE_MASK, PAGE_SIZE, need) < 0)
		return 0;
	size_t n = write ? copy_out_some(mm, at, buf, size) : copy_in_some(mm, buf, at, size);
	if (need != own)
		platform->protect(by, at & PAGE_MASK, PAGE_SIZE, own);
	return n;
}

size_t mm_force_copy(struct mm *mm, struct ctx *by, const struct file *exe, uaddr_t at, void *buf,
		     size_t size, bool write)
{
	size_t done = 0;

	lock(&mm->lock);
	while (done < size && mm->exe == exe) {
		size_t want = min_u64(size - done, PAGE_SIZE - (at + done) % PAGE_SIZE);
		size_t n = copy_page(mm, by, at + done, (char *)buf + done, want, write);
		done += n;
		if (n < want)
			break;
	}
	unlock(&mm->lock);
	return done;
}
