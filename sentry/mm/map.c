/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap(2), munmap(2), brk(2).
 *
 * The sentry chooses every address, so that the host never has a say in the
 * guest's layout, and area_reserve() runs before the host call so that the
 * list can always follow it.
 */
#include <errno.h>

#include "platform/host.h"
#include "sentry/mm/area.h"
#include "sentry/vfs/inode.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/mman.h"

/* What MAP_SHARED_VALIDATE knows of; not MAP_SYNC, which needs a DAX device. */
enum {
	KNOWN_FLAGS = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |
		      MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE |
		      MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |
		      MAP_ABOVE4G | 21 << MAP_HUGE_SHIFT | 30 << MAP_HUGE_SHIFT,
};

/* MAP_32BIT looks between 1 and 2 GiB, as Linux does. */
#define LOW32_START 0x40000000ull
#define LOW32_END   0x80000000ull

static bool file_noexec(const struct file *f)
{
	return f->path.mnt && (__atomic_load_n(&f->path.mnt->flags, __ATOMIC_RELAXED) & MNT_NOEXEC);
}

static int file_check(const struct file *f, int prot, bool shared)
{
	if (!f->readable)
		return -EACCES;
	if (shared && (prot & PROT_WRITE) && !f->writable)
		return -EACCES;
	return (prot & PROT_EXEC) && file_noexec(f) ? -EPERM : 0;
}

static int flags_check(int flags, const struct file *file)
{
	/* Only a stack grows, and a stack is nobody else's. */
	if ((flags & MAP_GROWSDOWN) && (file || (flags & MAP_TYPE) != MAP_PRIVATE))
		return -EINVAL;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
	case MAP_PRIVATE:
		return 0;
	case MAP_SHARED_VALIDATE:
		if (!file)
			return -EINVAL;
		return flags & ~KNOWN_FLAGS ? -EOPNOTSUPP : 0;
	default:
		return -EINVAL;
	}
}

/* Picks the address for a mapping; *out_replace: what is there is unmapped. */
static int64_t place(struct mm *mm, uaddr_t addr, uint64_t size, int flags)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		if (addr + size > USER_TOP || addr + size < addr)
			return -ENOMEM;
		if (addr < MMAP_MIN)
			return -EPERM;
		if (flags & MAP_FIXED_NOREPLACE && !area_range_free(mm, addr, addr + size))
			return -EEXIST;
		return (int64_t)addr;
	}
	addr &= PAGE_MASK;
	if (addr && addr < MMAP_MIN)
		addr = MMAP_MIN;
	if (addr && addr + size <= USER_TOP && addr + size > addr &&
	    area_range_free(mm, addr, addr + size))
		return (int64_t)addr;
	uaddr_t found = 0;
	uaddr_t lowest = flags & MAP_ABOVE4G ? 1ull << 32 : MMAP_MIN;
	if (flags & MAP_32BIT)
		found = area_gap(mm, size, LOW32_START, LOW32_END);
	else if (!(found = area_gap(mm, size, lowest, mm->mmap_base)))
		found = area_gap(mm, size, mm->mmap_base, USER_TOP);
	return found ? (int64_t)found : -ENOMEM;
}

/* What will be unmapped below a fixed mapping does not count against the limits. */
static int limits_check(const struct mm *mm, const struct area *a, const struct mm_limits *lim)
{
	uint64_t size = a->end - a->start, replaced_data;
	uint64_t total = mm->total - area_mapped(mm, a->start, a->end, &replaced_data);
	if (size > lim->as || total > lim->as - size)
		return -ENOMEM;
	uint64_t data = area_data_size(a);
	if (data && (data > lim->data || mm->data - replaced_data > lim->data - data))
		return -ENOMEM;
	if ((a->flags & AREA_LOCKED) && !lim->ipc_lock &&
	    (size > lim->memlock || mm->locked > lim->memlock - size))
		return -EAGAIN;
	return 0;
}

static uint64_t next_anon_id(void)
{
	static uint64_t last = 1;
	return __atomic_add_fetch(&last, 2, __ATOMIC_RELAXED); /* odd: never a pointer's value */
}

