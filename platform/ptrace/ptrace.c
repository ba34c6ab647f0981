/* SPDX-License-Identifier: Apache-2.0 */
/* Life and death of address spaces and their threads; the platform's table. */
#include "platform/ptrace/ptrace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

struct ptrace_host ptrace_host;

static int ptrace_init(void)
{
	int err = ptrace_probe();
	if (err < 0)
		return err;
	if ((err = watch_init()) < 0)
		return err;
	place_init();
	if ((err = zygote_start()) == 0)
		zygote_spare(&ptrace_zygote_first);
	return err;
}

static struct ctx *ctx_alloc(struct aspace *as, int tid, bool leader)
{
	struct ctx *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->as = as;
	c->tid = tid;
	c->leader = leader;
	c->dirty = true;
	c->regs.cs = 0x33;
	c->regs.ss = 0x2b;
	c->regs.eflags = 0x202;
	atomic_fetch_add(&as->threads, 1);
	watch_add(c);
	return c;
}

static void ptrace_aspace_destroy(struct aspace *as, struct usage *out)
{
	struct usage none;
	if (!as->reaped)
		stub_kill_usage(as->pid, out ? out : &none);
	ctl_put(as->ctl);
	free(as);
}

/* Takes over pid and ctl, also on failure. */
static int aspace_make(int pid, struct ctl *ctl, struct aspace **out, struct ctx **out_ctx)
{
	struct aspace *as = calloc(1, sizeof *as);
	struct ctx *c = NULL;
	if (as) {
		as->pid = pid;
		as->ctl = ctl;
		lock_init(&as->lock, RANK_PLATFORM);
		c = ctx_alloc(as, pid, /*leader=*/true);
	}
	if (!c) {
		stub_kill(pid);
		ctl_put(ctl);
		free(as);
		return -ENOMEM;
	}
	*out = as;
	*out_ctx = c;
	return 0;
}

static int ptrace_aspace_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	int pid, sock;
	int err = zygote_spawn(z ? z : &ptrace_zygote_first, &pid, &sock);
	if (err < 0)
		return err;
	struct ctl *ctl = ctl_new(sock);
	if (!ctl) {
		host_close(sock);
		stub_kill(pid);
		return -ENOMEM;
	}
	if ((err = aspace_make(pid, ctl, out, out_ctx)) < 0)
		return err;
	(*out)->ctl_own = true;
	(*out_ctx)->clean_fpu = true;
	return 0;
}

static int ptrace_aspace_fork(struct ctx *by, struct aspace **out, struct ctx **out_ctx)
{
	struct regs r = {.cs = 0x33, .ss = 0x2b};
	r.rax = SYS_clone;
	r.rdi = STUB_CLONE_FORK;
	r.r12 = (uint64_t)ptrace_host.sentry_pid;
	long pid = tracee_inject(by, stub_fork, &r);
	if (pid < 0)
		return (int)pid;
	by->as->ctl_own = false;
	int err = aspace_make((int)pid, ctl_get(by->as->ctl), out, out_ctx);
	if (err < 0)
		return err;
	(*out_ctx)->forked = true;
	(*out_ctx)->regs = by->regs;
	place_inherit(*out_ctx, by);
	return 0;
}

static int ptrace_aspace_reset(struct ctx *by)
{
	return (int)tracee_call(by, SYS_munmap, 0, USER_TOP, 0, 0, 0);
}

static int ptrace_ctx_create(struct ctx *by, struct ctx **out)
{
	struct regs r = {.cs = 0x33, .ss = 0x2b};
	r.rax = SYS_clone;
	r.rdi = STUB_CLONE_THREAD;
	long tid = tracee_inject(by, stub_thread, &r);
	if (tid < 0)
		return (int)tid;
	struct ctx *c = ctx_alloc(by->as, (int)tid, /*leader=*/false);
	if (!c)
		return -ENOMEM; /* the host thread sleeps until the process ends */
	c->regs = by->regs;
	place_inherit(c, by);
	lock(&by->as->lock);
	by->as->threaded = true;
	unlock(&by->as->lock);
	*out = c;
	return 0;
}

static int ptrace_ctx_adopt(struct ctx *c)
{
	int err = tracee_seize(c);
	if (err < 0)
		return err;
	place_start(c);
	return c->clean_fpu ? ptrace_fpu_reset(c) : 0;
}

/*
 * The leader parks: see invariant 3.  A thread that was never adopted sleeps
 * untraced already, so a leader stays so; another is adopted for its exit.
 */
static void ptrace_ctx_destroy(struct ctx *c)
{
	watch_remove(c);
	if (!c->adopted && !c->leader)
		tracee_seize(c);
	if (c->adopted)
		tracee_release(c, c->leader ? stub_park : stub_exit);
	atomic_fetch_sub(&c->as->threads, 1);
	free(c);
}

static const struct regs *ptrace_regs(struct ctx *c)
{
	return &c->regs;
}

static void ptrace_answer(struct ctx *c, int64_t result)
{
	c->dirty = true;
	c->regs.rax = (uint64_t)result;
}

static struct regs *ptrace_regs_mut(struct ctx *c)
{
	c->dirty = true;
	return &c->regs;
}

