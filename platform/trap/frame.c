/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers and FPU state: in the host's signal frame, edited in place, or, in a
 * rewritten call, in the slot.
 *
 * The guest can change a frame under our hands.  Where it lies is checked once
 * and kept; what is in it is its own business, and the host checks it again at
 * rt_sigreturn.
 */
#include "platform/trap/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "syscalls/abi/signal.h"

enum {
	FXSAVE_SIZE = 512,
	FCW_AT = 0,
	MXCSR_AT = 24,
	MXCSR_MASK_AT = 28,
	XSTATE_BV_AT = 512,
	XSAVE_HEADER_SIZE = 64,
	CS_USER = 0x33,
	SS_USER = 0x2b,
	EFLAGS_TF = 0x100,
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS = 0x1002,
};

/* What a guest thread's host thread has blocked: all but faults, SIGSYS and the interrupt. */
static const uint64_t stub_mask = ~(1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) |
				    1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) |
				    1ull << (SIGSEGV - 1) | 1ull << (SIGSYS - 1) |
				    1ull << (INTERRUPT_SIGNAL - 1));

/* An address in the stub, as one here: size bytes in the signal stack of this slot, or NULL. */
static void *in_sigstack(struct ctx *c, uint64_t addr, uint64_t size, uint64_t align)
{
	const uint64_t from = SLOTS_AT + (uint64_t)c->number * SLOT_SIZE;
	if (addr < from + SLOT_SIGSTACK || addr > from + SLOT_SIZE - size || addr % align != 0)
		return NULL;
	return (char *)c->slot + (addr - from);
}

static void regs_from(struct regs *r, const struct abi_sigcontext *m)
{
	r->r15 = m->r15;
	r->r14 = m->r14;
	r->r13 = m->r13;
	r->r12 = m->r12;
	r->rbp = m->rbp;
	r->rbx = m->rbx;
	r->r11 = m->r11;
	r->r10 = m->r10;
	r->r9 = m->r9;
	r->r8 = m->r8;
	r->rax = m->rax;
	r->rcx = m->rcx;
	r->rdx = m->rdx;
	r->rsi = m->rsi;
	r->rdi = m->rdi;
	r->orig_rax = ~0ull;
	r->rip = m->rip;
	r->cs = m->cs;
	r->eflags = m->eflags;
	r->rsp = m->rsp;
	r->ss = m->ss;
}

static void regs_to(struct abi_sigcontext *m, const struct regs *r)
{
	m->r15 = r->r15;
	m->r14 = r->r14;
	m->r13 = r->r13;
	m->r12 = r->r12;
	m->rbp = r->rbp;
	m->rbx = r->rbx;
	m->r11 = r->r11;
	m->r10 = r->r10;
	m->r9 = r->r9;
	m->r8 = r->r8;
	m->rax = r->rax;
	m->rcx = r->rcx;
	m->rdx = r->rdx;
	m->rsi = r->rsi;
	m->rdi = r->rdi;
	m->rip = r->rip;
	m->cs = (uint16_t)r->cs;
	m->eflags = r->eflags;
	m->rsp = r->rsp;
	m->ss = (uint16_t)r->ss;
}

static int locate(struct ctx *c)
{
	const uint64_t fpu_size = trap_host.xstate_size ? trap_host.xstate_size : FXSAVE_SIZE;
	c->uc = in_sigstack(c, __atomic_load_n(&c->slot->frame, __ATOMIC_RELAXED),
			    sizeof *c->uc, 8);
	if (!c->uc)
		return -EPROTO;
	uint64_t fpu = __atomic_load_n(&c->uc->uc_mcontext.fpstate, __ATOMIC_RELAXED);
	c->fpu = in_sigstack(c, fpu, fpu_size, 16);
	return c->fpu ? 0 : -EPROTO;
}

/* %gs as the guest has written it by itself, if the host lets it. */
static void gs_read(struct ctx *c)
{
	const uint64_t own = SLOTS_AT + (uint64_t)c->number * SLOT_SIZE;
	if (!trap_host.fsgsbase)
		return;
	uint64_t gs = __atomic_load_n(&c->slot->gs, __ATOMIC_RELAXED);
	if (gs != (c->host_gs ? c->host_gs : own))
		c->regs.gs_base = c->host_gs = gs;
}

