/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86-64 signal frame, as Linux lays it out (from high to low addresses):
 *
 *	red zone, 128 bytes		of the interrupted function, left alone
 *	FPU state, 64-byte aligned	XSAVE image, then FP_XSTATE_MAGIC2
 *	struct frame			rsp & 15 == 8, as after a call
 *
 * The frame is written in one copy, and read back in one, as far as it lies where
 * it was put.  What comes back is the guest's and may be
 * anything: only user segments, harmless flags and an image the host accepts
 * are taken from it.
 */
#include <cpuid.h>
#include <pthread.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/mm/copy.h"
#include "sentry/task/signal.h"
#include "sentry/task/sigqueue.h"
#include "syscalls/abi/errno.h"

struct frame {
	uint64_t pretcode;
	struct abi_ucontext uc;
	struct abi_siginfo info;
};
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe");
_Static_assert(offsetof(struct frame, uc) == sizeof(uint64_t), "behind pretcode");

enum {
	REDZONE = 128,
	FXSAVE_SIZE = 512,
	FX_SW_AT = 464,
	XSAVE_HEADER_AT = 512,
	XSAVE_MIN = 576,
	FPU_ALIGN = 64,
	MAGIC2_SIZE = 4,
	USER_CS = 0x33,
	USER_DS = 0x2b,
	TRAP_PAGE_FAULT = 14,
	/* AC OF DF TF SF ZF AF PF CF RF: what sigreturn may change. */
	EFLAGS_USER = 0x50dd5,
};
/* Code may lie above USER_TOP: platform_ops.clock. */
#define CODE_TOP 0x7ffffffff000ull

#define XFEATURE_FPSSE 3ull
/* AMX tiles are not in a default frame: a program must ask for them first. */
#define XFEATURE_TILES (3ull << 17)

/* What this CPU's frames carry. */
static struct fpu_layout {
	bool xsave;
	size_t image; /* bytes platform->fpu_get writes */
	size_t size;  /* bytes of it in a frame, magic not included */
	uint64_t features;
} layout;
static pthread_once_t layout_once = PTHREAD_ONCE_INIT;

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void layout_init(void)
{
	uint32_t a, b, c, d;

	layout = (struct fpu_layout){.image = platform->fpu_size(), .size = FXSAVE_SIZE};
	if (layout.image < XSAVE_MIN || !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	layout.xsave = true;
	layout.size = XSAVE_MIN;
	layout.features = XFEATURE_FPSSE;
	uint64_t wanted = read_xcr0() & ~XFEATURE_TILES;
	for (unsigned i = 2; i < 63; i++) {
		if (!(wanted >> i & 1) || !__get_cpuid_count(0xd, i, &a, &b, &c, &d))
			continue;
		size_t end = (size_t)a + b;
		if (a == 0 || end > layout.image)
			continue;
		layout.features |= 1ull << i;
		if (end > layout.size)
			layout.size = end;
	}
}

static const struct fpu_layout *fpu_layout(void)
{
	pthread_once(&layout_once, layout_init);
	return &layout;
}

uint64_t sigframe_xfeatures(void)
{
	return fpu_layout()->features;
}

static size_t fpu_frame_size(const struct fpu_layout *l)
{
	return l->size + (l->xsave ? MAGIC2_SIZE : 0);
}

size_t sigframe_max_size(void)
{
	size_t size = sizeof(struct frame) + 15 + fpu_frame_size(fpu_layout()) + FPU_ALIGN - 1;
	return (size + 15) & ~(size_t)15;
}

/* Fills dst (layout size + magic) with the thread's FPU state as a frame shows it. */
static int fpu_save(struct task *t, const struct fpu_layout *l, unsigned char *dst)
{
	autofree unsigned char *image = malloc(l->image);
	uint64_t present;

	if (!image)
		return -ENOMEM;
	int err = platform->fpu_get(t->ctx, image, l->image);
	if (err < 0)
		return err;
	memcpy(dst, image, l->size);
	if (!l->xsave)
		return 0;
	const struct abi_fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpu_frame_size(l),
		.xfeatures = l->features,
		.xstate_size = (uint32_t)l->size,
	};
	const uint32_t magic2 = FP_XSTATE_MAGIC2;
	memcpy(dst + FX_SW_AT, &sw, sizeof sw);
	memcpy(&present, dst + XSAVE_HEADER_AT, sizeof present);
	present = (present & l->features) | XFEATURE_FPSSE;
	memcpy(dst + XSAVE_HEADER_AT, &present, sizeof present);
	memcpy(dst + l->size, &magic2, sizeof magic2);
	return 0;
}