static void describe(struct area *a, struct mm *mm, uint64_t size, int prot, int flags,
		     struct file *file, uint64_t off)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	*a = (struct area){.end = size, .prot = prot, .file = file, .off = file ? off : 0};
	a->flags = AREA_MAYREAD;
	if (shared) {
		a->flags |= AREA_SHARED;
		if (!file)
			a->anon_id = next_anon_id();
		if (!file || file->writable)
			a->flags |= AREA_MAYWRITE;
	}
	area_note_write(a);
	if (flags & MAP_GROWSDOWN)
		a->flags |= AREA_GROWSDOWN;
	if (flags & MAP_NORESERVE)
		a->flags |= AREA_NORESERVE;
	if ((flags & MAP_LOCKED) || mm->locked_future)
		a->flags |= AREA_LOCKED;
}

static int host_map(struct ctx *by, const struct area *a, const struct mmap_source *src, int flags)
{
	struct map_req req = {
		.addr = a->start,
		.size = a->end - a->start,
		.prot = area_host_prot(a->prot),
		.shared = area_host_shared(a),
		.noreserve = a->flags & AREA_NORESERVE,
		.growsdown = a->flags & AREA_GROWSDOWN,
		.populate = (flags & MAP_POPULATE) && a->end - a->start <= POPULATE_STEP,
		.fd = src->fd,
		.off = src->fd >= 0 ? src->off + (int64_t)a->off : 0,
	};
	return platform->map(by, &req);
}

static int64_t map_locked(struct mm *mm, struct ctx *by, uaddr_t addr, struct area *a, int flags,
			  const struct mmap_source *src, const struct mm_limits *lim)
{
	uint64_t size = a->end;
	int64_t at = place(mm, addr, size, flags);
	if (at < 0)
		return at;
	a->start = (uaddr_t)at;
	a->end = a->start + size;
	int err = limits_check(mm, a, lim);
	if (err == 0)
		err = area_reserve(mm);
	if (err < 0)
		return err;
	err = host_map(by, a, src, flags);
	if (err < 0) {
		area_resync(mm, by, a->start, a->end);
		return err;
	}
	area_remove(mm, a->start, a->end);
	/* area_remove may have used the room that was reserved. */
	if ((err = area_reserve(mm)) < 0) {
		platform->unmap(by, a->start, size);
		return err;
	}
	area_hold(a);
	area_insert(mm, a);
	/* As the host does it, whatever comes of it. */
	if ((flags & MAP_POPULATE) && size > POPULATE_STEP)
		area_populate(mm, by, a->start, a->end);
	return at;
}

int64_t mm_map(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int prot, int flags,
	       struct file *file, uint64_t off, const struct mm_limits *lim)
{
	struct mmap_source src = {.fd = -1};
	struct area a;
	uint64_t end;

	if (size == 0)
		return -EINVAL;
	size = PAGE_ALIGN(size);
	if (size == 0 || size > USER_TOP)
		return -ENOMEM;
	if (__builtin_add_overflow(off, size, &end) || end > INT64_MAX)
		return -EOVERFLOW;
	if ((flags & MAP_LOCKED) && !lim->ipc_lock && lim->memlock == 0)
		return -EPERM;
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	int err = flags_check(flags, file);
	if (err == 0 && file)
		err = file_check(file, prot, shared);
	if (err < 0)
		return err;
	/* Until the area itself counts: no seal may come in between. */
	bool counted = file && shared && file->writable;
	if (counted)
		inode_map_writable(file->inode);
	int64_t at = file ? file->ops->mmap(file, prot, shared, off, size, &src) : 0;
	if (at < 0)
		goto out;
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if ((prot & PROT_READ) && lim->read_exec && !(file && file_noexec(file)))
		prot |= PROT_EXEC;
	/* Two steps, because the host maps before the list knows; nobody looks in between. */
	lock(&mm->lock);
	if ((flags & MAP_LOCKED) || (mm->locked_future && !mm->locked_onfault))
		flags |= MAP_POPULATE;
	describe(&a, mm, size, prot, flags, src.fd >= 0 ? file : NULL, off);
	if (src.sealed || (file && !file->writable))
		a.flags &= ~(uint32_t)AREA_MAYWRITE;
	at = map_locked(mm, by, addr, &a, flags, &src, lim);
	mm_unlock(mm);
out:
	if (counted)
		inode_unmap_writable(file->inode);
	return at;
}

