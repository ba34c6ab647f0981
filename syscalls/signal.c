/* SPDX-License-Identifier: Apache-2.0 */
/* Masks, dispositions, waiting for signals: sigaction(2), sigprocmask(2), sigwaitinfo(2). */
#include "sentry/task/signal.h"

#include "sentry/task/clock.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_rt_sigaction(struct task *t, int sig, uaddr_t act, uaddr_t oldact, uint64_t sigsetsize)
{
	struct abi_sigaction new_act, old;

	if (sigsetsize != sizeof(uint64_t))
		return -EINVAL;
	if (act && copy_in(t->mm, &new_act, act, sizeof new_act) < 0)
		return -EFAULT;
	if (sig < 1 || sig > ABI_NSIG)
		return -EINVAL;
	int err = signal_action(t, sig, act ? &new_act : NULL, &old);
	if (err < 0)
		return err;
	return oldact ? copy_out(t->mm, oldact, &old, sizeof old) : 0;
}

long sys_rt_sigprocmask(struct task *t, int how, uaddr_t set, uaddr_t oldset, uint64_t sigsetsize)
{
	uint64_t old = t->blocked, mask;

	if (sigsetsize != sizeof(uint64_t))
		return -EINVAL;
	if (set) {
		if (copy_in(t->mm, &mask, set, sizeof mask) < 0)
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			mask |= old;
			break;
		case SIG_UNBLOCK:
			mask = old & ~mask;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(t, mask);
	}
	return oldset ? copy_out(t->mm, oldset, &old, sizeof old) : 0;
}

long sys_rt_sigpending(struct task *t, uaddr_t set, uint64_t sigsetsize)
{
	if (sigsetsize > sizeof(uint64_t))
		return -EINVAL;
	uint64_t pending = signal_pending_set(t, t->blocked);
	return copy_out(t->mm, set, &pending, sigsetsize);
}

/* Sleeps until a signal wants attention. */
static void wait_for_signal(struct task *t)
{
	while (waiter_sleep(&t->waiter, WAIT_INTR, WAIT_FOREVER) == 0)
		;
}

long sys_rt_sigsuspend(struct task *t, uaddr_t set, uint64_t sigsetsize)
{
	uint64_t mask;

	if (sigsetsize != sizeof mask)
		return -EINVAL;
	if (copy_in(t->mm, &mask, set, sizeof mask) < 0)
		return -EFAULT;
	signal_set_blocked_temporarily(t, mask);
	wait_for_signal(t);
	return -ERESTARTNOHAND;
}

long sys_pause(struct task *t)
{
	wait_for_signal(t);
	return -ERESTARTNOHAND;
}

/* The signals waited for need not be blocked: this call takes them before a handler can. */
static int wait_for_set(struct task *t, uint64_t set, int64_t deadline, struct abi_siginfo *out)
{
	int sig = signal_dequeue(t, set, out);

	while (!sig) {
		int err = waitq_sleep(signal_wq(t->group), EPOLLIN, WAIT_INTR, deadline,
				      signal_pending_set(t, set));
		sig = signal_dequeue(t, set, out);
		if (!sig && err < 0)
			return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
	}
	return sig;
}

long sys_rt_sigtimedwait(struct task *t, uaddr_t set, uaddr_t info, uaddr_t timeout,
			 uint64_t sigsetsize)
{
	int64_t deadline = WAIT_FOREVER, ns;
	struct abi_siginfo taken;
	uint64_t mask;

	if (sigsetsize != sizeof mask)
		return -EINVAL;
	if (copy_in(t->mm, &mask, set, sizeof mask) < 0)
		return -EFAULT;
	if (timeout) {
		int err = timespec_copy_in(t->mm, timeout, &ns);
		if (err < 0)
			return err;
		deadline = deadline_in(ns);
	}
	mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	int sig = wait_for_set(t, mask, deadline, &taken);
	if (sig > 0 && info && copy_out(t->mm, info, &taken, sizeof taken) < 0)
		return -EFAULT;
	return sig;
}

long sys_sigaltstack(struct task *t, uaddr_t ss, uaddr_t old_ss)
{
	struct abi_stack new_stack, old;

	if (ss && copy_in(t->mm, &new_stack, ss, sizeof new_stack) < 0)
		return -EFAULT;
	int err = signal_altstack(t, ss ? &new_stack : NULL, &old, platform->regs(t->ctx)->rsp);
	if (err < 0)
		return err;
	return old_ss ? copy_out(t->mm, old_ss, &old, sizeof old) : 0;
}

long sys_rt_sigreturn(struct task *t)
{
	return sigframe_pop(t);
}

/* The mask was put back by then; a handler in between has ended the call for good. */
long sys_restart_syscall(struct task *t)
{
	long (*fn)(struct task * t) = t->restart_fn;
	return fn ? fn(t) : -EINTR;
}
