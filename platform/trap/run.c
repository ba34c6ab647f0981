/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run(): guest code until the stub says something, and what that means.
 *
 * Interruption is as under ptrace: ctx.state has two bits; interrupt() sets KICKED
 * and sends the signal only if RUNNING is set and KICKED was not.  A signal that
 * finds guest code comes as a frame; one that finds the stub's own code in a
 * rewritten call is told before guest code goes on (SAYS_KICK); one that finds it
 * handing over waits, blocked, and comes later, when nobody wants it: dropped.
 *
 * int 0x80 and sysenter reach the filter as calls of another architecture.  A
 * kernel without 32-bit emulation answers them with SIGSEGV; so do we.
 */
#include "platform/trap/text.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "syscalls/abi/signal.h"

enum {
	CODE_SECCOMP = 1,   /* SYS_SECCOMP */
	CODE_KERNEL = 0x80, /* SI_KERNEL */
	TRAP_GP = 13,
};

/* The parts of siginfo that matter, at their places on x86-64. */
struct stub_info {
	int32_t signo, err, code, pad;
	uint64_t addr;
	int32_t syscall;
	uint32_t arch;
};

static bool info_read(struct ctx *c, struct stub_info *out)
{
	const uint64_t from = SLOTS_AT + (uint64_t)c->number * SLOT_SIZE;
	uint64_t at = __atomic_load_n(&c->slot->info, __ATOMIC_RELAXED);
	if (at < from + SLOT_SIGSTACK || at > from + SLOT_SIZE - sizeof *out || at % 8 != 0)
		return false;
	memcpy(out, (char *)c->slot + (at - from), sizeof *out);
	return true;
}

static bool event_gp(struct event *out, uint64_t error)
{
	*out = (struct event){.kind = EV_FAULT,
			      .signo = SIGSEGV,
			      .code = CODE_KERNEL,
			      .trapno = TRAP_GP,
			      .error = error};
	return true;
}

static bool event_trapped(struct ctx *c, const struct stub_info *si, struct event *out)
{
	struct regs *r = &c->regs;
	if (si->code != CODE_SECCOMP)
		return false;
	if (si->arch != AUDIT_ARCH_X86_64) {
		r->rip -= 2; /* as #GP on int 0x80 shows it: at the instruction */
		c->dirty = true;
		return event_gp(out, /*error=*/0x80 * 8 + 2);
	}
	/* A number that looks like a wish to restart has been taken for one by the host. */
	r->orig_rax = (int32_t)r->rax == si->syscall ? r->rax : (uint64_t)(int64_t)si->syscall;
	r->rax = (uint64_t)-ENOSYS;
	frame_told(c);
	*out = (struct event){.kind = EV_SYSCALL,
			      .rewrite = r->rip == c->uc_rip && rewrite_due(c->as->text, r->rip)};
	event_call(out, r);
	return true;
}

static bool kick_taken(struct ctx *c)
{
	unsigned old = atomic_load(&c->state);
	while (old & CTX_KICKED)
		if (atomic_compare_exchange_weak(&c->state, &old, 0))
			return true;
	return false;
}

static bool event_interrupt(struct ctx *c, struct event *out)
{
	*out = (struct event){.kind = EV_INTERRUPT};
	return kick_taken(c);
}

/*
 * Registers no thread may have: Linux finds out at iret and raises SIGSEGV; they are
 * put back to sane ones, so that the handler can run.
 */
static void sane_registers(struct ctx *c)
{
	struct regs *r = &c->regs;
	r->cs = 0x33;
	r->ss = 0x2b;
	if (r->fs_base >> 47)
		r->fs_base = 0;
	if (r->gs_base >> 47)
		r->gs_base = 0;
	c->dirty = true;
}

static bool event_fault(struct ctx *c, int signo, const struct stub_info *si, struct event *out)
{
	const struct abi_sigcontext *m = &c->uc->uc_mcontext;
	if (si->code <= 0)
		return false; /* somebody outside sent it */
	if (text_fault(c, signo, si->addr, m->err))
		return false;
	*out = (struct event){.kind = EV_FAULT,
			      .signo = signo,
			      .code = si->code,
			      .addr = si->addr,
			      .trapno = m->trapno,
			      .error = m->err};
	if (c->regs.cs != 0x33 || c->regs.ss != 0x2b)
		sane_registers(c);
	return true;
}

static bool confused(struct ctx *c, struct event *out)
{
	aspace_kill(c->as);
	c->gone = true;
	*out = (struct event){.kind = EV_GONE};
	return true;
}