void frame_load(struct ctx *c)
{
	if (!c->lazy)
		return;
	struct regs *r = &c->regs;
	const uint64_t fs = r->fs_base, gs = r->gs_base;
	const bool all = !c->packed;
	*r = c->slot->regs;
	/* What was carried out is what others are told, whatever the guest has made of it since. */
	if ((uint32_t)r->orig_rax != c->nr)
		r->orig_rax = c->nr;
	r->rdi = c->args[0];
	r->rsi = c->args[1];
	r->rdx = c->args[2];
	r->r10 = c->args[3];
	if (all) {
		r->r8 = c->args[4];
		r->r9 = c->args[5];
	}
	r->fs_base = fs;
	r->gs_base = gs;
	r->cs = CS_USER;
	r->ss = SS_USER;
	r->ds = r->es = r->fs = r->gs = 0;
	r->rax = c->answered ? (uint64_t)c->result : (uint64_t)-ENOSYS;
	c->site_rip = r->rip;
	c->lazy = false;
	c->dirty = true;
	c->told_all = false;
}

int frame_read(struct ctx *c)
{
	int err = locate(c);
	c->lazy = false;
	if (err < 0)
		return err;
	regs_from(&c->regs, &c->uc->uc_mcontext);
	c->uc_rip = c->regs.rip;
	c->regs.rip = text_guest_rip(c, c->uc_rip);
	gs_read(c);
	c->at = AT_FRAME;
	c->dirty = false;
	c->told_all = false;
	return 0;
}

void frame_told(struct ctx *c)
{
	c->told = c->regs;
	c->told_all = true;
	c->dirty = true;
}

/* The common answer: writing more would move cache lines between CPUs for nothing. */
static bool only_rax(struct ctx *c)
{
	struct regs *r = &c->regs;
	const uint64_t rax = r->rax;
	if (!c->told_all || c->at != AT_FRAME)
		return false;
	r->rax = c->told.rax;
	bool same = memcmp(r, &c->told, sizeof *r) == 0;
	r->rax = rax;
	return same;
}

int frame_force(struct ctx *c)
{
	frame_load(c);
	if (c->at == AT_FRAME)
		return c->gone ? -ESRCH : 0;
	static const struct command to_frame = {.what = DO_FRAME, .within_ns = COMMAND_NS};
	long ret = command_give(c, &to_frame);
	if (c->gone)
		return -ESRCH;
	(void)ret;
	if (locate(c) < 0) {
		aspace_kill(c->as);
		c->gone = true;
		return -ESRCH;
	}
	c->at = AT_FRAME;
	c->dirty = true;
	c->told_all = false;
	return 0;
}

static int segment_flush(struct ctx *c, uint64_t code, uint64_t value, uint64_t *known)
{
	long ret = command_call(c, SYS_arch_prctl, code, value, 0, 0, 0);
	if (ret == 0)
		*known = value;
	return (int)ret;
}

/* Loadable by the exit path of a rewritten call, which is no iret. */
static bool plain(const struct ctx *c)
{
	const struct regs *r = &c->regs;
	return !(r->eflags & EFLAGS_TF) && r->cs == CS_USER && r->ss == SS_USER &&
	       r->rip < USER_TOP && c->host_gs == 0;
}

