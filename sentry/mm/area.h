/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sorted array of areas: lookups, cuts, merges.  Private to sentry/mm.
 * All functions need mm->lock; none talks to the host.
 */
#pragma once

#include "sentry/mm/mm.h"

/* As the kernel's default vm.max_map_count. */
enum { MAX_AREAS = 65530 };
/* Nothing is mapped below it unless asked for by address (vm.mmap_min_addr). */
#define MMAP_MIN 65536ull
/* Distance kept below a stack. */
#define STACK_GAP (256 * PAGE_SIZE)

/*
 * The last put of a file may take any lock of the file system, so references
 * dropped under mm->lock are only noted; mm_unlock() unlocks and puts them.
 */
void area_drop(struct file *f);
/* The references and counts that an area in the list stands for, taken and given back. */
void area_hold(const struct area *a);
void area_release(const struct area *a);
void mm_unlock(struct mm *mm) RELEASES(mm->lock);

/*
 * What the host is asked for: on x86 writable memory can be read, but process_vm_readv goes by
 * the flags of the area, and refuses.
 */
static inline int area_host_prot(int prot)
{
	enum { READ = 1, WRITE = 2 };
	return prot & WRITE ? prot | READ : prot;
}
/*
 * How the host maps it.  Shared memory that may not be written is private there: it shows the
 * same bytes, and a guest that runs the stub's own mprotect(2) changes only a copy.  For the
 * descriptor behind it may allow more than the open file does.
 */
static inline bool area_host_shared(const struct area *a)
{
	return (a->flags & AREA_SHARED) && (a->flags & AREA_MAYWRITE);
}

/* Page-rounds a range: -EINVAL if addr is not aligned, -ENOMEM if it wraps. */
int area_range(uaddr_t addr, uint64_t size, uaddr_t *out_end);
/* Above it, making pages resident takes more than one host call, and a kill ends it. */
#define POPULATE_STEP (64ull << 20)
/* MADV_POPULATE_* in steps: -EINTR once the caller is killed, else as the host says. */
int area_populate_host(struct ctx *by, uaddr_t start, uaddr_t end, int advice);
/*
 * Touches the pages of [start, end), whose areas are there, as mlock(2) does; the lock is
 * held.  -ENOMEM for memory without any permission.
 */
int area_populate(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end);
/* After a failed host call on [start, end): what it has unmapped before that goes from the list. */
void area_resync(struct mm *mm, struct ctx *by, uaddr_t start, uaddr_t end);
/* Index of the first area that ends above addr; mm->count if none. */
size_t area_index(const struct mm *mm, uaddr_t addr);
/* The area that holds addr, or NULL. */
struct area *area_find(const struct mm *mm, uaddr_t addr);
/* True if nothing is mapped in [start, end). */
bool area_range_free(const struct mm *mm, uaddr_t start, uaddr_t end);
/* End of the unbroken run of areas that starts at addr, at most end; addr if there is none. */
uaddr_t area_covered(const struct mm *mm, uaddr_t addr, uaddr_t end);
/*
 * Makes sure that two more areas fit, so that a cut and an insert cannot fail
 * after the host call: -ENOMEM, also above MAX_AREAS.
 */
int area_reserve(struct mm *mm);
/* The same for removing a range, which is possible at the limit too, but for a hole in one area. */
int area_reserve_cut(struct mm *mm, uaddr_t start, uaddr_t end);
/* Removes [start, end), cutting areas at its edges.  Reserved before. */
void area_remove(struct mm *mm, uaddr_t start, uaddr_t end);
/* Inserts into a free range (takes over a->file); merges with neighbours.  Reserved before. */
void area_insert(struct mm *mm, const struct area *a);
/* Cuts at start and end so that areas lie fully inside or outside; -ENOMEM. */
int area_split(struct mm *mm, uaddr_t start, uaddr_t end);
/* Joins equal neighbours around [start, end). */
void area_merge(struct mm *mm, uaddr_t start, uaddr_t end);
/* A free range of that size: top down below mm->mmap_base; 0 if none. */
uaddr_t area_gap(const struct mm *mm, uint64_t size, uaddr_t low, uaddr_t high);
/* Bytes of [start, end) that are mapped; *out_data: how many of them count as data. */
uint64_t area_mapped(const struct mm *mm, uaddr_t start, uaddr_t end, uint64_t *out_data);
/* Its protection is new. */
static inline void area_note_write(struct area *a)
{
	enum { WRITE = 2 }; /* PROT_WRITE */
	if (a->file && (a->prot & WRITE) && !(a->flags & AREA_SHARED))
		a->flags |= AREA_WRITTEN;
}
/* Bytes of private writable memory, as RLIMIT_DATA counts them. */
uint64_t area_data_size(const struct area *a);
