/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about what a tracee has stopped by: signals, masks, calls, filters. */
#include "sentry/mm/copy.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/sigset.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"

enum { MESSAGE_ENTRY = 1, MESSAGE_EXIT = 2 };

/* 0, -ESRCH: it has been killed; -EINVAL: a stop without siginfo. */
static int info_of(struct task *p, struct abi_siginfo *out)
{
	int err = -ESRCH;

	lock(&p->group->siglock);
	if (trace_stopped_locked(p))
		err = p->tr.has_info ? 0 : -EINVAL;
	if (err == 0)
		*out = p->tr.info;
	unlock(&p->group->siglock);
	return err;
}

long trace_siginfo_get(struct task *t, struct task *p, uaddr_t to)
{
	struct abi_siginfo info;
	int err = info_of(p, &info);

	return err < 0 ? err : copy_out(t->mm, to, &info, sizeof info);
}

long trace_siginfo_set(struct task *t, struct task *p, uaddr_t from)
{
	struct abi_siginfo info;
	int err = -ESRCH;

	if (copy_in(t->mm, &info, from, sizeof info) < 0)
		return -EFAULT;
	lock(&p->group->siglock);
	if (trace_stopped_locked(p))
		err = p->tr.has_info ? 0 : -EINVAL;
	if (err == 0)
		p->tr.info = info;
	unlock(&p->group->siglock);
	return err;
}

/* The nth that is queued. */
static bool queued(struct task *p, bool shared, uint64_t n, struct abi_siginfo *out)
{
	struct sigpending *from = shared ? &p->group->pending : &p->pending;
	struct sigqueue *q;
	bool found = false;

	lock(&p->group->siglock);
	list_for_each (q, &from->queue, link) {
		if (n-- > 0)
			continue;
		*out = q->info;
		found = true;
		break;
	}
	unlock(&p->group->siglock);
	return found;
}

long trace_siginfo_peek(struct task *t, struct task *p, uaddr_t at, uaddr_t to)
{
	struct abi_ptrace_peeksiginfo args;
	struct abi_siginfo info;
	long n = 0;

	if (copy_in(t->mm, &args, at, sizeof args) < 0)
		return -EFAULT;
	if ((args.flags & ~PTRACE_PEEKSIGINFO_SHARED) || args.nr < 0)
		return -EINVAL;
	bool shared = args.flags & PTRACE_PEEKSIGINFO_SHARED;
	while (n < args.nr && args.off <= UINT64_MAX - (uint64_t)n &&
	       queued(p, shared, args.off + (uint64_t)n, &info) && !waiter_signalled(&t->waiter)) {
		if (copy_out(t->mm, to + (uint64_t)n * sizeof info, &info, sizeof info) < 0)
			return n ? n : -EFAULT;
		n++;
	}
	return n;
}

long trace_mask_get(struct task *t, struct task *p, uint64_t size, uaddr_t to)
{
	if (size != sizeof(uint64_t))
		return -EINVAL;
	lock(&p->group->siglock);
	uint64_t mask = p->restore_blocked ? p->saved_blocked : p->blocked;
	unlock(&p->group->siglock);
	return copy_out(t->mm, to, &mask, sizeof mask);
}

long trace_mask_set(struct task *t, struct task *p, uint64_t size, uaddr_t from)
{
	uint64_t mask;

	if (size != sizeof mask)
		return -EINVAL;
	if (copy_in(t->mm, &mask, from, sizeof mask) < 0)
		return -EFAULT;
	lock(&p->group->siglock);
	bool stopped = trace_stopped_locked(p);
	if (stopped) {
		p->blocked = mask & ~SIGSET_ONLY;
		p->restore_blocked = false;
	}
	unlock(&p->group->siglock);
	return stopped ? 0 : -ESRCH;
}

