/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the ptrace platform; nobody outside this folder and its tests
 * includes it.
 *
 * Invariants
 *  1. A host thread of a stub is in exactly one of three places: asleep in
 *     stub_park untraced (not adopted, or its guest thread is gone), stopped
 *     under its adopter, or running between a resume and a wait of its adopter.
 *  2. Guest code is resumed with PTRACE_SYSEMU only; PTRACE_CONT and a detach
 *     are only done with rip in the stub's text.
 *  3. The thread group leader outlives every other thread, because
 *     process_vm_* and tgkill need it: destroying its ctx parks it.
 *  4. Stubs are reaped here by pid: nothing in the sentry may wait for any child.
 *  5. Whoever waits for a dead leader sleeps until its other threads have been
 *     reaped: by their adopters, or by watch.c if those sleep.
 */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <sys/ptrace.h>

#include "platform/base/list.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/host.h"
#include "platform/platform.h"
#include "platform/stub/stub.h"

/* The signal of interrupt(): glibc keeps 32 and 33 for itself. */
enum { INTERRUPT_SIGNAL = 34 };

/* A control socket: the sentry's end of what is descriptor 3 in one stub, or several. */
struct ctl {
	struct ref ref;
	struct lock lock; /* RANK_PLATFORM: held from sending until the stub has taken it */
	int fd;		  /* I */
	bool stale;	  /* lock  a stub died before it took a message: drain first */
};

/* What clean stubs are cloned from.  The first is init()'s. */
struct zygote {
	int pid;	  /* I  0: there is none */
	int fd;		  /* I  our end of its control socket */
	int spare_sock;	  /* zygote.c's lock: of a stub that has been asked for, or -1 */
	bool dead;	  /* a: it has ended by itself */
	struct list link; /* watch.c's lock */
};
extern struct zygote ptrace_zygote_first;

struct aspace {
	int pid;	     /* I */
	struct lock lock;    /* RANK_PLATFORM */
	struct ctl *ctl;     /* used under the sentry's mm lock; our reference */
	bool ctl_own;	     /* no other aspace uses ctl */
	bool threaded;	     /* lock  has ever had two threads */
	bool reaped;	     /* its leader's adopter has waited for it: pid may be another's */
	bool told;	     /* watch.c's lock */
	atomic_bool dead;    /* the host process is no more */
	atomic_uint threads; /* ctxs */
};

/* Bits of ctx.state: see run.c. */
enum { CTX_RUNNING = 1, CTX_KICKED = 2 };

struct ctx {
	struct aspace *as; /* I */
	int tid;	   /* I */
	bool leader;	   /* I */
	struct list watch; /* watch.c's lock */
	bool forked;	   /* I  still prepares itself when first stopped */
	bool clean_fpu;	   /* wants fpu_reset when adopted */
	bool adopted;
	bool gone;	     /* dead, seen by us */
	atomic_bool reaped;  /* and waited for */
	bool dirty;	     /* regs differ from the host's */
	const void *adopter; /* a: &ptrace_calls of that thread; others only compare it */
	atomic_uint state;
	bool host_known; /* host_regs is what the stopped thread has */
	struct regs regs, host_regs;
	int64_t cputime; /* last answer of ctx_cputime */
	bool bound;	 /* to cpu, else to none */
	bool roams;	 /* its cgroup has other CPUs than the sentry: it is not bound */
	unsigned cpu;
	int64_t moved_at;
};

/* Set by init, constant afterwards. */
struct ptrace_host {
	uint64_t base;	/* of the stub's text */
	int sentry_pid; /* as a stub's getppid says it */
	bool filter;	 /* SYSEMU comes before seccomp here (4.8): stubs carry a filter */
	bool exitkill;	 /* PTRACE_O_EXITKILL works (3.8) */
	int xstate_size; /* bytes of NT_X86_XSTATE; 0: only FXSAVE */
};
extern struct ptrace_host ptrace_host;

/* Host calls made by this thread in this folder: what the tests and bench count. */
extern __thread unsigned long ptrace_calls;

static inline long tracee_ptrace(const struct ctx *c, int request, uintptr_t addr, uintptr_t data)
{
	ptrace_calls++;
	return host_ptrace(request, c->tid, addr, data);
}

