/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mremap(2).
 *
 * The range must lie in one area.  The sentry picks the new place and the host
 * moves the pages there (platform->remap), replacing what MREMAP_FIXED covers.
 */
#include <errno.h>

#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/mman.h"

struct remap {
	uaddr_t addr, to;
	uint64_t old_size, new_size;
	int flags;
};

static int args_check(const struct remap *r)
{
	uint64_t end;
	const int to_flags = MREMAP_FIXED | MREMAP_DONTUNMAP;
	if (r->flags & ~(MREMAP_MAYMOVE | to_flags))
		return -EINVAL;
	if ((r->flags & to_flags) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_size != r->new_size)
		return -EINVAL;
	if (r->addr & ~PAGE_MASK || r->new_size == 0)
		return -EINVAL;
	if (__builtin_add_overflow(r->addr, r->old_size, &end) || end > USER_TOP)
		return -EFAULT;
	if (!(r->flags & to_flags))
		return r->new_size > USER_TOP ? -ENOMEM : 0;
	if (r->to & ~PAGE_MASK || r->to > USER_TOP || r->new_size > USER_TOP - r->to)
		return -EINVAL;
	/* Linux: old and new must not overlap. */
	if (r->addr + r->old_size > r->to && r->to + r->new_size > r->addr)
		return -EINVAL;
	return (r->flags & MREMAP_FIXED) && r->to < MMAP_MIN ? -EPERM : 0;
}

static int grow_check(const struct mm *mm, const struct area *a, const struct remap *r,
		      const struct mm_limits *lim)
{
	bool twice = r->flags & MREMAP_DONTUNMAP;
	if (r->new_size <= r->old_size && !twice)
		return 0;
	uint64_t more = twice ? r->new_size : r->new_size - r->old_size;
	if (more > lim->as || mm->total > lim->as - more)
		return -ENOMEM;
	if (area_data_size(a) && (more > lim->data || mm->data > lim->data - more))
		return -ENOMEM;
	if ((a->flags & AREA_LOCKED) && !lim->ipc_lock &&
	    (more > lim->memlock || mm->locked > lim->memlock - more))
		return -EAGAIN;
	return 0;
}

/* The list follows what the host has done. */
static void areas_follow(struct mm *mm, const struct remap *r, struct area moved)
{
	area_hold(&moved);
	if (r->old_size > 0 && !(r->flags & MREMAP_DONTUNMAP))
		area_remove(mm, r->addr, r->addr + r->old_size);
	area_remove(mm, r->to, r->to + r->new_size);
	moved.off += r->addr - moved.start;
	moved.start = r->to;
	moved.end = r->to + r->new_size;
	area_insert(mm, &moved);
}

static int64_t shrink_locked(struct mm *mm, struct ctx *by, const struct remap *r)
{
	uaddr_t cut = r->addr + r->new_size;
	uint64_t size = r->old_size - r->new_size;
	int err = size ? platform->unmap(by, cut, size) : 0;
	if (err < 0)
		return err;
	if (size)
		area_remove(mm, cut, cut + size);
	return (int64_t)r->addr;
}

/* The object behind a (or zeroes) at `at`, from the offset of r->addr on. */
static int map_again(struct ctx *by, const struct remap *r, const struct area *a, uaddr_t at,
		     uint64_t size)
{
	struct mmap_source src = {.fd = -1};
	uint64_t off = a->off + (r->addr - a->start);
	int err = a->file ? a->file->ops->mmap(a->file, a->prot, a->flags & AREA_SHARED, off, size,
					       &src)
			  : 0;
	if (err < 0)
		return err;
	struct map_req again = {.addr = at,
				.size = size,
				.prot = area_host_prot(a->prot),
				.noreserve = a->flags & AREA_NORESERVE,
				.fd = src.fd,
				.off = src.fd >= 0 ? src.off + (int64_t)off : 0};
	return platform->map(by, &again);
}

