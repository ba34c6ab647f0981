/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host thread of a stub, as its tracer handles it.
 *
 * Death can come between any two calls (SIGKILL from outside, the OOM killer).
 * It shows as -ESRCH of ptrace or as an exit status of wait4; both end in
 * ctx->gone, and every function here then says -ESRCH without a host call.
 */
#include "platform/ptrace/ptrace.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/user.h>
#include <sys/wait.h>

_Static_assert(sizeof(struct regs) == sizeof(struct user_regs_struct), "regs layout");
_Static_assert(offsetof(struct regs, orig_rax) == offsetof(struct user_regs_struct, orig_rax),
	       "regs layout");
_Static_assert(offsetof(struct regs, gs) == offsetof(struct user_regs_struct, gs), "regs layout");

__thread unsigned long ptrace_calls;

static int tracee_dead(struct ctx *c)
{
	c->gone = true;
	atomic_store(&c->as->dead, true);
	return -ESRCH;
}

int tracee_wait(struct ctx *c)
{
	int status, n;
	do {
		ptrace_calls++;
		n = host_wait(c->tid, &status, __WNOTHREAD);
	} while (n == -EINTR);
	if (n < 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
		atomic_store(&c->reaped, true);
		if (c->leader && n > 0)
			c->as->reaped = true;
		return tracee_dead(c);
	}
	return status;
}

/*
 * ptrace said -ESRCH: the thread was killed while stopped and is on its way
 * out.  Seen through to the end here, because nobody else may know of it.
 */
static int tracee_lost(struct ctx *c)
{
	int status;
	do
		status = tracee_wait(c);
	while (status >= 0);
	return status;
}

static int tracee_result(struct ctx *c, long r)
{
	return r == -ESRCH ? tracee_lost(c) : (int)r;
}

int tracee_resume(struct ctx *c, int request)
{
	return tracee_result(c, tracee_ptrace(c, request, 0, 0));
}

/* Resumes in the stub's text and waits for the int3 there; other signals are not for the guest. */
static int tracee_until_trap(struct ctx *c)
{
	for (;;) {
		int err = tracee_resume(c, PTRACE_CONT);
		if (err < 0)
			return err;
		int status = tracee_wait(c);
		if (status < 0)
			return status;
		if (status >> 8 == SIGTRAP)
			return 0;
	}
}

long tracee_inject(struct ctx *c, const unsigned char *entry, struct regs *r)
{
	if (c->gone)
		return -ESRCH;
	r->rip = stub_at(ptrace_host.base, entry);
	r->orig_rax = (uint64_t)-1;
	r->eflags = 0x202; /* the guest's TF or DF must not touch our code */
	c->dirty = true;
	c->host_known = false;
	int err = tracee_result(c, tracee_ptrace(c, PTRACE_SETREGS, 0, (uintptr_t)r));
	if (err < 0)
		return err;
	if ((err = tracee_until_trap(c)) < 0)
		return err;
	unsigned long rax;
	err = tracee_result(c,
			    tracee_ptrace(c, PTRACE_PEEKUSER,
					  offsetof(struct user_regs_struct, rax), (uintptr_t)&rax));
	return err < 0 ? err : (long)rax;
}

/*
 * Segments and bases come from the kernel's own copy, so that SETREGS cannot
 * refuse an injection because of what the guest's sigreturn asked for.
 */
static struct regs inject_regs(void)
{
	struct regs r;
	memset(&r, 0, sizeof r);
	r.cs = 0x33;
	r.ss = 0x2b;
	return r;
}

long tracee_call(struct ctx *c, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		 uint64_t a4)
{
	struct regs r = inject_regs();
	r.rax = (uint64_t)nr;
	r.rdi = a0;
	r.rsi = a1;
	r.rdx = a2;
	r.r10 = a3;
	r.r8 = a4;
	return tracee_inject(c, stub_call, &r);
}

/* The values of rax that a host kernel takes for "restart this call": ERESTARTSYS and its kin. */
static bool is_restart(uint64_t rax)
{
	return rax >= (uint64_t)-516 && rax <= (uint64_t)-512;
}

