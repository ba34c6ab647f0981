/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run(): one resume of guest code, and what stopped it.
 *
 * Interruption.  ctx.state has two bits.  interrupt() sets KICKED and sends the
 * signal only if RUNNING is set and KICKED was not; run() sets RUNNING, and
 * takes KICKED (clearing both) on its way in and on each stop by the signal.
 *
 *	outside, kicked	     -> the next run() returns at once, no signal needed
 *	running, kicked	     -> the signal stops the thread, or is still pending
 *				when it stops for another reason: then KICKED
 *				survives for the next run(), and the signal,
 *				found later without KICKED, is dropped
 *
 * So no kick is lost and none is seen twice.  The signal is ignored in stubs
 * that are not traced, where a late one does nothing.
 *
 * int 0x80 and sysenter stop SYSEMU too.  A kernel without 32-bit emulation
 * answers them with SIGSEGV; so do we.  syscall leaves rip in rcx and eflags in
 * r11 (up to 4.x the kernel shows -1 in rcx), which no other way in does unless
 * the guest arranges it - and then it has only reached the 64-bit call of that
 * number in the sentry, which it could have called anyway.
 *
 * Calls into the vsyscall page (time, gettimeofday, getcpu) are carried out by
 * the host's page fault handler and are not seen: they tell the host's clock
 * and CPU number.
 */
#include "platform/ptrace/ptrace.h"

#include <assert.h>
#include <errno.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "platform/base/log.h"

enum {
	SYSCALL_STOP = SIGTRAP | 0x80,
	CODE_KERNEL = 0x80, /* SI_KERNEL */
	TRAP_GP = 13,
	TRAP_PF = 14,
	CS_USER = 0x33,
};

static bool is_syscall(const struct regs *r)
{
	return r->cs == CS_USER && (r->rcx == r->rip || r->rcx == ~0ull) && r->r11 == r->eflags;
}

static void event_gp(struct ctx *c, struct event *out, uint64_t error)
{
	(void)c;
	*out = (struct event){.kind = EV_FAULT,
			      .signo = SIGSEGV,
			      .code = CODE_KERNEL,
			      .trapno = TRAP_GP,
			      .error = error};
}

static void event_syscall(struct ctx *c, struct event *out)
{
	if (is_syscall(&c->regs)) {
		*out = (struct event){.kind = EV_SYSCALL};
		event_call(out, &c->regs);
		return;
	}
	/* As #GP on int 0x80 shows it: at the instruction, with rax as it was. */
	c->regs.rip -= 2;
	c->regs.rax = c->regs.orig_rax;
	c->regs.orig_rax = ~0ull;
	c->dirty = true;
	event_gp(c, out, /*error=*/0x80 * 8 + 2);
}

/* The trap number; the host does not tell it to a tracer, but signal and code imply it. */
static uint64_t fault_trapno(int signo, int code)
{
	switch (signo) {
	case SIGSEGV:
		return code == CODE_KERNEL ? TRAP_GP : TRAP_PF;
	case SIGBUS:
		return code == BUS_ADRALN ? 17 : TRAP_PF;
	case SIGILL:
		return 6;
	case SIGFPE:
		return code == FPE_INTDIV ? 0 : 19;
	default:
		return code == CODE_KERNEL ? 3 : 1;
	}
}

/* Bits of a page fault's error code that are known: user mode, present, instruction fetch. */
static uint64_t fault_error(const struct event *ev, uint64_t rip)
{
	if (ev->trapno != TRAP_PF)
		return 0;
	return 4u | (ev->code == SEGV_ACCERR ? 1u : 0u) | (ev->addr == rip ? 16u : 0u);
}

/* True if the signal is the guest's own doing: *out is filled. */
static bool event_fault(struct ctx *c, int signo, struct event *out)
{
	siginfo_t si;
	if (tracee_ptrace(c, PTRACE_GETSIGINFO, 0, (uintptr_t)&si) < 0)
		return false;
	if (si.si_code <= 0)
		return false;
	*out = (struct event){.kind = EV_FAULT,
			      .signo = signo,
			      .code = si.si_code,
			      .addr = (uaddr_t)(uintptr_t)si.si_addr};
	out->trapno = fault_trapno(signo, si.si_code);
	out->error = fault_error(out, c->regs.rip);
	return true;
}

/*
 * The registers the sentry wants are refused: selectors or bases that no user
 * thread may have.  Linux finds out at iret and raises SIGSEGV; ours are put
 * back to sane ones first, so that the handler can run.
 */
static void event_bad_regs(struct ctx *c, struct event *out)
{
	struct regs *r = &c->regs;
	r->cs = CS_USER;
	r->ss = 0x2b;
	r->ds = r->es = r->fs = r->gs = 0;
	if (r->fs_base >> 47)
		r->fs_base = 0;
	if (r->gs_base >> 47)
		r->gs_base = 0;
	event_gp(c, out, 0);
}

/* Takes a pending kick; RUNNING ends with it. */
static bool kick_taken(struct ctx *c)
{
	unsigned old = atomic_load(&c->state);
	while (old & CTX_KICKED)
		if (atomic_compare_exchange_weak(&c->state, &old, 0))
			return true;
	return false;
}

/* One stop: true if it is an event. */
static bool event_stop(struct ctx *c, int status, struct event *out)
{
	int signo = WSTOPSIG(status);
	if (status >> 16)
		return false; /* a group stop or a trap of ours: the host's affair */
	if (signo == INTERRUPT_SIGNAL) {
		if (!kick_taken(c))
			return false;
		*out = (struct event){.kind = EV_INTERRUPT};
	}
	if (signo != INTERRUPT_SIGNAL && signo != SYSCALL_STOP && signo != SIGSEGV &&
	    signo != SIGBUS && signo != SIGILL && signo != SIGFPE && signo != SIGTRAP)
		return false;
	if (tracee_fetch(c) < 0)
		return false; /* dead: the next resume says so */
	if (signo == INTERRUPT_SIGNAL)
		return true;
	if (signo != SYSCALL_STOP)
		return event_fault(c, signo, out);
	event_syscall(c, out);
	return true;
}

static void run_resumed(struct ctx *c, struct event *out)
{
	for (;;) {
		int err = tracee_resume(c, PTRACE_SYSEMU);
		int status = err < 0 ? err : tracee_wait(c);
		if (status < 0) {
			*out = (struct event){.kind = EV_GONE};
			return;
		}
		if (event_stop(c, status, out))
			return;
	}
}

void ptrace_run(struct ctx *c, struct event *out)
{
	*out = (struct event){.kind = EV_GONE};
	if (c->gone)
		return;
	assert(c->adopter == &ptrace_calls);
	atomic_fetch_or(&c->state, CTX_RUNNING);
	if (kick_taken(c)) {
		*out = (struct event){.kind = EV_INTERRUPT};
		return;
	}
	int err = tracee_flush(c);
	if (err == -EIO) {
		event_bad_regs(c, out);
	} else if (err == 0) {
		place_enter(c);
		run_resumed(c, out);
		place_leave(c);
	}
	atomic_fetch_and(&c->state, ~(unsigned)CTX_RUNNING);
}

void ptrace_interrupt(struct ctx *c)
{
	unsigned old = atomic_fetch_or(&c->state, CTX_KICKED);
	if ((old & CTX_RUNNING) && !(old & CTX_KICKED))
		host_tgkill(c->as->pid, c->tid, INTERRUPT_SIGNAL);
}
