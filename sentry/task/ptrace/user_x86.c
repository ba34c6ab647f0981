/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of a tracee: as words of struct user, as whole sets.
 *
 * There is no 32-bit mode, so code and stack segment are fixed.  The debug registers keep what
 * is written, but no breakpoint can be enabled: the answer is that of a machine whose
 * breakpoints are all taken.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/mm/copy.h"
#include "sentry/task/errand.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/prctl.h"
#include "syscalls/abi/ptrace.h"
#include "syscalls/abi/uio.h"

_Static_assert(sizeof(struct regs) == sizeof(struct abi_user_regs), "struct user_regs_struct");
_Static_assert(offsetof(struct regs, gs) == offsetof(struct abi_user_regs, gs), "");

enum {
	USER_CS = 0x33,
	USER_DS = 0x2b,
	DEBUG_STATUS = 6,
	DEBUG_CONTROL = 7,
	DEBUG_ENABLE = 0xff, /* local and global, of four breakpoints */
	FX_SIZE = 512,
	FX_SW_AT = 464,
	FX_SW_SIZE = 48,
	XSTATE_BV_AT = 512,
	FP_SSE = 3,
};
/* CF PF AF ZF SF TF DF OF RF AC: what a tracer may change. */
#define EFLAGS_TRACER 0x50dd5ull

static bool selector_ok(uint64_t v)
{
	return (v & 0xffff) == 0 || (v & 3) == 3;
}

/* Sets one word; -EIO for what no user thread may have. */
static int put_reg(struct regs *r, uint64_t offset, uint64_t v)
{
	uint64_t *word = (uint64_t *)(void *)((char *)r + offset);

	switch (offset) {
	case offsetof(struct regs, cs):
		if (v != USER_CS)
			return -EIO;
		break;
	case offsetof(struct regs, ss):
		if (v != USER_DS)
			return -EIO;
		break;
	case offsetof(struct regs, ds):
	case offsetof(struct regs, es):
	case offsetof(struct regs, fs):
	case offsetof(struct regs, gs):
		if (!selector_ok(v))
			return -EIO;
		v &= 0xffff;
		break;
	case offsetof(struct regs, fs_base):
	case offsetof(struct regs, gs_base):
	case offsetof(struct regs, rip):
		if (v >= USER_TOP)
			return -EIO;
		break;
	case offsetof(struct regs, eflags):
		v = (*word & ~EFLAGS_TRACER) | (v & EFLAGS_TRACER);
		break;
	default:
		break;
	}
	*word = v;
	return 0;
}

/* The first `size` bytes of *r become those of `from`; those before a bad word stay changed. */
static int put_regs(struct task *p, const struct regs *from, size_t size)
{
	struct regs r;
	int err = trace_regs_get(p, &r);
	if (err < 0)
		return err;
	for (size_t at = 0; err == 0 && at < size; at += sizeof(uint64_t))
		err = put_reg(&r, at, *(const uint64_t *)(const void *)((const char *)from + at));
	int set = trace_regs_set(p, &r);
	return err < 0 ? err : set;
}

static long debug_poke(struct task *p, unsigned n, uint64_t v)
{
	if (n == 4 || n == 5)
		return -EIO;
	if (n < 4 && v >= USER_TOP)
		return -EINVAL;
	if (n == DEBUG_CONTROL && (v & DEBUG_ENABLE))
		return -ENOSPC;
	lock(&p->group->siglock);
	p->tr.debugreg[n] = v;
	unlock(&p->group->siglock);
	return 0;
}

static bool is_debug(uint64_t offset)
{
	return offset >= ABI_USER_DEBUGREG &&
	       offset < ABI_USER_DEBUGREG + sizeof ((struct tracing *)0)->debugreg;
}

long trace_user_peek(struct task *t, struct task *p, uint64_t offset, uaddr_t to)
{
	uint64_t word = 0;
	struct regs r;

	if (offset % sizeof word || offset >= ABI_USER_SIZE)
		return -EIO;
	int err = trace_regs_get(p, &r);
	if (err < 0)
		return err;
	if (offset < sizeof r)
		memcpy(&word, (const char *)&r + offset, sizeof word);
	else if (is_debug(offset))
		word = p->tr.debugreg[(offset - ABI_USER_DEBUGREG) / sizeof word];
	return copy_out(t->mm, to, &word, sizeof word);
}

long trace_user_poke(struct task *p, uint64_t offset, uint64_t value)
{
	struct regs r;

	if (offset % sizeof value || offset >= ABI_USER_SIZE)
		return -EIO;
	if (is_debug(offset))
		return debug_poke(p, (unsigned)(offset - ABI_USER_DEBUGREG) / sizeof value, value);
	if (offset >= sizeof r)
		return -EIO;
	int err = trace_regs_get(p, &r);
	if (err == 0)
		err = put_reg(&r, offset, value);
	return err < 0 ? err : trace_regs_set(p, &r);
}

long trace_regs_out(struct task *t, struct task *p, uaddr_t to)
{
	struct regs r;
	int err = trace_regs_get(p, &r);

	return err < 0 ? err : copy_out(t->mm, to, &r, sizeof r);
}

long trace_regs_in(struct task *t, struct task *p, uaddr_t from)
{
	struct regs r;

	if (copy_in(t->mm, &r, from, sizeof r) < 0)
		return -EFAULT;
	return put_regs(p, &r, sizeof r);
}

/* The image as platform.h has it. */
struct fpu_errand {
	size_t size;
	unsigned char image[];
};

static long fpu_read(struct task *p, void *data)
{
	struct fpu_errand *e = data;
	return platform->fpu_get(p->ctx, e->image, e->size);
}

