/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mprotect(2), madvise(2), mincore(2), msync(2).
 *
 * Linux works through a range area by area and keeps what it has done when it
 * meets a hole or a refusal; so do these.
 */
#include <errno.h>

#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/mman.h"

static bool area_noexec(const struct area *a)
{
	return a->file && a->file->path.mnt &&
	       (__atomic_load_n(&a->file->path.mnt->flags, __ATOMIC_RELAXED) & MNT_NOEXEC);
}

/* One change of protection, area by area: `read_exec` adds PROT_EXEC where it may. */
struct change {
	uaddr_t start, end;
	int prot;
	bool read_exec;
};

static int prot_for(const struct area *a, const struct change *c)
{
	return c->prot | (c->read_exec && !area_noexec(a) ? PROT_EXEC : 0);
}

/* *grown: private memory that was no data until now. */
static int prot_allowed(const struct mm *mm, const struct area *a, const struct change *c,
			const struct mm_limits *lim, uint64_t *grown)
{
	struct area wanted = *a;
	if ((c->prot & PROT_WRITE) && (a->flags & AREA_SHARED) && !(a->flags & AREA_MAYWRITE))
		return -EACCES;
	if ((c->prot & PROT_EXEC) && area_noexec(a))
		return -EACCES;
	wanted.prot = c->prot;
	wanted.start = max_u64(a->start, c->start);
	wanted.end = min_u64(a->end, c->end);
	if (!area_data_size(a))
		*grown += area_data_size(&wanted);
	if (*grown && (*grown > lim->data || mm->data > lim->data - *grown))
		return -ENOMEM;
	return 0;
}

/* How far prot may be applied from start on; *out_err says why not further. */
static uaddr_t protect_reach(const struct mm *mm, const struct change *c,
			     const struct mm_limits *lim, int *out_err)
{
	uaddr_t at = c->start;
	uint64_t grown = 0;
	*out_err = 0;
	for (size_t i = area_index(mm, at); at < c->end; i++) {
		if (i == mm->count || mm->areas[i].start > at) {
			*out_err = -ENOMEM;
			break;
		}
		if ((*out_err = prot_allowed(mm, &mm->areas[i], c, lim, &grown)) < 0)
			break;
		at = mm->areas[i].end;
	}
	return min_u64(at, c->end);
}

static void areas_set_prot(struct mm *mm, const struct change *c, uaddr_t end)
{
	for (size_t i = area_index(mm, c->start); i < mm->count && mm->areas[i].start < end; i++) {
		mm->data -= area_data_size(&mm->areas[i]);
		mm->areas[i].prot = prot_for(&mm->areas[i], c);
		area_note_write(&mm->areas[i]);
		mm->data += area_data_size(&mm->areas[i]);
	}
}

/* The host may have changed a part of [start, end) before it refused the rest. */
static void host_protect_undo(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end)
{
	for (size_t i = area_index(mm, start); i < mm->count && mm->areas[i].start < end; i++) {
		const struct area *a = &mm->areas[i];
		platform->protect(by, a->start, a->end - a->start, area_host_prot(a->prot));
	}
}

/* One host call for each run of areas that get the same protection.  *out_end: how far it came. */
static int host_protect(struct mm *mm, struct ctx *by, const struct change *c, uaddr_t end,
			uaddr_t *out_end)
{
	*out_end = c->start;
	for (size_t i = area_index(mm, c->start); i < mm->count; i++) {
		const struct area *a = &mm->areas[i];
		uaddr_t from = a->start, to = a->end;
		int prot = prot_for(a, c);
		if (from >= end)
			break;
		while (to < end && prot_for(a + 1, c) == prot) {
			to = (++a)->end;
			i++;
		}
		int err = platform->protect(by, from, to - from, area_host_prot(prot));
		if (err < 0) {
			host_protect_undo(mm, by, from, to);
			return err;
		}
		*out_end = to;
	}
	return 0;
}