/* probe.c: 0, or -errno and a line that says why this host will not do. */
int ptrace_probe(void);

/* zygote.c */
int zygote_start(void);
/* None of its stubs but the spare is left. */
void zygote_stop(struct zygote *z);
/* Asks for the next stub ahead of need. */
void zygote_spare(struct zygote *z);
int ptrace_zygote_ask(int sock);
int ptrace_zygote_take(int fd, int pid, struct zygote **out);
void ptrace_zygote_end(struct zygote *z);
/* Ends and reaps a stub that nobody traces, or the last thread of one. */
void stub_kill(int pid);
struct rusage;
struct usage usage_from(const struct rusage *ru);
/* The same, and what it has used. */
void stub_kill_usage(int pid, struct usage *out);
/* A new stub, parked and ready; sock is its end of the control socket. */
int zygote_spawn(struct zygote *z, int *out_pid, int *out_sock);

/* tracee.c: one stopped host thread.  All return >= 0 or -errno, -ESRCH if it died. */
int tracee_seize(struct ctx *c);
/* The next stop's wait status. */
int tracee_wait(struct ctx *c);
/* PTRACE_SYSEMU (guest code) or PTRACE_CONT (ours), without a signal. */
int tracee_resume(struct ctx *c, int request);
/*
 * Runs one routine of the stub with these registers (rip is filled in) and
 * returns its rax.  The guest's registers are put back by the next run().
 */
long tracee_inject(struct ctx *c, const unsigned char *entry, struct regs *r);
/* A host call in the stub: its result. */
long tracee_call(struct ctx *c, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		 uint64_t a4);
/* Lets it go on untraced at `entry`, which never comes back. */
void tracee_release(struct ctx *c, const unsigned char *entry);
/* Writes the registers if they have changed: 0, -ESRCH or -EIO (the host refuses them). */
int tracee_flush(struct ctx *c);
/* Reads them. */
int tracee_fetch(struct ctx *c);

/* run.c */
void ptrace_run(struct ctx *c, struct event *out);
void ptrace_interrupt(struct ctx *c);

/* mem.c */
int ptrace_map(struct ctx *by, const struct map_req *req);
int ptrace_unmap(struct ctx *by, uaddr_t addr, uint64_t size);
int ptrace_protect(struct ctx *by, uaddr_t addr, uint64_t size, int prot);
int ptrace_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size, uaddr_t to);
int ptrace_advise(struct ctx *by, uaddr_t addr, uint64_t size, int advice);
int ptrace_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec);

/* copy.c */
ssize_t ptrace_read(struct aspace *as, const struct iovec *local, size_t nlocal,
		    const struct iovec *remote, size_t nremote);
ssize_t ptrace_write(struct aspace *as, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote);

/* ctl.c: the control socket of an aspace. */
struct ctl *ctl_new(int fd);
struct ctl *ctl_get(struct ctl *ctl);
void ctl_put(struct ctl *ctl);
/* mmap of a host descriptor in by's stub: 0 or -errno. */
int ctl_map(struct ctx *by, const struct map_req *req, int flags);

/* fpu.c */
size_t ptrace_fpu_size(void);
int ptrace_fpu_get(struct ctx *c, void *buf, size_t size);
int ptrace_fpu_set(struct ctx *c, const void *buf, size_t size);
int ptrace_fpu_reset(struct ctx *c);

/* watch.c: stubs that die by themselves. */
int watch_init(void);
void watch_add(struct ctx *c);
void watch_remove(struct ctx *c);
/* A zygote, whose end is missed from now on, and not any more. */
void watch_zygote(struct zygote *z);
void unwatch_zygote(struct zygote *z);
/* A host thread of a stub that has ended, reaped or not. */
bool stub_gone(int tid);
int ptrace_watch(void (*fn)(void));
bool ptrace_aspace_dead(struct aspace *as);
bool ptrace_zygote_dead(struct zygote *z);

/* place.c: which CPU a sentry thread and its stub thread share. */
void place_init(void);
/* A host thread cloned from another starts with its affinity. */
void place_inherit(struct ctx *c, const struct ctx *from);
void place_start(struct ctx *c);
void place_enter(struct ctx *c);
void place_leave(struct ctx *c);