static long fpu_write(struct task *p, void *data)
{
	struct fpu_errand *e = data;
	return platform->fpu_set(p->ctx, e->image, e->size);
}

static struct fpu_errand *fpu_errand_new(void)
{
	size_t size = platform->fpu_size();
	struct fpu_errand *e = calloc(1, sizeof *e + size);
	if (e)
		e->size = size;
	return e;
}

static long fpu_run(struct task *p, errand_fn *fn, struct fpu_errand *e)
{
	return task_errand(p, fn, e, sizeof *e + e->size);
}

/* Where the kernel tells debuggers which components there are; the rest of it is zero. */
static void note_features(struct fpu_errand *e)
{
	uint64_t features = sigframe_xfeatures();

	memset(e->image + FX_SW_AT, 0, FX_SW_SIZE);
	memcpy(e->image + FX_SW_AT, &features, sizeof features);
}

/* The first `size` bytes of the FXSAVE part. */
static long fx_out(struct task *t, struct task *p, uaddr_t to, size_t size)
{
	autofree struct fpu_errand *e = fpu_errand_new();
	if (!e)
		return -ENOMEM;
	long err = fpu_run(p, fpu_read, e);
	if (err < 0)
		return err;
	memset(e->image + FX_SW_AT, 0, FX_SW_SIZE);
	return copy_out(t->mm, to, e->image, size);
}

static long fx_in(struct task *t, struct task *p, uaddr_t from, size_t size)
{
	autofree struct fpu_errand *e = fpu_errand_new();
	uint64_t present;

	if (!e)
		return -ENOMEM;
	long err = fpu_run(p, fpu_read, e);
	if (err < 0)
		return err;
	if (copy_in(t->mm, e->image, from, size) < 0)
		return -EFAULT;
	if (e->size > FX_SIZE) {
		memcpy(&present, e->image + XSTATE_BV_AT, sizeof present);
		present |= FP_SSE;
		memcpy(e->image + XSTATE_BV_AT, &present, sizeof present);
		memset(e->image + FX_SW_AT, 0, FX_SW_SIZE);
	}
	return fpu_run(p, fpu_write, e);
}

long trace_fpregs(struct task *t, struct task *p, uaddr_t at, bool set)
{
	return set ? fx_in(t, p, at, FX_SIZE) : fx_out(t, p, at, FX_SIZE);
}

static long xstate_out(struct task *t, struct task *p, uaddr_t to, size_t size)
{
	autofree struct fpu_errand *e = fpu_errand_new();
	if (!e)
		return -ENOMEM;
	long err = fpu_run(p, fpu_read, e);
	if (err < 0)
		return err;
	note_features(e);
	return copy_out(t->mm, to, e->image, size);
}

/* All or nothing. */
static long xstate_in(struct task *t, struct task *p, uaddr_t from, size_t size)
{
	autofree struct fpu_errand *e = fpu_errand_new();
	if (!e)
		return -ENOMEM;
	if (size != e->size || copy_in(t->mm, e->image, from, size) < 0)
		return -EFAULT;
	memset(e->image + FX_SW_AT, 0, FX_SW_SIZE);
	return fpu_run(p, fpu_write, e);
}

static long regs_part(struct task *t, struct task *p, uaddr_t at, size_t size, bool set)
{
	struct regs r;

	if (set)
		return copy_in(t->mm, &r, at, size) < 0 ? -EFAULT : put_regs(p, &r, size);
	int err = trace_regs_get(p, &r);
	return err < 0 ? err : copy_out(t->mm, at, &r, size);
}

static long set_size(uint64_t type)
{
	switch (type) {
	case NT_PRSTATUS:
		return sizeof(struct regs);
	case NT_PRFPREG:
		return FX_SIZE;
	case NT_X86_XSTATE:
		return platform->fpu_size() > FX_SIZE ? (long)platform->fpu_size() : -ENODEV;
	default:
		return -EINVAL;
	}
}

static long set_move(struct task *t, struct task *p, uint64_t type, uaddr_t at, size_t size,
		     bool set)
{
	if (type == NT_PRSTATUS)
		return regs_part(t, p, at, size, set);
	if (type == NT_PRFPREG)
		return set ? fx_in(t, p, at, size) : fx_out(t, p, at, size);
	return set ? xstate_in(t, p, at, size) : xstate_out(t, p, at, size);
}

/* iov: in, the caller's buffer; out, how much of it was used. */
long trace_regset(struct task *t, struct task *p, uint64_t type, uaddr_t iov, bool set)
{
	struct abi_iovec v;

	if (copy_in(t->mm, &v, iov, sizeof v) < 0)
		return -EFAULT;
	long size = set_size(type);
	if (size < 0)
		return size;
	if (v.iov_len % sizeof(uint64_t))
		return -EINVAL;
	v.iov_len = min_u64(v.iov_len, (uint64_t)size);
	long err = set_move(t, p, type, v.iov_base, v.iov_len, set);
	if (err < 0)
		return err;
	return copy_out(t->mm, iov + offsetof(struct abi_iovec, iov_len), &v.iov_len,
			sizeof v.iov_len);
}

long trace_arch(struct task *t, struct task *p, uint64_t code, uaddr_t addr)
{
	struct regs r;
	int err = trace_regs_get(p, &r);

	if (err < 0)
		return err;
	switch (code) {
	case ARCH_GET_FS:
		return copy_out(t->mm, addr, &r.fs_base, sizeof r.fs_base);
	case ARCH_GET_GS:
		return copy_out(t->mm, addr, &r.gs_base, sizeof r.gs_base);
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		*(code == ARCH_SET_FS ? &r.fs_base : &r.gs_base) = addr;
		return trace_regs_set(p, &r);
	default:
		return -EINVAL;
	}
}