/* The clock of a whole process can be read from outside: CLOCK of ~pid, type SCHED. */
static int ptrace_aspace_cputime(struct aspace *as, int64_t *out_ns)
{
	if (atomic_load(&as->dead))
		return -ESRCH;
	ptrace_calls++;
	int err = host_clock_get((int)(~(unsigned)as->pid << 3 | 2), out_ns);
	return err == -EINVAL ? -ESRCH : err;
}

static int thread_cputime(struct ctx *c, int64_t *out_ns)
{
	uint64_t at = ptrace_host.base + STUB_TEXT_SIZE + STUB_TIME;
	struct timespec ts;
	struct iovec local = {.iov_base = &ts, .iov_len = sizeof ts};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = sizeof ts};
	int err = (int)tracee_call(c, SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, at, 0, 0, 0);
	if (err < 0)
		return err;
	ptrace_calls++;
	if (host_vm_read(c->as->pid, &local, 1, &remote, 1) != (ssize_t)sizeof ts)
		return -ESRCH;
	*out_ns = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

/*
 * A thread's clock can only be read in its own process, by its adopter between
 * two run()s; anybody else gets the last answer.  The guest can spoil the
 * answer on its way through the data page, so it is bounded by what is known.
 */
static int ptrace_ctx_cputime(struct ctx *c, int64_t *out_ns)
{
	int64_t all, own;
	int err = ptrace_aspace_cputime(c->as, &all);
	if (err < 0)
		return err;
	lock(&c->as->lock);
	if (!c->as->threaded) {
		c->cputime = all;
	} else if (__atomic_load_n(&c->adopter, __ATOMIC_RELAXED) == &ptrace_calls) {
		err = thread_cputime(c, &own);
		if (err == 0 && own >= c->cputime)
			c->cputime = own < all ? own : all;
	}
	*out_ns = c->cputime;
	unlock(&c->as->lock);
	return err;
}

struct usage usage_from(const struct rusage *ru)
{
	return (struct usage){.minflt = (uint64_t)ru->ru_minflt,
			      .majflt = (uint64_t)ru->ru_majflt,
			      .nivcsw = (uint64_t)ru->ru_nivcsw,
			      .maxrss_kb = (uint64_t)ru->ru_maxrss};
}

/* What the guest spoils on its way through the data page is its own account. */
static int ptrace_usage(struct ctx *by, bool thread, struct usage *out)
{
	uint64_t at = ptrace_host.base + STUB_TEXT_SIZE + STUB_TIME;
	struct rusage ru;
	struct iovec local = {.iov_base = &ru, .iov_len = sizeof ru};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = sizeof ru};
	int who = thread ? RUSAGE_THREAD : RUSAGE_SELF;
	/* Never started: waiting for it would find nobody, and take its whole process for dead. */
	if (!by->adopted)
		return -ESRCH;
	int err = (int)tracee_call(by, SYS_getrusage, (uint64_t)who, at, 0, 0, 0);
	if (err < 0)
		return err;
	ptrace_calls++;
	if (host_vm_read(by->as->pid, &local, 1, &remote, 1) != (ssize_t)sizeof ru)
		return -ESRCH;
	*out = usage_from(&ru);
	return 0;
}

static int ptrace_set_tsc(struct ctx *by, bool allowed)
{
	return (int)tracee_call(by, SYS_prctl, PR_SET_TSC, allowed ? PR_TSC_ENABLE : PR_TSC_SIGSEGV,
				0, 0, 0);
}

static void ptrace_shutdown(void)
{
	zygote_stop(&ptrace_zygote_first);
}

const struct platform_ops ptrace_platform = {
	.name = "ptrace",
	.init = ptrace_init,
	.shutdown = ptrace_shutdown,
	.aspace_new = ptrace_aspace_new,
	.aspace_fork = ptrace_aspace_fork,
	.aspace_reset = ptrace_aspace_reset,
	.aspace_destroy = ptrace_aspace_destroy,
	.watch = ptrace_watch,
	.aspace_dead = ptrace_aspace_dead,
	.zygote_ask = ptrace_zygote_ask,
	.zygote_take = ptrace_zygote_take,
	.zygote_end = ptrace_zygote_end,
	.zygote_dead = ptrace_zygote_dead,
	.ctx_create = ptrace_ctx_create,
	.ctx_adopt = ptrace_ctx_adopt,
	.ctx_destroy = ptrace_ctx_destroy,
	.run = ptrace_run,
	.interrupt = ptrace_interrupt,
	.regs = ptrace_regs,
	.regs_mut = ptrace_regs_mut,
	.answer = ptrace_answer,
	.fpu_size = ptrace_fpu_size,
	.fpu_get = ptrace_fpu_get,
	.fpu_set = ptrace_fpu_set,
	.fpu_reset = ptrace_fpu_reset,
	.set_tsc = ptrace_set_tsc,
	.map = ptrace_map,
	.unmap = ptrace_unmap,
	.protect = ptrace_protect,
	.remap = ptrace_remap,
	.advise = ptrace_advise,
	.mincore = ptrace_mincore,
	.read = ptrace_read,
	.write = ptrace_write,
	.ctx_cputime = ptrace_ctx_cputime,
	.aspace_cputime = ptrace_aspace_cputime,
	.usage = ptrace_usage,
};
