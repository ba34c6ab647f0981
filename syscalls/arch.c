/* SPDX-License-Identifier: Apache-2.0 */
/* arch_prctl(2), personality(2). */
#include "sentry/task/facts.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/prctl.h"
#include "syscalls/sys.h"

#define PERSONALITY_ASK UINT32_MAX

long sys_arch_prctl(struct task *t, int code, uint64_t addr)
{
	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		*(code == ARCH_SET_FS ? &platform->regs_mut(t->ctx)->fs_base
				      : &platform->regs_mut(t->ctx)->gs_base) = addr;
		return 0;
	case ARCH_GET_FS:
		return copy_out(t->mm, addr, &platform->regs(t->ctx)->fs_base, sizeof addr);
	case ARCH_GET_GS:
		return copy_out(t->mm, addr, &platform->regs(t->ctx)->gs_base, sizeof addr);
	case ARCH_GET_CPUID:
		return 1; /* the instruction does not fault */
	case ARCH_SET_CPUID:
		return -ENODEV;
	default:
		return -EINVAL;
	}
}

long sys_personality(struct task *t, uint32_t persona)
{
	uint32_t old = t->personality;

	if (persona != PERSONALITY_ASK)
		t->personality = persona;
	facts_personality(t);
	return old;
}