/* True if rax is all that changed since the stop; the common answer to a system call. */
static bool only_rax(const struct ctx *c)
{
	struct regs r = c->regs;
	r.rax = c->host_regs.rax;
	return memcmp(&r, &c->host_regs, sizeof r) == 0 && !is_restart(c->regs.rax);
}

static int flush_rax(struct ctx *c)
{
	if (c->regs.rax == c->host_regs.rax)
		return 0;
	return tracee_result(c, tracee_ptrace(c, PTRACE_POKEUSER,
					      offsetof(struct user_regs_struct, rax),
					      (uintptr_t)c->regs.rax));
}

static int flush_all(struct ctx *c)
{
	/* orig_rax -1: whatever rax holds, the host does not take it for a call to restart. */
	struct regs r = c->regs;
	r.orig_rax = (uint64_t)-1;
	return tracee_result(c, tracee_ptrace(c, PTRACE_SETREGS, 0, (uintptr_t)&r));
}

int tracee_flush(struct ctx *c)
{
	if (!c->dirty)
		return 0;
	/* POKEUSER of one register costs half of SETREGS. */
	int err = c->host_known && only_rax(c) ? flush_rax(c) : flush_all(c);
	c->dirty = err < 0;
	c->host_known = false;
	return err;
}

int tracee_fetch(struct ctx *c)
{
	int err = tracee_result(c, tracee_ptrace(c, PTRACE_GETREGS, 0, (uintptr_t)&c->host_regs));
	if (err < 0)
		return err;
	c->regs = c->host_regs;
	c->host_known = true;
	return 0;
}

void tracee_release(struct ctx *c, const unsigned char *entry)
{
	struct regs r = inject_regs();
	if (c->gone)
		return;
	assert(c->adopter == &ptrace_calls);
	r.rip = stub_at(ptrace_host.base, entry);
	r.orig_rax = (uint64_t)-1;
	r.eflags = 0x202;
	if (tracee_result(c, tracee_ptrace(c, PTRACE_SETREGS, 0, (uintptr_t)&r)) < 0)
		return;
	tracee_result(c, tracee_ptrace(c, PTRACE_DETACH, 0, 0));
}

/* Stops a running thread, whatever it does. */
static int tracee_halt(struct ctx *c)
{
	int err = tracee_result(c, tracee_ptrace(c, PTRACE_INTERRUPT, 0, 0));
	return err < 0 ? err : tracee_wait(c);
}

/*
 * A forked leader sets its parent-death signal before it parks.  Stopped
 * earlier than that, it does all of it once more, for us.
 */
static int seize_settle(struct ctx *c)
{
	struct regs r = inject_regs();
	uint64_t rip;
	int err = tracee_result(c, tracee_ptrace(c, PTRACE_PEEKUSER,
						 offsetof(struct user_regs_struct, rip),
						 (uintptr_t)&rip));
	if (err < 0 || rip == stub_at(ptrace_host.base, stub_parked))
		return err;
	r.r12 = (uint64_t)ptrace_host.sentry_pid;
	long pid = tracee_inject(c, stub_settle, &r);
	return pid < 0 ? (int)pid : 0;
}

int tracee_seize(struct ctx *c)
{
	uintptr_t options = PTRACE_O_TRACESYSGOOD;
	if (ptrace_host.exitkill)
		options |= PTRACE_O_EXITKILL;
	/*
	 * -ESRCH or -EPERM: it is dying.  That the host lets us trace at all was
	 * tried at init.  Nothing was attached, so a thread reaps itself.
	 */
	int err = (int)tracee_ptrace(c, PTRACE_SEIZE, 0, options);
	if (err < 0) {
		atomic_store(&c->reaped, !c->leader);
		return tracee_dead(c);
	}
	c->adopted = true;
	__atomic_store_n(&c->adopter, &ptrace_calls, __ATOMIC_RELAXED);
	if ((err = tracee_halt(c)) < 0)
		return err;
	c->dirty = true;
	return c->forked ? seize_settle(c) : 0;
}
