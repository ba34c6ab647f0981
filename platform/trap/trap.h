/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the trap platform's sentry side.
 *
 * Invariants
 *  1. A ctx's slot is read and written by its adopter while it is the sentry's
 *     turn; by anybody before it is adopted, under as->lock (ctx_settle).
 *  2. What is read from a slot is read once, into the ctx, and checked there.
 *  3. The thread group leader outlives every other thread: destroying its ctx
 *     parks it.
 *  4. A pid is used for anything but a wait only after aspace_verify.
 *  5. A stub that does not keep to the protocol is killed (aspace_kill): all
 *     else is then as if it had been killed from outside.
 *  6. Every wait for a stub ends: with its answer, after a time, with its death
 *     (dead, doomed), or because nobody wants the answer (abandoned).  Only the
 *     wait for guest code has no time.
 */
#pragma once

#include <stdatomic.h>

#include "platform/base/list.h"
#include "platform/base/local.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/host.h"
#include "platform/platform.h"
#include "platform/trap/ranges.h"
#include "platform/trap/slot.h"
#include "platform/trap/stub/stub.h"

/*
 * What clean stubs are cloned from; what is cloned from those is its, too.  The first is init()'s.
 */
struct zygote {
	struct ref ref;		/* a: its address spaces', and that of who will end it */
	int pid;		/* a: 0: it may go */
	int fd;			/* I  our end of its control socket */
	bool dead;		/* a: it has ended by itself */
	bool closed;		/* fill_lock: nothing is made any more */
	struct aspace *spare;	/* spare_lock */
	struct ctx *spare_ctx;	/* spare_lock */
	uint32_t left;		/* a: stubs killed, and left to reap.c's thread; a futex at 0 */
	struct list link;	/* fill_lock and zygotes_lock (zygote.c) to change it */
};
extern struct zygote trap_zygote_first;

struct abi_ucontext;
struct pool;
struct rewrite;
struct rusage;

struct aspace {
	struct lock lock;    /* RANK_PLATFORM */
	struct zygote *zygote; /* I  our reference */
	int pid;	     /* I */
	bool verified;	     /* a: pid is that of the process that has our object */
	uint64_t nonce;	     /* I  proves it */
	char *map;	     /* I  the object here */
	struct rewrite *text; /* I  see rewrite/ */
	int ctl;	     /* I  control socket: descriptor 3 of the stub; used under the mm lock */
	bool threaded;	     /* lock  has ever had two threads */
	uint32_t dead;	     /* a: futex; the host process has been waited for */
	uint32_t awaited;    /* a: threads that sleep in hand_wait */
	uint32_t doomed;     /* a: it was killed by us, or is not who it said: nobody waits for it */
	struct usage usage;  /* once dead, or */
	bool usage_known;    /* asked for at the end of its last thread */
	bool left;	     /* reap.c's lock: to be freed when it is reaped */
	bool counted;	     /* reap.c's lock: in zygote->left */
	struct list link;    /* reap.c's lock: by pid */
	struct list stray;   /* reap.c's lock: left before it was known who it is */
	struct list ctxs;    /* reap.c's lock: ctx.link */
	unsigned slots_used; /* lock: slots ever used */
	uint32_t free[SLOT_MAX / 32]; /* lock: slots that ended threads had */
	atomic_uint threads; /* ctxs */
};

/* Bits of ctx.state, as for ptrace: see run.c. */
enum { CTX_RUNNING = 1, CTX_KICKED = 2 };

/* Where the stub's thread waits for us. */
enum ctx_at {
	AT_START,  /* has not been heard of */
	AT_FRAME,  /* in a signal handler: registers and FPU state are in the frame */
	AT_CALL,   /* in a rewritten call: registers in the slot, the FPU is live */
};

/* Where a guest thread runs, see mode.c. */
enum hand_mode { JOINT, APART, HUDDLED };

