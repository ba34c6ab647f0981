/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/cas.h"

#include "sentry/mm/mm.h"
#include "sentry/task/exit.h"
#include "syscalls/abi/errno.h"

extern const char vdso_image[], vdso_cas[], vdso_cas_end[];

/* In vdso.S too: the call by which the code says that it is done. */
enum { CAS_DONE = 0x7fff0ca5 };

static bool is_killed(const struct task *t)
{
	return __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE) ||
	       (__atomic_load_n(&t->waiter.word, __ATOMIC_RELAXED) & WAITER_KILLED);
}

/* 0: done, *old is set; 1: disturbed on the way, go on. */
static int event_result(struct task *t, const struct event *ev, uaddr_t code, uint32_t *old)
{
	const struct regs *r = platform->regs(t->ctx);
	uint64_t size = (uint64_t)(vdso_cas_end - vdso_cas);
	switch (ev->kind) {
	case EV_SYSCALL:
		if (r->rip != code + size || r->orig_rax != CAS_DONE)
			return -EFAULT;
		*old = (uint32_t)r->rdx;
		return 0;
	case EV_INTERRUPT:
		if (is_killed(t))
			return -ERESTARTNOINTR;
		return r->rip - code < size ? 1 : -EFAULT;
	default:
		return -EFAULT;
	}
}

int task_cas(struct task *t, uaddr_t addr, uint32_t *old, uint32_t new)
{
	const struct regs saved = *platform->regs(t->ctx);
	uaddr_t code = t->mm->vdso + (uint64_t)(vdso_cas - vdso_image);
	struct event ev;
	int ret;

	lock_assert_none();
	if (addr >= USER_TOP || !t->mm->vdso)
		return -EFAULT;
	struct regs *r = platform->regs_mut(t->ctx);
	r->rip = code;
	r->rax = *old;
	r->rsi = new;
	r->rdi = addr;
	r->orig_rax = UINT64_MAX;
	r->eflags = 0x202; /* no single step: whoever debugs the guest does not see this */
	do {
		platform->run(t->ctx, &ev);
		if (ev.kind == EV_GONE) {
			task_exit_group(t, SIGKILL);
			return -EFAULT;
		}
		ret = event_result(t, &ev, code, old);
	} while (ret > 0);
	*platform->regs_mut(t->ctx) = saved;
	return ret;
}
