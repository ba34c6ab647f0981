/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's memory map.
 *
 * The pages themselves live in the stub process (platform.h); here is only the
 * list of areas, for /proc/PID/maps, mremap, limits and accounting.  Functions
 * that change the map take the ctx of the calling thread, because the change is
 * carried out by its stub.
 *
 * Order of a change: check, host call, then the list; the list never shows
 * what the host refused, and what a refused call has done half it follows.  mm->lock is held across the host call.
 */
#pragma once

#include "platform/base/cleanup.h"
#include "platform/base/list.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/platform.h"
#include "sentry/mm/copy.h"

struct file;

struct area {
	uaddr_t start, end;		/* page aligned, start < end */
	int prot;			/* PROT_* */
	uint32_t flags;			/* AREA_* */
	struct file *file;		/* our reference, NULL anonymous */
	uint64_t off;			/* of start in the file */
	uint64_t anon_id;		/* shared anonymous memory: identity across forks, for futexes */
	const char *name;		/* "[heap]", "[stack]", "[vdso]", static, or NULL */
};

enum {
	AREA_SHARED = 1, AREA_GROWSDOWN = 2, AREA_LOCKED = 4, AREA_NORESERVE = 8,
	AREA_MAYWRITE = 16,	/* shared file mapping whose file was opened for writing */
	AREA_DONTFORK = 32, AREA_WIPEONFORK = 64, AREA_DONTDUMP = 128,
	AREA_MAYREAD = 256,	/* the file was opened for reading (always set on anonymous memory) */
	AREA_STACK = 512,	/* the program's stack: follows RLIMIT_STACK, is no data */
	AREA_WRITTEN = 1024,	/* private file mapping that is, or was, writable */
};

struct mm {
	struct ref ref;			/* a: tasks; others that look at it too */
	struct lock lock;		/* RANK_MM */
	struct aspace *aspace;		/* I; NULL once destroyed (lock) */
	struct area *areas;		/* lock: sorted by address, not overlapping, malloc'ed */
	size_t count, room;		/* lock: used, allocated */
	uint64_t total, locked, data;	/* lock: bytes mapped, mlocked, private writable */
	uaddr_t brk_start, brk_end;	/* lock */
	uaddr_t mmap_base;		/* I after exec: top-down search starts here */
	uaddr_t start_code, end_code, start_data, end_data, start_stack; /* lock */
	uaddr_t arg_start, arg_end, env_start, env_end;	/* lock */
	uaddr_t vdso;			/* I after exec */
	uint64_t auxv[2 * 32];		/* I after exec: /proc/PID/auxv */
	unsigned auxv_count;
	struct file *exe;		/* lock: /proc/PID/exe; our reference, and nobody may write to it */
	unsigned users;			/* a: tasks that run in it */
	bool locked_future, locked_onfault; /* lock: MCL_FUTURE, MCL_ONFAULT */
	bool thp_disabled;		/* a: PR_SET_THP_DISABLE; outlives fork and exec */
};

struct mm_limits {
	uint64_t as, data, stack, memlock;	/* soft limits of the caller, RLIM_INFINITY = ~0 */
	bool ipc_lock;				/* CAP_IPC_LOCK */
	bool read_exec;				/* personality: what is readable is executable */
};

/* A new, empty map with its first (not yet adopted) ctx; z as of platform->aspace_new. */
int mm_new(struct zygote *z, struct mm **out, struct ctx **out_ctx);
/* fork: a copy with its first ctx. */
int mm_fork(struct mm *from, struct ctx *by, struct mm **out, struct ctx **out_ctx);
/* exec in place: everything unmapped; by is the only user. */
int mm_reset(struct mm *mm, struct ctx *by);
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* The same; true if it was the last one: *out is all that the stub has used. */
bool mm_put_usage(struct mm *mm, struct usage *out);
DEFINE_AUTOPUT(mm)
/* The program that runs here: takes over file, whose inode the caller has denied writes. */
void mm_set_exe(struct mm *mm, struct file *file);
/* A task starts / stops running in it; the last one destroys the address space. */
void mm_use(struct mm *mm);
void mm_unuse(struct mm *mm);

/* mmap(2).  file borrowed, NULL anonymous.  The address, or -errno (as int64_t). */
int64_t mm_map(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int prot, int flags,
	       struct file *file, uint64_t off, const struct mm_limits *lim);
int mm_unmap(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size);
/* shmdt(2): what is left of the SysV segment that was attached at addr; -EINVAL. */
int mm_detach(struct mm *mm, struct ctx *by, uaddr_t addr);
int mm_protect(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int prot,
	       const struct mm_limits *lim);
int64_t mm_remap(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t old_size,
		 uint64_t new_size, int flags, uaddr_t new_addr, const struct mm_limits *lim);
uaddr_t mm_brk(struct mm *mm, struct ctx *by, uaddr_t brk, const struct mm_limits *lim);
int mm_advise(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int advice);
int mm_sync(struct mm *mm, uaddr_t addr, uint64_t size, int flags);
int mm_lock_range(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, int flags,
		  const struct mm_limits *lim);
int mm_unlock_range(struct mm *mm, uaddr_t addr, uint64_t size);
/* flags 0: munlockall(2). */
int mm_lock_all(struct mm *mm, struct ctx *by, int flags, const struct mm_limits *lim);
/* mincore(2) without the copy out: vec has size / PAGE_SIZE bytes. */
int mm_incore(struct mm *mm, struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec);
/*
 * Shared futexes: 1 and the identity of the memory behind addr (object + offset), 0 if it is
 * private memory, -EFAULT if nothing is mapped there.  Takes mm->lock.
 */
int mm_futex_key(struct mm *mm, uaddr_t addr, const void **out_obj, uint64_t *out_off);
/* Calls fn for each area in order, locked; stops at false. */
void mm_for_each(struct mm *mm, bool (*fn)(const struct area *a, void *arg), void *arg);
/* Names the area at addr for /proc/PID/maps; name is static. */
void mm_name_area(struct mm *mm, uaddr_t addr, const char *name);
/*
 * The program's stack below top, lim->stack but at least size bytes: all of it mapped at
 * once, because untouched pages cost nothing and a fault that grows it would be a round trip.
 */
int mm_stack_map(struct mm *mm, struct ctx *by, uaddr_t top, uint64_t size, int prot,
		 const struct mm_limits *lim);
/* lim->stack has changed: what was never touched goes, or more is mapped.  by is its user. */
void mm_stack_limit(struct mm *mm, struct ctx *by, const struct mm_limits *lim);
/*
 * Copies as a debugger may, whatever the protection says, while exe is the program (force.c);
 * bytes done before the first that cannot be.  by is a thread of mm.
 */
size_t mm_force_copy(struct mm *mm, struct ctx *by, const struct file *exe, uaddr_t at, void *buf,
		     size_t size, bool write);
/* Could that copy a byte there? */
bool mm_may_force(struct mm *mm, uaddr_t at, bool write);
/* The call behind which rip is has asked for it (event.rewrite): 0 or why not. */
int mm_rewrite(struct mm *mm, struct ctx *by, uaddr_t rip);
/* The si_code Linux gives for a fault there: SEGV_MAPERR or SEGV_ACCERR. */
int mm_fault_code(struct mm *mm, uaddr_t addr);