struct ctx {
	struct aspace *as;   /* I */
	struct slot *slot;   /* I  here */
	unsigned number;     /* I  of the slot */
	int tid;	     /* adopter; never believed, see trap.c */
	bool leader;	     /* I */
	bool adopted;
	bool gone;	     /* dead, seen by us */
	uint32_t abandoned;  /* a: its adopter waits for it no longer */
	bool dirty;	     /* regs differ from the stub's */
	bool lazy;	     /* AT_CALL: regs have not been read from the slot: only nr, args count */
	bool packed;	     /* lazy: the call's ranges were in its line */
	bool answered;	     /* lazy: result is to be its rax */
	uint32_t nr;
	uint64_t args[6];
	int64_t result;
	enum ctx_at at;
	uaddr_t uc_rip;	     /* AT_FRAME: as the host has it; regs.rip as the guest knows it */
	struct abi_ucontext *uc; /* AT_FRAME: checked, here */
	unsigned char *fpu;  /* AT_FRAME: checked, here; xstate_size bytes */
	void *fpu_first;     /* to begin with; NULL: what the host thread has */
	bool clean_fpu;	     /* begins with the state of a fresh exec */
	uint64_t host_fs, host_gs; /* what the host thread has; gs 0: its slot */
	atomic_uint state;
	uint64_t site_rip;   /* AT_CALL: regs.rip of the event */
	uint32_t moves;	     /* of islands (rewrite_moves), when it last went on */
	struct ranges ranges; /* adopter: what the current call has in the slot */
	struct regs regs;
	struct regs told;    /* what the stub has, but for rax, if told_all */
	bool told_all;
	int64_t cputime;     /* last answer of ctx_cputime */
	const struct locals *adopter; /* a: whose it is; others only compare it */
	struct list link;    /* reap.c's lock */
	/* hand.c */
	struct pool *pool;  /* a: its adopter's; NULL: a thread of its own runs it */
	bool woken;	    /* its stub had to be woken for the last turn */
	uint64_t given;	    /* ticks: since when it is in guest code */
	/* mode.c */
	enum hand_mode mode;
	enum hand_mode born;  /* the mode in which it begins, */
	struct pool *born_in; /* in this pool; NULL: JOINT */
	int home;	      /* HUDDLED: the CPU it is kept on */
	unsigned vain;	   /* sleeps of the leader while it was out, since it was seen awake */
	unsigned sleepy;   /* how much of what it calls sleeps in the sentry */
	bool called;	   /* it has been released, and has not come back yet */
	unsigned released;  /* it joins because it computes: runs until it is tried apart again */
	unsigned runs, try_after; /* since it joined; until it is tried apart */
	uint64_t watched;      /* ticks: the leader went to sleep while it was in guest code; 0 */
	unsigned watched_turn; /* of its pool, then */
	int64_t watched_cpu;   /* what its process had used by then */
	unsigned spared;       /* times that it was found to be kept off its CPU by others */
};

/* Clock id of the CPU time of a whole process. */
static inline int process_clock(int pid)
{
	return (int)(~(unsigned)pid << 3 | 2);
}

/* Set by init, constant afterwards. */
struct trap_host {
	uint64_t base; /* of the stub's text */
	int sentry_pid;
	unsigned tasks; /* most threads of all guests; set before init */
	unsigned cpus; /* of the guest; set before its first address space */
	uint32_t xstate_size; /* bytes of FPU state in a frame */
	uint64_t xfeatures;
	uint32_t mxcsr_mask;
	bool fsgsbase; /* guests can write %gs by an instruction */
};
extern struct trap_host trap_host;

/* Host calls made by this thread in this folder: what the tests and bench count. */
extern __thread unsigned long trap_calls;

/* The ctx whose call the caller carries out, or NULL. */
static inline struct ctx *trap_current(void)
{
	return local_get(LOCAL_CTX);
}

/* zygote.c */
int zygote_trap_start(void);
/* Nothing is made from it any more (spare_end), and none of its stubs is left. */
void zygote_trap_stop(struct zygote *z);
/* A new stub that will take the object fd as its own, and ctl as its control socket.  0 or -errno. */
int zygote_trap_spawn(const struct zygote *z, int fd, int ctl);
void zygote_put(struct zygote *z);
/* In the list of all, and out of it: spare.c's lock held. */
void zygote_list(struct zygote *z);
void zygote_unlist(struct zygote *z);
/* Calls fn for each in it; that lock held. */
void zygote_for_each(void (*fn)(struct zygote *z));
/* One with that number has ended: true if it was one, and not to be expected. */
bool zygote_reaped(int pid);
int trap_zygote_ask(int sock);
int trap_zygote_take(int fd, int pid, struct zygote **out);
void trap_zygote_end(struct zygote *z);
bool trap_zygote_dead(struct zygote *z);