/* Where the FPU state and the frame go; -EFAULT if the alternate stack is too small. */
static int frame_place(struct task *t, const struct abi_sigaction *act, uint64_t rsp,
		       uaddr_t *out_fpu, uaddr_t *out_frame)
{
	bool armed = !((uint32_t)t->altstack.ss_flags & SS_AUTODISARM);
	bool nested = armed && signal_on_altstack(t, rsp), entering = false;
	uint64_t sp = rsp - REDZONE;

	if ((act->flags & SA_ONSTACK) && t->altstack.ss_size &&
	    !(armed && signal_on_altstack(t, sp))) {
		sp = t->altstack.ss_sp + t->altstack.ss_size;
		entering = true;
	}
	sp = (sp - fpu_frame_size(fpu_layout())) & ~(uint64_t)(FPU_ALIGN - 1);
	*out_fpu = sp;
	sp = ((sp - sizeof(struct frame)) & ~15ull) - 8;
	*out_frame = sp;
	if ((nested || entering) && !signal_on_altstack(t, sp))
		return -EFAULT;
	return 0;
}

static void context_save(struct abi_sigcontext *sc, const struct regs *r, const struct sigtaken *s,
			 uint64_t mask)
{
	*sc = (struct abi_sigcontext){
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rdi = r->rdi,
		.rsi = r->rsi,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.rdx = r->rdx,
		.rax = r->rax,
		.rcx = r->rcx,
		.rsp = r->rsp,
		.rip = r->rip,
		.eflags = r->eflags,
		.cs = (uint16_t)r->cs,
		.ss = (uint16_t)r->ss,
		.err = s->error,
		.trapno = s->trapno,
		.oldmask = mask,
		.cr2 = s->trapno == TRAP_PAGE_FAULT ? s->info.fault.addr : 0,
	};
}

int sigframe_push(struct task *t, const struct sigtaken *s, const struct abi_sigaction *act,
		  uint64_t mask)
{
	const struct fpu_layout *l = fpu_layout();
	const struct regs *old = platform->regs(t->ctx);
	uaddr_t fpu, at;

	/* libc always sets it; the kernel has no trampoline of its own to offer. */
	if (!(act->flags & SA_RESTORER))
		return -EFAULT;
	int err = frame_place(t, act, old->rsp, &fpu, &at);
	if (err < 0)
		return err;
	size_t size = fpu + fpu_frame_size(l) - at;
	autofree unsigned char *buf = calloc(1, size);
	if (!buf)
		return -EFAULT;
	struct frame f = {.pretcode = act->restorer, .info = s->info};
	f.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (l->xsave ? UC_FP_XSTATE : 0);
	f.uc.uc_stack = t->altstack;
	f.uc.uc_sigmask = mask;
	context_save(&f.uc.uc_mcontext, old, s, mask);
	f.uc.uc_mcontext.fpstate = fpu;
	memcpy(buf, &f, sizeof f);
	if (fpu_save(t, l, buf + (fpu - at)) < 0 || copy_out(t->mm, at, buf, size) < 0)
		return -EFAULT;
	struct regs *r = platform->regs_mut(t->ctx);
	r->rdi = (uint64_t)s->info.signo;
	r->rsi = at + offsetof(struct frame, info);
	r->rdx = at + offsetof(struct frame, uc);
	r->rax = 0;
	r->rsp = at;
	r->rip = act->handler;
	r->cs = USER_CS;
	r->ss = USER_DS;
	return act->handler < USER_TOP ? 0 : -EFAULT;
}

/* Guest memory from uc of a frame on, as it was when the handler returned. */
struct popped {
	uaddr_t from;
	size_t size; /* as much of it as could be read */
	unsigned char *bytes;
};

static int popped_read(struct task *t, uaddr_t from, struct popped *out)
{
	const size_t size = SIGFRAME_FPU_AT + fpu_frame_size(fpu_layout());
	*out = (struct popped){.from = from, .bytes = malloc(size)};
	if (!out->bytes)
		return -ENOMEM;
	out->size = copy_in_some(t->mm, out->bytes, from, size);
	return 0;
}

/* A frame that somebody made by hand may have its FPU state anywhere. */
static int popped_copy(struct task *t, const struct popped *p, void *dst, uaddr_t src, size_t size)
{
	if (src < p->from || src - p->from > p->size || size > p->size - (src - p->from))
		return copy_in(t->mm, dst, src, size);
	memcpy(dst, p->bytes + (src - p->from), size);
	return 0;
}