static bool event_signal(struct ctx *c, struct event *out)
{
	struct stub_info si;
	int signo = (int)__atomic_load_n(&c->slot->signo, __ATOMIC_RELAXED);
	if (frame_read(c) < 0 || !info_read(c, &si))
		return confused(c, out);
	switch (signo) {
	case SIGSYS:
		return event_trapped(c, &si, out);
	case INTERRUPT_SIGNAL:
		return event_interrupt(c, out);
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		return event_fault(c, signo, &si, out);
	default:
		return confused(c, out);
	}
}

/* Of an interrupt that found a call which was answered in the stub. */
static void kick_read(struct ctx *c)
{
	c->lazy = true;
	c->answered = c->packed = false;
	c->at = AT_CALL;
	c->nr = (uint32_t)c->slot->regs.orig_rax;
	c->args[0] = c->slot->regs.rdi;
	c->args[1] = c->slot->regs.rsi;
	c->args[2] = c->slot->regs.rdx;
	c->args[3] = c->slot->regs.r10;
	c->args[4] = c->slot->regs.r8;
	c->args[5] = c->slot->regs.r9;
	uint64_t rax = c->slot->regs.rax;
	frame_load(c);
	c->regs.rax = rax;
	c->regs.orig_rax = ~0ull;
}

/* All of a rewritten call that most need. */
static void call_read(struct ctx *c, bool packed, struct event *out)
{
	c->at = AT_CALL;
	c->lazy = true;
	c->packed = packed;
	c->answered = false;
	c->dirty = false;
	c->told_all = false;
	c->nr = __atomic_load_n(&c->slot->nr, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_SIZE(c->args); i++)
		c->args[i] = __atomic_load_n(&c->slot->word[i], __ATOMIC_RELAXED);
	*out = (struct event){.kind = EV_SYSCALL, .rewritten = true, .nr = c->nr};
	memcpy(out->args, c->args, sizeof out->args);
}

/* A call that has become an event: until run() its memory is looked for in the slot first. */
static void call_begins(struct ctx *c, const struct event *ev)
{
	if (ev->kind != EV_SYSCALL)
		return;
	if (c->lazy && c->packed)
		ranges_take_packed(&c->ranges, c->slot, c->args);
	else
		ranges_take(&c->ranges, c->slot);
	local_set(LOCAL_CTX, c);
}

static void call_ends(struct ctx *c)
{
	if (!c->lazy || !c->packed)
		ranges_give(&c->ranges, c->slot);
	local_set(LOCAL_CTX, NULL);
}

/* True if what the stub said is an event. */
static bool event_read(struct ctx *c, struct event *out)
{
	switch (__atomic_load_n(&c->slot->event, __ATOMIC_RELAXED)) {
	case SAYS_SIGNAL:
		return event_signal(c, out);
	case SAYS_CALL:
		call_read(c, /*packed=*/false, out);
		return true;
	case SAYS_PACKED:
		call_read(c, /*packed=*/true, out);
		return true;
	case SAYS_KICK:
		kick_read(c);
		return event_interrupt(c, out);
	default:
		return confused(c, out);
	}
}

static void run_resumed(struct ctx *c, struct event *out)
{
	for (;;) {
		int err = frame_flush(c);
		if (err == -EIO) {
			sane_registers(c);
			event_gp(out, 0);
			return;
		}
		if (err == 0)
			call_ends(c);
		if (err < 0 || hand_run(c) < 0) {
			c->gone = true;
			*out = (struct event){.kind = EV_GONE};
			return;
		}
		if (event_read(c, out)) {
			call_begins(c, out);
			return;
		}
	}
}

void trap_run(struct ctx *c, struct event *out)
{
	*out = (struct event){.kind = EV_GONE};
	if (c->gone)
		return;
	assert(c->adopter == locals_self());
	atomic_fetch_or(&c->state, CTX_RUNNING);
	if (kick_taken(c)) {
		*out = (struct event){.kind = EV_INTERRUPT};
		return;
	}
	run_resumed(c, out);
	atomic_fetch_and(&c->state, ~(unsigned)CTX_RUNNING);
}

void trap_interrupt(struct ctx *c)
{
	unsigned old = atomic_fetch_or(&c->state, CTX_KICKED);
	if ((old & CTX_RUNNING) && !(old & CTX_KICKED) &&
	    !__atomic_load_n(&c->as->dead, __ATOMIC_ACQUIRE))
		host_tgkill(c->as->pid, c->tid, INTERRUPT_SIGNAL);
}