int mm_unmap(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size)
{
	if (addr & ~PAGE_MASK || addr >= USER_TOP || size > USER_TOP - addr)
		return -EINVAL;
	size = PAGE_ALIGN(size);
	if (size == 0)
		return -EINVAL;
	lock(&mm->lock);
	int err = area_reserve_cut(mm, addr, addr + size);
	if (err == 0)
		err = platform->unmap(by, addr, size);
	if (err == 0)
		area_remove(mm, addr, addr + size);
	mm_unlock(mm);
	return err;
}

/* The first area from addr on that is part of an attachment made there; of f, unless NULL. */
static const struct area *attachment_next(const struct mm *mm, uaddr_t addr, const struct file *f)
{
	for (size_t i = area_index(mm, addr); i < mm->count; i++) {
		const struct area *a = &mm->areas[i];
		if (a->file && a->file->attach && (!f || a->file == f) && a->start - addr == a->off)
			return a;
	}
	return NULL;
}

int mm_detach(struct mm *mm, struct ctx *by, uaddr_t addr)
{
	int err = addr & ~PAGE_MASK ? -EINVAL : 0;
	lock(&mm->lock);
	const struct area *a = err == 0 ? attachment_next(mm, addr, NULL) : NULL;
	const struct file *f = a ? a->file : NULL;
	if (!a)
		err = -EINVAL;
	for (; a && err == 0; a = attachment_next(mm, addr, f)) {
		uaddr_t start = a->start, end = a->end;
		err = area_reserve(mm);
		if (err == 0)
			err = platform->unmap(by, start, end - start);
		if (err == 0)
			area_remove(mm, start, end);
	}
	mm_unlock(mm);
	return err;
}

static int brk_grow_locked(struct mm *mm, struct ctx *by, uaddr_t from, uaddr_t to,
			   const struct mm_limits *lim)
{
	struct mmap_source none = {.fd = -1};
	struct area a = {.start = from,
			 .end = to,
			 .prot = PROT_READ | PROT_WRITE | (lim->read_exec ? PROT_EXEC : 0),
			 .flags = AREA_MAYREAD,
			 .name = "[heap]"};
	if (!area_range_free(mm, from, min_u64(to + PAGE_SIZE, USER_TOP)))
		return -ENOMEM;
	if (mm->locked_future)
		a.flags |= AREA_LOCKED;
	int err = limits_check(mm, &a, lim);
	if (err == 0)
		err = area_reserve(mm);
	if (err == 0)
		err = host_map(by, &a, &none, mm->locked_future ? MAP_POPULATE : 0);
	if (err < 0)
		return err;
	area_insert(mm, &a);
	if (mm->locked_future && to - from > POPULATE_STEP)
		area_populate(mm, by, from, to);
	return 0;
}

/* Returns the break as it is afterwards: brk(2) never fails in another way. */
uaddr_t mm_brk(struct mm *mm, struct ctx *by, uaddr_t brk, const struct mm_limits *lim)
{
	int err = 0;
	lock(&mm->lock);
	uaddr_t old = PAGE_ALIGN(mm->brk_end), want = PAGE_ALIGN(brk);
	if (brk < mm->brk_start || brk >= USER_TOP)
		err = -ENOMEM;
	else if (lim->data != UINT64_MAX &&
		 brk - mm->brk_start + (mm->end_data - mm->start_data) > lim->data)
		err = -ENOMEM;
	else if (want > old)
		err = brk_grow_locked(mm, by, old, want, lim);
	else if (want < old && (err = area_reserve_cut(mm, want, old)) == 0 &&
		 (err = platform->unmap(by, want, old - want)) == 0)
		area_remove(mm, want, old);
	if (err == 0)
		mm->brk_end = brk;
	uaddr_t now = mm->brk_end;
	mm_unlock(mm);
	return now;
}