/*
 * Bytes of XSAVE state at `at` that can be trusted to be one, or 0: then only
 * the FXSAVE part counts, as for frames written by hand.
 */
static size_t fpu_frame_check(struct task *t, const struct popped *p, uaddr_t at,
			      const struct abi_fpx_sw_bytes *sw)
{
	const struct fpu_layout *l = fpu_layout();
	uint32_t magic2;

	if (!l->xsave || sw->magic1 != FP_XSTATE_MAGIC1 || sw->xstate_size < XSAVE_MIN ||
	    sw->xstate_size > l->size || sw->xstate_size > sw->extended_size)
		return 0;
	if (popped_copy(t, p, &magic2, at + sw->xstate_size, sizeof magic2) < 0 ||
	    magic2 != FP_XSTATE_MAGIC2)
		return 0;
	return sw->xstate_size;
}

static int fpu_restore(struct task *t, const struct popped *p, uaddr_t at)
{
	const struct fpu_layout *l = fpu_layout();
	struct abi_fpx_sw_bytes sw;
	uint64_t present = XFEATURE_FPSSE;

	if (at == 0)
		return platform->fpu_reset(t->ctx);
	autofree unsigned char *image = calloc(1, l->image);
	if (!image || popped_copy(t, p, &sw, at + FX_SW_AT, sizeof sw) < 0)
		return -EFAULT;
	size_t size = fpu_frame_check(t, p, at, &sw);
	if (popped_copy(t, p, image, at, size ? size : FXSAVE_SIZE) < 0)
		return -EFAULT;
	if (l->xsave) {
		if (size) {
			memcpy(&present, image + XSAVE_HEADER_AT, sizeof present);
			present &= sw.xfeatures & l->features;
		}
		memset(image + XSAVE_HEADER_AT, 0, XSAVE_MIN - XSAVE_HEADER_AT);
		memcpy(image + XSAVE_HEADER_AT, &present, sizeof present);
		/* Host kernels keep their own notes there. */
		memset(image + FX_SW_AT, 0, sizeof sw);
	}
	return platform->fpu_set(t->ctx, image, l->image);
}

static void context_restore(struct regs *r, const struct abi_sigcontext *sc)
{
	r->r8 = sc->r8, r->r9 = sc->r9, r->r10 = sc->r10, r->r11 = sc->r11;
	r->r12 = sc->r12, r->r13 = sc->r13, r->r14 = sc->r14, r->r15 = sc->r15;
	r->rdi = sc->rdi, r->rsi = sc->rsi, r->rbp = sc->rbp, r->rbx = sc->rbx;
	r->rdx = sc->rdx, r->rax = sc->rax, r->rcx = sc->rcx, r->rsp = sc->rsp;
	r->rip = sc->rip;
	r->eflags = (r->eflags & ~(uint64_t)EFLAGS_USER) | (sc->eflags & EFLAGS_USER);
	r->cs = USER_CS;
	r->ss = USER_DS;
	r->orig_rax = (uint64_t)-1;
}

/* sp: behind pretcode, which the handler's ret has taken.  Sets the FPU state, tells the rest. */
static int frame_pop(struct task *t, uaddr_t sp, struct abi_ucontext *uc)
{
	struct popped p;
	int err = popped_read(t, sp, &p);
	autofree unsigned char *bytes = p.bytes;
	if (err == 0)
		err = popped_copy(t, &p, uc, sp, sizeof *uc);
	if (err == 0 && (uc->uc_mcontext.rip >= CODE_TOP || uc->uc_mcontext.rsp >= USER_TOP))
		err = -EFAULT;
	return err < 0 ? err : fpu_restore(t, &p, uc->uc_mcontext.fpstate);
}

long sigframe_pop(struct task *t)
{
	const struct abi_siginfo bad = {.signo = SIGSEGV, .code = SI_KERNEL};
	struct abi_ucontext uc;
	const uaddr_t sp = platform->regs(t->ctx)->rsp;

	t->restart_fn = NULL;
	/* The result below is a register of the guest, not an error of this call. */
	t->in_syscall = false;
	if (frame_pop(t, sp, &uc) < 0) {
		signal_force(t, &bad);
		return 0;
	}
	/* Linux ignores what it cannot set here, and looks at the handler's stack pointer. */
	signal_altstack(t, &uc.uc_stack, NULL, sp);
	context_restore(platform->regs_mut(t->ctx), &uc.uc_mcontext);
	signal_set_blocked(t, uc.uc_sigmask);
	return (long)uc.uc_mcontext.rax;
}