/*
 * MREMAP_DONTUNMAP: the old place stays mapped, and shows what the object behind
 * it holds, or zeroes.  Shared memory is simply mapped twice.  If there is no
 * memory for that, the pages go back.
 */
static int host_remap(struct ctx *by, const struct remap *r, const struct area *a)
{
	bool stays = r->flags & MREMAP_DONTUNMAP, shared = a->flags & AREA_SHARED;
	if (shared && (stays || r->old_size == 0) && !area_host_shared(a))
		return map_again(by, r, a, r->to, r->new_size);
	int err = platform->remap(by, r->addr, stays && shared ? 0 : r->old_size, r->new_size,
				  r->to);
	if (err < 0 || !stays || shared)
		return err;
	err = map_again(by, r, a, r->addr, r->old_size);
	if (err < 0 && platform->remap(by, r->to, r->new_size, r->old_size, r->addr) < 0)
		platform->unmap(by, r->to, r->new_size);
	return err;
}

/* Where the pages go. */
static int64_t choose_place(const struct mm *mm, const struct remap *r, const struct area *a)
{
	bool in_place = r->addr + r->old_size == a->end && r->old_size > 0 &&
			!(r->flags & MREMAP_DONTUNMAP) && r->addr + r->new_size <= USER_TOP &&
			area_range_free(mm, a->end, r->addr + r->new_size);
	if (r->flags & MREMAP_FIXED)
		return (int64_t)r->to;
	if (in_place)
		return (int64_t)r->addr;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	/* With DONTUNMAP the fifth argument is a hint. */
	if ((r->flags & MREMAP_DONTUNMAP) && r->to >= MMAP_MIN &&
	    area_range_free(mm, r->to, r->to + r->new_size))
		return (int64_t)r->to;
	uaddr_t found = area_gap(mm, r->new_size, MMAP_MIN, mm->mmap_base);
	return found ? (int64_t)found : -ENOMEM;
}

static int64_t move_locked(struct mm *mm, struct ctx *by, struct remap *r, const struct area *a)
{
	struct area moved = *a;
	int64_t to = choose_place(mm, r, a);
	if (to < 0)
		return to;
	r->to = (uaddr_t)to;
	int err = host_remap(by, r, a);
	if (err < 0) {
		area_resync(mm, by, r->to, r->to + r->new_size);
		area_resync(mm, by, r->addr, r->addr + r->old_size);
		return err;
	}
	areas_follow(mm, r, moved);
	if ((moved.flags & AREA_LOCKED) && r->new_size > r->old_size)
		area_populate(mm, by, r->to + r->old_size, r->to + r->new_size);
	return to;
}

static int64_t remap_locked(struct mm *mm, struct ctx *by, struct remap *r,
			    const struct mm_limits *lim)
{
	struct area *a = area_find(mm, r->addr);
	if (!a)
		return -EFAULT;
	/* old_size 0 duplicates a shared mapping; a private one has nothing to share. */
	if (r->old_size == 0 && (!(a->flags & AREA_SHARED) || !(r->flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && r->new_size <= r->old_size)
		return shrink_locked(mm, by, r);
	if (r->addr + r->old_size > a->end)
		return -EFAULT;
	int err = grow_check(mm, a, r, lim);
	/* A move cuts the old area and inserts one: room for four. */
	if (err == 0 && (err = area_reserve(mm)) == 0)
		a = area_find(mm, r->addr);
	return err < 0 ? err : move_locked(mm, by, r, a);
}

int64_t mm_remap(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size,
		 int flags, uaddr_t new_addr, const struct mm_limits *lim)
{
	struct remap r = {.addr = addr,
			  .to = new_addr,
			  .old_size = PAGE_ALIGN(old_size),
			  .new_size = PAGE_ALIGN(new_size),
			  .flags = flags};
	int64_t at = args_check(&r);
	if (at < 0)
		return at;
	lock(&mm->lock);
	at = area_reserve(mm);
	if (at == 0)
		at = remap_locked(mm, by, &r, lim);
	mm_unlock(mm);
	return at;
}
