/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the sentry knows of how guest code is run.
 *
 * An *aspace* is a guest address space: one host process (the stub) whose own
 * private memory is the guest's memory.  A *ctx* is one guest thread: one host
 * thread of that process.  The sentry drives them through one table of
 * functions; a platform is one such table (ptrace/, trap/, null/).
 *
 * Rules
 *  1. A ctx is used by one sentry thread at a time.  The thread that will call
 *     run() adopts it first (ctx_adopt); under ptrace it must stay that thread.
 *     Exceptions, callable from any thread at any time while the ctx exists:
 *     interrupt().
 *  2. Functions on memory (map ... advise) take the ctx of the calling guest
 *     thread, between two run()s; the sentry's mm lock serialises them per aspace.
 *  3. read/write copy guest memory and may be called from any thread while the
 *     aspace exists; addresses at or above USER_TOP are refused with -EFAULT.
 *  4. Guest addresses are below USER_TOP; above it the stub keeps its own
 *     text and data, which no map/unmap/protect may touch (-EINVAL).
 *  5. Every function returns >= 0 or -errno.  -ESRCH: the stub died (killed
 *     from outside, or by the host's OOM killer); the sentry then ends that
 *     guest process with SIGKILL.
 */
#pragma once

#include "base/types.h"

struct aspace;
struct ctx;
struct iovec;
struct zygote;

/* First address that is not the guest's; the stub lives between it and the host's top. */
#define USER_TOP 0x7fffe0000000ull

/* General registers, in the kernel's user_regs_struct order (asserted in the platforms). */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

enum event_kind {
	EV_SYSCALL,	/* the guest made a system call: number in orig_rax, rip after it, rax -ENOSYS */
	EV_FAULT,	/* an exception: signo, code, addr, trapno, error as Linux puts them in siginfo */
	EV_INTERRUPT,	/* interrupt() was called, or the host disturbed the thread: nothing happened */
	EV_GONE,	/* the stub is dead; only ctx_destroy may be called now */
};

struct event {
	enum event_kind kind;
	int signo;	/* EV_FAULT: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP */
	int code;	/* si_code */
	uaddr_t addr;	/* si_addr */
	uint64_t trapno, error; /* for the signal frame's mcontext; 0 where the host tells none */
	/* EV_SYSCALL: as regs() has them, which costs more; those that the call has not are anything. */
	uint64_t nr, args[6];
	bool rewritten;		/* EV_SYSCALL: rewrite() has changed this call, no signal was needed */
	bool rewrite;		/* EV_SYSCALL: rewrite() would make the next call from there cheaper */
};

/* Fills nr and args. */
static inline void event_call(struct event *ev, const struct regs *r)
{
	ev->nr = r->orig_rax;
	ev->args[0] = r->rdi;
	ev->args[1] = r->rsi;
	ev->args[2] = r->rdx;
	ev->args[3] = r->r10;
	ev->args[4] = r->r8;
	ev->args[5] = r->r9;
}

/* Text whose call instruction may be replaced, see platform_ops.rewrite. */
struct rewrite_req {
	uaddr_t rip;		/* of the event: behind the instruction */
	/*
	 * Its area: a private mapping of a file, readable, executable, not writable and never
	 * writable since it was mapped.
	 */
	uaddr_t start, end;
	uint64_t off;		/* of start in the file */
	uint64_t file[4];	/* equal words: the same file with the same content */
	void *arg;		/* for the two functions, valid during the call */
	/* Content of the file; bytes read, short at its end, or -errno. */
	ssize_t (*read)(void *arg, uint64_t off, void *buf, size_t size);
	/* size free bytes in [low, high), page aligned, where the guest will hardly look; 0: none. */
	uaddr_t (*gap)(void *arg, uint64_t size, uaddr_t low, uaddr_t high);
};

/* mmap of host memory in a stub. */
struct map_req {
	uaddr_t addr;	/* page aligned, the sentry has chosen it; existing mappings are replaced */
	uint64_t size;	/* page aligned, > 0 */
	int prot;	/* PROT_* */
	bool shared;	/* MAP_SHARED, else MAP_PRIVATE */
	bool noreserve;
	bool growsdown;
	bool populate;
	int fd;		/* host descriptor, borrowed for the call; -1 anonymous */
	int64_t off;	/* page aligned */
};

/* What a guest thread may know without asking: platform_ops.fact. */
enum fact {
	FACT_TID,	/* 0: nothing is known, all its calls are system calls */
	FACT_PID,
	FACT_PPID,
	FACT_RUID, FACT_EUID, FACT_RGID, FACT_EGID,
	FACT_SEEN,	/* bool: each of its calls must be an event (trace, ptrace, seccomp) */
	FACT_BOUND,	/* bool: its CPU mask decides what getcpu says */
	FACT_RENAMED,	/* bool: its personality decides what uname says */
	FACT_TIMELESS,	/* bool: it may not read the time stamp counter, nor may the stub for it */
};

/* What guest code has cost the host. */
struct usage {
	uint64_t minflt, majflt;	/* page faults without and with input */
	uint64_t nivcsw;		/* preemptions */
	uint64_t maxrss_kb;		/* the largest memory of the whole stub so far */
};

/*
 * What the sentry's side of guest threads runs on instead of host threads of their own:
 * strands, many of which share a few threads.  A strand sleeps only in sleep(), and may be on
 * another thread afterwards (base/local.h).
 */
struct strand;
struct strand_ops {
	/* fn(arg) on a new strand, which fn ends with end(); 0 or -EAGAIN. */
	int (*start)(void (*fn)(void *arg), void *arg);
	void (*end)(void) __attribute__((noreturn));
	/* The caller's; NULL: it is an ordinary thread.  Never freed, but used again. */
	struct strand *(*self)(void);
	/* As host_futex_wait; the caller holds no lock.  0, also without a reason; -ETIMEDOUT. */
	int (*sleep)(uint32_t *word, uint32_t expect, int64_t deadline_ns);
	/* After *word has been changed; any thread. */
	void (*wake)(struct strand *s);
	/* Time the caller's strand has run on the sentry's side, in nanoseconds. */
	int64_t (*time)(void);
};

struct platform_ops {
	const char *name;
	/* NULL: a host thread for each guest thread. */
	const struct strand_ops *strands;
	/*
	 * Prepares the host side: clean stub to fork from, filter.  Called once,
	 * single-threaded, before the sentry's seccomp filter is loaded.
	 */
	int (*init)(void);
	/* After the last task: nothing of the platform is left on the host. */
	void (*shutdown)(void);

	/*
	 * A clean, empty address space with its first, not yet adopted thread: a child of z's, or
	 * (NULL) of the zygote that init() has made.
	 */
	int (*aspace_new)(struct zygote *z, struct aspace **out, struct ctx **out_ctx);
	/* A copy of by's address space (host fork) with a first, not yet adopted thread. */
	int (*aspace_fork)(struct ctx *by, struct aspace **out, struct ctx **out_ctx);
	/*
	 * All mappings of the guest vanish (exec in place); by is the only thread.  NULL: exec
	 * always takes a new address space, because what has run guest code is never clean again.
	 */
	int (*aspace_reset)(struct ctx *by);
	/* Kills the host process.  Every ctx in it has been destroyed.  out (or NULL): all of its usage. */
	void (*aspace_destroy)(struct aspace *as, struct usage *out);

	/*
	 * Calls died() soon after the host process of an address space has ended by itself,
	 * also while no ctx of it is in run(), or that of a zygote; aspace_dead() and
	 * zygote_dead() then say which.  died() runs on a thread of the platform and may not wait
	 * for anything, locks that are held across calls of this table included.  Called once,
	 * behind the sentry's filter.
	 */
	int (*watch)(void (*died)(void));
	bool (*aspace_dead)(struct aspace *as);

	/*
	 * Zygotes: what clean address spaces are made from.  init() makes one; a further one and all
	 * that comes from it, forks too, are where it was put on the host: in its cgroup.
	 *
	 * Asks for another one, whose control socket is sock (borrowed).  Its first word there, 8
	 * bytes, is its pid; who reads them at the other end can see who it is on the host.
	 */
	int (*zygote_ask)(int sock);
	/* It has said that pid, and nothing is made from it yet: fd, taken over in any case, is the
	 * other end.  0 or -ENOMEM. */
	int (*zygote_take)(int fd, int pid, struct zygote **out);
	/* No address space of it is left; when this returns nor is a host process.  Frees. */
	void (*zygote_end)(struct zygote *z);
	/* It has ended by itself, nothing can be made from it; NULL: init()'s. */
	bool (*zygote_dead)(struct zygote *z);

	/* A further thread in by's address space, not yet adopted. */
	int (*ctx_create)(struct ctx *by, struct ctx **out);
	/* The calling sentry thread will run it from now on. */
	int (*ctx_adopt)(struct ctx *c);
	/* Ends the host thread, frees; by its adopter (or anybody, if never adopted). */
	void (*ctx_destroy)(struct ctx *c);

	/* Runs guest code until the next event.  Never fails: EV_GONE says the stub died. */
	void (*run)(struct ctx *c, struct event *out);
	/* Makes the current or next run() return EV_INTERRUPT soon; any thread. */
	void (*interrupt)(struct ctx *c);
	/*
	 * Optional; NULL: interrupt() cannot be resisted.  The guest thread will not be run
	 * again: whatever its adopter waits for in this table ends with EV_GONE or -ESRCH, soon;
	 * called again until it has.  Any thread, as interrupt().  Guest code of a thread that
	 * does not obey goes on until its address space is destroyed.
	 */
	void (*abandon)(struct ctx *c);

	/* Registers as of the last event; regs_mut says they will be changed before run(). */
	const struct regs *(*regs)(struct ctx *c);
	struct regs *(*regs_mut)(struct ctx *c);
	/* The result of the system call of the last event: as rax of regs_mut, and cheaper. */
	void (*answer)(struct ctx *c, int64_t result);
	/*
	 * FPU state in the XSAVE layout Linux puts into signal frames (standard
	 * format, sw_reserved not filled).  fpu_set sanitises: an image the host
	 * refuses is -EINVAL.  fpu_reset: the state of a fresh exec.
	 */
	size_t (*fpu_size)(void);
	int (*fpu_get)(struct ctx *c, void *buf, size_t size);
	int (*fpu_set)(struct ctx *c, const void *buf, size_t size);
	int (*fpu_reset)(struct ctx *c);
	/*
	 * Whether by's instructions may read the time stamp counter; else they fault.  What is made
	 * from by (ctx_create, aspace_fork) has the same, a clean address space may.
	 */
	int (*set_tsc)(struct ctx *by, bool allowed);

	int (*map)(struct ctx *by, const struct map_req *req);
	int (*unmap)(struct ctx *by, uaddr_t addr, uint64_t size);
	int (*protect)(struct ctx *by, uaddr_t addr, uint64_t size, int prot);
	/* mremap(MAYMOVE|FIXED) to `to`, which the sentry has chosen (== addr: in place). */
	int (*remap)(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size,
		     uaddr_t to);
	/* madvise/mincore/msync/mlock-like calls that only matter to the host's pages. */
	int (*advise)(struct ctx *by, uaddr_t addr, uint64_t size, int advice);
	/* One byte a page, bit 0 resident: vec has size/PAGE_SIZE bytes. */
	int (*mincore)(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec);

	/*
	 * Optional (NULL).  Like the functions on memory: the text of req may be changed so that
	 * the call does not trap again.  What the guest reads through the sentry and what the
	 * sentry sees of its registers stay as if it were not.  0 or -errno: it goes on trapping.
	 */
	int (*rewrite)(struct ctx *by, const struct rewrite_req *req);
	/*
	 * Optional.  The first range in [start, end) that the platform has taken for itself, from
	 * what req->gap gave; only the sentry's choice of addresses needs to know: what is
	 * mapped there all the same replaces it.
	 */
	bool (*hidden)(struct aspace *as, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		       uaddr_t *out_end);

	/* Bytes copied, short at the first missing page; -EFAULT if none, -ESRCH if dead. */
	ssize_t (*read)(struct aspace *as, const struct iovec *local, size_t nlocal,
			const struct iovec *remote, size_t nremote);
	ssize_t (*write)(struct aspace *as, const struct iovec *local, size_t nlocal,
			 const struct iovec *remote, size_t nremote);
	/* CPU time used by this guest thread / by the whole stub process, in nanoseconds. */
	int (*ctx_cputime)(struct ctx *c, int64_t *out_ns);
	int (*aspace_cputime)(struct aspace *as, int64_t *out_ns);
	/* Of one guest thread, or of the whole stub process; by is adopted. */
	int (*usage)(struct ctx *by, bool thread, struct usage *out);

	/*
	 * The rest makes things faster and may be NULL.
	 *
	 * Bytes of guest memory from src on that are at hand because the calling thread's
	 * current system call has them as an argument, at most size; 0: none.
	 */
	size_t (*peek)(struct aspace *as, void *dst, uaddr_t src, size_t size);
	/*
	 * Before the caller stops for others to look at it: what its current call has written is
	 * in guest memory now, and what it reads from now on comes from there.
	 */
	void (*settle)(struct ctx *by);
	/*
	 * What has become true of a guest thread; c must exist, else any thread may tell.
	 * Seen by the guest at once.  A new ctx knows nothing.
	 */
	void (*fact)(struct ctx *c, enum fact which, uint32_t value);
	/* Calls of c that were answered without an event, since this was last asked. */
	void (*answered)(struct ctx *c, void (*tell)(uint32_t nr, uint64_t count));
	/* uname(2)'s answer for all of c's process: a struct utsname.  One caller at a time. */
	void (*uts)(struct ctx *c, const void *uts, size_t size);
	/* How many CPUs the guest has: in address spaces made from now on. */
	void (*cpus)(unsigned count);
	/* How many threads it may have at once.  Before init(). */
	void (*tasks)(unsigned most);
	/*
	 * Where in every address space a function lies with the contract of the vDSO's
	 * clock_gettime, for which clock ids (bits) it is good; 0: there is none.
	 */
	uaddr_t (*clock)(uint32_t *out_ids);
};

extern const struct platform_ops ptrace_platform;
extern const struct platform_ops trap_platform;
extern const struct platform_ops null_platform;

/* The platform in use, set once by boot before init(). */
extern const struct platform_ops *platform;