int frame_flush(struct ctx *c)
{
	struct regs *r = &c->regs;
	const uint32_t moves = rewrite_moves(c->as->text);
	const bool moved = moves != c->moves;
	int err = 0;
	c->moves = moves;
	if (c->lazy && c->answered && !moved && ranges_packable(&c->ranges))
		return 0; /* hand_give() says it */
	frame_load(c);
	if (moved) {
		c->dirty = true; /* where it was to go on may be gone */
		c->told_all = false;
	}
	if (!c->dirty)
		return 0;
	c->dirty = false;
	if (only_rax(c)) {
		c->uc->uc_mcontext.rax = r->rax;
		return 0;
	}
	if (r->fs_base != c->host_fs)
		err = segment_flush(c, ARCH_SET_FS, r->fs_base, &c->host_fs);
	if (err == 0 && r->gs_base != c->host_gs) {
		/* Once its %gs is the guest's, the way out of a rewritten call is lost. */
		err = frame_force(c);
		if (err == 0)
			text_gs_taken(c);
		if (err == 0)
			err = segment_flush(c, ARCH_SET_GS, r->gs_base, &c->host_gs);
	}
	if (err < 0)
		return err == -ESRCH ? err : -EIO;
	if (c->at == AT_CALL && !plain(c) && (err = frame_force(c)) < 0)
		return err;
	if (c->at == AT_CALL) {
		c->slot->regs = *r;
		if (r->rip != c->site_rip || moved)
			c->slot->next = rewrite_host_rip(c->as->text, r->rip);
	} else {
		regs_to(&c->uc->uc_mcontext, r);
		c->uc->uc_mcontext.rip = rewrite_host_rip(c->as->text, r->rip);
		c->uc->uc_sigmask = stub_mask;
	}
	c->dirty = false;
	return 0;
}

size_t trap_fpu_size(void)
{
	return trap_host.xstate_size ? trap_host.xstate_size : FXSAVE_SIZE;
}

int trap_fpu_get(struct ctx *c, void *buf, size_t size)
{
	if (size < trap_fpu_size())
		return -EINVAL;
	int err = frame_force(c);
	if (err == 0)
		memcpy(buf, c->fpu, trap_fpu_size());
	return err;
}

/* As the host judges: component and MXCSR bits that the CPU lacks are refused. */
static bool image_ok(const unsigned char *image)
{
	uint64_t have;
	uint32_t mxcsr;
	memcpy(&mxcsr, image + MXCSR_AT, sizeof mxcsr);
	if (mxcsr & ~trap_host.mxcsr_mask)
		return false;
	if (!trap_host.xstate_size)
		return true;
	memcpy(&have, image + XSTATE_BV_AT, sizeof have);
	return !(have & ~trap_host.xfeatures);
}

/* All but the software-reserved bytes, which say to the host what the frame holds. */
static void image_store(struct ctx *c, const unsigned char *image)
{
	const size_t sw = FXSAVE_SIZE - sizeof(struct abi_fpx_sw_bytes);
	memcpy(c->fpu, image, sw);
	if (trap_host.xstate_size) {
		memcpy(c->fpu + FXSAVE_SIZE, image + FXSAVE_SIZE,
		       trap_host.xstate_size - FXSAVE_SIZE);
		memset(c->fpu + XSTATE_BV_AT + 8, 0, XSAVE_HEADER_SIZE - 8);
	}
}

int trap_fpu_set(struct ctx *c, const void *buf, size_t size)
{
	if (size < trap_fpu_size() || !image_ok(buf))
		return -EINVAL;
	int err = frame_force(c);
	if (err == 0)
		image_store(c, buf);
	return err;
}

/*
 * The state exec leaves.  FP and SSE are present, with their initial values: for
 * an absent SSE the host would keep the MXCSR it has.  The others are absent,
 * which is their initial state.
 */
int trap_fpu_reset(struct ctx *c)
{
	static const unsigned char zero[64];
	const uint16_t fcw = 0x37f;
	const uint32_t mxcsr = 0x1f80;
	const uint64_t fp_sse = 3;
	int err = frame_force(c);
	if (err < 0)
		return err;
	memset(c->fpu, 0, FXSAVE_SIZE - sizeof(struct abi_fpx_sw_bytes));
	memcpy(c->fpu + FCW_AT, &fcw, sizeof fcw);
	memcpy(c->fpu + MXCSR_AT, &mxcsr, sizeof mxcsr);
	memcpy(c->fpu + MXCSR_MASK_AT, &trap_host.mxcsr_mask, sizeof trap_host.mxcsr_mask);
	if (trap_host.xstate_size) {
		memcpy(c->fpu + XSTATE_BV_AT, zero, sizeof zero);
		memcpy(c->fpu + XSTATE_BV_AT, &fp_sse, sizeof fp_sse);
	}
	return 0;
}