/* spare.c: what is made before it is wanted. */
/* A memory object with its number (aspace.c), and both ends of a control socket. */
struct object {
	int fd, sock, peer;
	char *map;
	uint64_t nonce;
};
/* 0 or -errno; the caller owns all of it. */
int object_take(struct object *out);
/* Makes one for the next, unless there are enough; quick, and under any lock of the sentry's mm. */
void object_ahead(void);
/* The new process has its descriptors; or nobody wants any of it. */
void object_sent(struct object *o);
void object_drop(struct object *o);
/* A clean stub that has shown itself, with its first thread: 0, -EAGAIN or another -errno. */
int spare_take(struct zygote *z, struct aspace **out, struct ctx **out_ctx);
/* Makes what is missing.  Not behind a lock. */
void spare_fill(void);
/* The first one, which stays there, and has said its first word; 0 or -errno. */
int spare_first(struct aspace **out, struct ctx **out_ctx);
/* Those of z too from now on. */
void spare_begin(struct zygote *z);
/* Nothing is made of z any more; what was there is gone. */
void spare_end(struct zygote *z);
/* Objects that are left at the end of all. */
void object_end(void);
/* A new one that nobody knows yet and never will. */
void aspace_unmake(struct aspace *as, struct ctx *c);
/* Nothing has the other end of its control socket any more. */
bool aspace_hung_up(const struct aspace *as);

/* aspace.c */
/* A new stub answers in well under a millisecond; one that does not is up to something. */
#define SETTLE_NS (5 * NSEC_PER_SEC)
/* A new object with its nonce in slot 0; the caller owns both. */
int object_new(int *out_fd, char **out_map, uint64_t *out_nonce);
void object_put(char *map);
/* Waits for the first word of a new thread, and of a new process makes sure who it is. */
int ctx_settle(struct ctx *c);
/* Of the process; c: whose adopter waits, or NULL. */
int aspace_settle(struct aspace *as, const struct ctx *c);
/* Without waiting: -ESRCH also if it has said nothing yet. */
int aspace_verify(struct aspace *as);
void aspace_kill(struct aspace *as);
/* Takes map, ctl over, also on failure; pid 0: not known yet. */
int aspace_make(struct zygote *z, int pid, int ctl, char *map, uint64_t nonce, struct rewrite *text,
		struct aspace **out, struct ctx **out_ctx);
int slot_take(struct aspace *as, unsigned *out);
void aspace_free(struct aspace *as);
void slot_put(struct aspace *as, unsigned number);
struct ctx *ctx_alloc(struct aspace *as, unsigned number, int tid);
void ctx_free(struct ctx *c);

/* hand.c */
void hand_init(void);
/* Gives the turn with a command; DO_RETURN of a lazy ctx with its answer. */
void hand_give(struct ctx *c, uint32_t command);
bool hand_is_ours(struct slot *s);
/* Until it is our turn again: 0, -ESRCH (over), -ETIMEDOUT.  c: whose adopter waits, or NULL. */
int hand_wait(struct aspace *as, const struct ctx *c, struct slot *s, int64_t budget_ns);
/* Any thread: c's adopter comes back from where it waits, and waits no more. */
void hand_abandon(struct ctx *c);
/* Any thread: whoever waits for c's stub looks at what has become of it. */
void hand_over(struct ctx *c);
/*
 * Before c is adopted, without a lock: its stub has said its first word, or -ETIMEDOUT.  A hint.
 * However long all of us are frozen meanwhile, that counts as a moment.
 */
int hand_first(struct ctx *c, int64_t budget_ns);
/* The same for a command's answer; is_long: one that takes the host long. */
int hand_wait_command(struct ctx *c, int64_t budget_ns, bool is_long);
/* The turn is the guest's until it comes back. */
int hand_run(struct ctx *c);
int64_t hand_now(void);
/* For pool.c.  The CPUs there are; the one this thread is on, -1 if it must not keep it. */
unsigned hand_cpus(void);
int hand_cpu(void);
/* All of them. */
const cpu_set_t *hand_set(void);
/* This thread goes wherever the host likes. */
void hand_roam(void);
/* In ticks: until when a leader looks for so many threads that are apart. */
uint64_t hand_look_until(unsigned apart, bool woken);
/* The stub is to ring when it gives the turn: false if it has given it. */
bool hand_tell(struct slot *s, uint32_t bell);
/* A leader has found it: others who wait for the same turn, while the bell was the leader's, wake up. */
void hand_meet(struct ctx *c);

/* mode.c: whose CPU is whose.  What is not said to be of any thread is the leader's, or of c's
 * worker. */
/* The child of by starts in its mode, once it is adopted. */
void mode_inherit(struct ctx *c, const struct ctx *by);
/* The same of a clean stub, which has run no guest code: it is moved, too. */
void mode_place(struct ctx *c, const struct ctx *by);
void mode_adopt(struct ctx *c);
void mode_forget(struct ctx *c);
/* Before it is given the turn, at c->given: it may be moved. */
void mode_choose(struct ctx *c);
/* The call that c's stub waits for sleeps in the sentry: others may have its CPU at once. */
void mode_sleeps(struct ctx *c);
/* A look has found its turn given. */
void mode_seen(struct ctx *c);
/* The leader goes to sleep while it is in guest code; later its turn has come. */
void mode_vain(struct ctx *c);
void mode_back(struct ctx *c);
/* For how long, from now on, its CPU is kept for it or off it while it computes: INT64_MAX if
 * nothing is kept.  Then: */
