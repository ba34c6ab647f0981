/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating point and vector state: the XSAVE image the host keeps, in the
 * layout of signal frames, or the 512-byte FXSAVE image where the host or CPU
 * knows no more.
 */
#include "platform/ptrace/ptrace.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "platform/base/cleanup.h"

enum {
	FXSAVE_SIZE = 512,
	FCW_AT = 0,
	MXCSR_AT = 24,
	MXCSR_MASK_AT = 28,
	XSTATE_BV_AT = 512,
	XSAVE_HEADER_SIZE = 64,
};

size_t ptrace_fpu_size(void)
{
	return ptrace_host.xstate_size ? (size_t)ptrace_host.xstate_size : FXSAVE_SIZE;
}

static int fpu_transfer(struct ctx *c, bool set, void *buf)
{
	if (c->gone)
		return -ESRCH;
	if (!ptrace_host.xstate_size)
		return (int)tracee_ptrace(c, set ? PTRACE_SETFPREGS : PTRACE_GETFPREGS, 0,
					  (uintptr_t)buf);
	struct iovec iov = {.iov_base = buf, .iov_len = (size_t)ptrace_host.xstate_size};
	return (int)tracee_ptrace(c, set ? PTRACE_SETREGSET : PTRACE_GETREGSET, NT_X86_XSTATE,
				  (uintptr_t)&iov);
}

int ptrace_fpu_get(struct ctx *c, void *buf, size_t size)
{
	if (size < ptrace_fpu_size())
		return -EINVAL;
	return fpu_transfer(c, /*set=*/false, buf);
}

/*
 * XSTATE_BV bits and MXCSR bits the CPU lacks are refused by the host, here
 * as -EINVAL; the header's reserved part is cleared because hosts differ in
 * whether they look at it.
 */
int ptrace_fpu_set(struct ctx *c, const void *buf, size_t size)
{
	if (size < ptrace_fpu_size())
		return -EINVAL;
	autofree unsigned char *image = malloc(ptrace_fpu_size());
	if (!image)
		return -ENOMEM;
	memcpy(image, buf, ptrace_fpu_size());
	if (ptrace_host.xstate_size)
		memset(image + XSTATE_BV_AT + 8, 0, XSAVE_HEADER_SIZE - 8);
	int err = fpu_transfer(c, /*set=*/true, image);
	return err == -ESRCH || err == 0 ? err : -EINVAL;
}

/*
 * The state exec leaves.  FP and SSE are present, with their initial values:
 * for an absent SSE the host would keep the MXCSR it has.  The other components
 * are absent, which is their initial state.
 */
int ptrace_fpu_reset(struct ctx *c)
{
	autofree unsigned char *image = calloc(1, ptrace_fpu_size());
	const uint16_t fcw = 0x37f;
	const uint32_t mxcsr = 0x1f80, mask = 0xffff;
	const uint64_t fp_sse = 3;
	if (!image)
		return -ENOMEM;
	memcpy(image + FCW_AT, &fcw, sizeof fcw);
	memcpy(image + MXCSR_AT, &mxcsr, sizeof mxcsr);
	memcpy(image + MXCSR_MASK_AT, &mask, sizeof mask);
	if (ptrace_host.xstate_size)
		memcpy(image + XSTATE_BV_AT, &fp_sse, sizeof fp_sse);
	return fpu_transfer(c, /*set=*/true, image);
}