static int protect_locked(struct mm *mm, struct ctx *by, struct change *c, int grows,
			  const struct mm_limits *lim)
{
	int why = 0;
	struct area *a = area_find(mm, c->start);
	if (grows && a && !(a->flags & (AREA_GROWSDOWN | AREA_STACK)))
		return -EINVAL;
	if (grows && a)
		c->start = a->start;
	uaddr_t reach = protect_reach(mm, c, lim, &why);
	if (reach == c->start)
		return why;
	int err = area_split(mm, c->start, reach);
	if (err < 0)
		return err;
	uaddr_t done;
	err = host_protect(mm, by, c, reach, &done);
	areas_set_prot(mm, c, done);
	area_merge(mm, c->start, reach);
	return err < 0 ? err : why;
}

int mm_protect(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int prot,
	       const struct mm_limits *lim)
{
	struct change c = {.start = addr};
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), err = area_range(addr, size, &c.end);

	if (err < 0)
		return err;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || grows == PROT_GROWSUP)
		return -EINVAL;
	if (c.end == addr)
		return 0;
	prot &= ~grows;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	c.prot = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
	c.read_exec = lim->read_exec && (prot & PROT_READ);
	lock(&mm->lock);
	err = protect_locked(mm, by, &c, grows, lim);
	mm_unlock(mm);
	return err;
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
	case MADV_DONTNEED_LOCKED:
	case MADV_COLLAPSE:
		return true;
	default:
		return false;
	}
}

static int advice_allowed(const struct area *a, int advice)
{
	bool private_anon = !(a->flags & AREA_SHARED) && !a->file;
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return a->flags & AREA_LOCKED ? -EINVAL : 0;
	case MADV_FREE:
		return !private_anon || (a->flags & AREA_LOCKED) ? -EINVAL : 0;
	case MADV_WIPEONFORK:
		return private_anon ? 0 : -EINVAL;
	case MADV_REMOVE:
		if (private_anon || (a->flags & AREA_LOCKED))
			return -EINVAL;
		return (a->flags & AREA_SHARED) && (a->flags & AREA_MAYWRITE) ? 0 : -EACCES;
	default:
		return 0;
	}
}

static int advise_area(struct ctx *by, struct area *a, uaddr_t start, uaddr_t end, int advice)
{
	int err = advice_allowed(a, advice);
	if (err < 0)
		return err;
	/* Nothing is locked on the host. */
	if (advice == MADV_DONTNEED_LOCKED)
		advice = MADV_DONTNEED;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return area_populate_host(by, start, end, advice);
	err = platform->advise(by, start, end - start, advice);
	/* A host older than MADV_FREE (4.5): dropping the pages at once is within its contract. */
	if (err == -EINVAL && advice == MADV_FREE)
		err = platform->advise(by, start, end - start, MADV_DONTNEED);
	/* Hints about huge pages, dumps or reclaim that this host does not know change nothing. */
	if (err == -EINVAL &&
	    (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE || advice == MADV_DONTDUMP ||
	     advice == MADV_DODUMP || advice == MADV_COLD || advice == MADV_PAGEOUT))
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
	int err = area_range(addr, size, &end);
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

/*
 * The file behind the next area at or after *at, which moves on behind it; *out stays NULL if
 * there is nothing to write.  1: there was an area; 0: none before end; -EBUSY.
 */
static int sync_next(struct mm *mm, uaddr_t *at, uaddr_t end, int flags, bool *hole,
		     struct file **out)
{
	lock(&mm->lock);
	size_t i = area_index(mm, *at);
	const struct area *a = i < mm->count && mm->areas[i].start < end ? &mm->areas[i] : NULL;
	int ret = a ? 1 : 0;
	*hole |= !a || a->start > *at;
	if (a && (flags & MS_INVALIDATE) && (a->flags & AREA_LOCKED))
		ret = -EBUSY;
	if (ret > 0 && (flags & MS_SYNC) && a->file && (a->flags & AREA_SHARED))
		*out = file_get(a->file);
	if (a)
		*at = a->end;
	mm_unlock(mm);
	return ret;
}

int mm_sync(struct mm *mm, uaddr_t addr, uint64_t size, int flags)
{
	uaddr_t end;
	bool hole = false;
	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	int err = area_range(addr, size, &end);
	while (err >= 0 && addr < end) {
		autoput(file) struct file *f = NULL;
		err = sync_next(mm, &addr, end, flags, &hole, &f);
		if (err == 0)
			break;
		if (f)
			err = f->ops->fsync(f, /*datasync=*/true);
	}
	return err < 0 ? err : hole ? -ENOMEM : 0;
}