int64_t mode_keeps(const struct ctx *c);
void mode_release(struct ctx *c);
/* The leader looks, at these two moments, one after the other; last: 0 for the first. */
void mode_looks(struct pool *p, uint64_t last, uint64_t now);

/* command.c: host calls in the stub; results, -ESRCH if it died. */
long command_call(struct ctx *c, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		  uint64_t a4);
/* Several, of seven words each, in one turn: 0 or the first error. */
long command_calls(struct ctx *c, const uint64_t (*calls)[7], size_t n);
/* A command; within_ns: how long an honest stub may take. */
struct command {
	uint32_t what; /* DO_* */
	long nr;       /* of a host call */
	uint64_t args[6];
	int64_t within_ns;
	bool is_long; /* even at its best much longer than a wake-up */
	void (*meanwhile)(void); /* or NULL: is called while the stub is at it */
};
long command_give(struct ctx *c, const struct command *cmd);
/* Sends descriptors, then gives the command. */
long command_with_fds(struct ctx *by, const int *fds, size_t nfds, const struct command *cmd);
/* For within_ns. */
#define COMMAND_NS (5 * NSEC_PER_SEC) /* most take a microsecond; the machine may be busy */
#define FORK_NS	   (20 * NSEC_PER_SEC)
/* Of a command that works on so many bytes, each of which it may have to read from a disk. */
int64_t command_time(uint64_t bytes, bool reads);
/* As DO_CALL with an answer of size bytes at the slot's scratch. */
int command_scratch(struct ctx *c, long nr, uint64_t a0, void *out, size_t size,
		    int64_t within_ns);
uint64_t scratch_address(const struct ctx *c);

/* mem.c */
int trap_map(struct ctx *by, const struct map_req *req);
int trap_unmap(struct ctx *by, uaddr_t addr, uint64_t size);
int trap_protect(struct ctx *by, uaddr_t addr, uint64_t size, int prot);
int trap_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size, uaddr_t to);
int trap_advise(struct ctx *by, uaddr_t addr, uint64_t size, int advice);
int trap_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec);
ssize_t trap_read(struct aspace *as, const struct iovec *local, size_t nlocal,
		  const struct iovec *remote, size_t nremote);
ssize_t trap_write(struct aspace *as, const struct iovec *local, size_t nlocal,
		   const struct iovec *remote, size_t nremote);

void trap_settle(struct ctx *by);
size_t trap_peek(struct aspace *as, void *dst, uaddr_t src, size_t size);

/* frame.c: what the stub has said, and the state behind it. */
/* Reads and checks where the frame is: 0 or -EPROTO. */
int frame_read(struct ctx *c);
/* The registers are as the stub has them, but for rax. */
void frame_told(struct ctx *c);
/* Before guest code goes on: registers to where the stub will load them from. */
int frame_flush(struct ctx *c);
/* The registers of a call of which only the arguments have been read. */
void frame_load(struct ctx *c);
/* After this the state is in a frame. */
int frame_force(struct ctx *c);
size_t trap_fpu_size(void);
int trap_fpu_get(struct ctx *c, void *buf, size_t size);
int trap_fpu_set(struct ctx *c, const void *buf, size_t size);
int trap_fpu_reset(struct ctx *c);

/* run.c */
void trap_run(struct ctx *c, struct event *out);
void trap_interrupt(struct ctx *c);

/* reap.c */
void reap_init(void);
int reap_start(void);
void reap_add(struct aspace *as);
/* A clean stub whose number nobody knows yet: its end is found out by its control socket. */
void reap_expect(struct aspace *as);
/* Now it is known: 0, or -ESRCH if it has ended. */
int reap_known(struct aspace *as);
void reap_add_ctx(struct ctx *c);
void reap_remove_ctx(struct ctx *c);
/* Interrupts all threads of its process but by. */
void reap_interrupt_others(struct ctx *by);
/* Kills it, tells its usage; it is freed now or later. */
void reap_end(struct aspace *as, struct usage *out);
/* Waits until all of z that has been killed is gone. */
void reap_rest(struct zygote *z);
int trap_watch(void (*died)(void));
bool trap_aspace_dead(struct aspace *as);