/* What the stop is, by its siginfo. */
static uint8_t op_of(const struct abi_siginfo *info, uint64_t message)
{
	if (info->code == (SIGTRAP | 0x80))
		return message == MESSAGE_ENTRY	 ? PTRACE_SYSCALL_INFO_ENTRY
		       : message == MESSAGE_EXIT ? PTRACE_SYSCALL_INFO_EXIT
						 : PTRACE_SYSCALL_INFO_NONE;
	if (info->code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
		return PTRACE_SYSCALL_INFO_SECCOMP;
	return PTRACE_SYSCALL_INFO_NONE;
}

long trace_call_info(struct task *t, struct task *p, uint64_t size, uaddr_t to)
{
	struct abi_siginfo info = {0};
	struct regs r;
	int err = trace_regs_get(p, &r);
	if (err < 0)
		return err;
	info_of(p, &info);
	lock(&p->group->siglock);
	uint64_t message = p->tr.message;
	unlock(&p->group->siglock);
	struct abi_ptrace_syscall_info si = {
		.op = op_of(&info, message), .arch = AUDIT_ARCH_X86_64, .ip = r.rip, .sp = r.rsp};
	size_t have = offsetof(struct abi_ptrace_syscall_info, entry);
	switch (si.op) {
	case PTRACE_SYSCALL_INFO_ENTRY:
	case PTRACE_SYSCALL_INFO_SECCOMP:
		si.seccomp.nr = r.orig_rax;
		const uint64_t args[6] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
		for (int i = 0; i < 6; i++)
			si.seccomp.args[i] = args[i];
		si.seccomp.ret_data = (uint32_t)message;
		have += si.op == PTRACE_SYSCALL_INFO_ENTRY ? sizeof si.entry
							   : offsetof(__typeof__(si.seccomp), ret_data) + 4;
		break;
	case PTRACE_SYSCALL_INFO_EXIT:
		si.exit.rval = (int64_t)r.rax;
		si.exit.is_error = r.rax >= (uint64_t)-4095;
		have += offsetof(__typeof__(si.exit), is_error) + 1;
		break;
	default:
		break;
	}
	err = copy_out(t->mm, to, &si, min_u64(size, have));
	return err < 0 ? err : (long)have;
}

/* The filters of others are for the administrator, if nobody filters him. */
static int filter_find(struct task *t, struct task *p, uint64_t n, struct seccomp_filter **out)
{
	if (!task_capable(t, CAP_SYS_ADMIN) || seccomp_mode(t) != SECCOMP_MODE_DISABLED)
		return -EACCES;
	if (seccomp_mode(p) != SECCOMP_MODE_FILTER)
		return -EINVAL;
	*out = seccomp_nth(p, n);
	return *out ? 0 : -ENOENT;
}

long trace_filter_get(struct task *t, struct task *p, uint64_t n, uaddr_t to)
{
	struct seccomp_filter *f;
	long err = filter_find(t, p, n, &f);

	if (err < 0)
		return err;
	long len = f->len;
	if (to)
		err = copy_out(t->mm, to, f->prog, f->len * sizeof f->prog[0]);
	seccomp_put(f);
	return err < 0 ? err : len;
}

long trace_filter_about(struct task *t, struct task *p, uint64_t size, uaddr_t at)
{
	struct abi_seccomp_metadata m;
	struct seccomp_filter *f;

	if (!task_capable(t, CAP_SYS_ADMIN) || seccomp_mode(t) != SECCOMP_MODE_DISABLED)
		return -EACCES;
	size = min_u64(size, sizeof m);
	if (size < sizeof m.filter_off)
		return -EINVAL;
	if (copy_in(t->mm, &m.filter_off, at, sizeof m.filter_off) < 0)
		return -EFAULT;
	int err = filter_find(t, p, m.filter_off, &f);
	if (err < 0)
		return err;
	m.flags = f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
	seccomp_put(f);
	return copy_out(t->mm, at, &m, size) < 0 ? -EFAULT : (long)size;
}
