/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a call that a mode or its filters decide on. */
#include "platform/base/log.h"
#include "sentry/task/exit.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/seccomp/bpf.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"

enum { NR_READ = 0, NR_WRITE = 1, NR_RT_SIGRETURN = 15, NR_EXIT = 60 };

static int call_nr(struct task *t)
{
	return (int)platform->regs(t->ctx)->orig_rax;
}

static struct abi_seccomp_data data_of(struct task *t)
{
	const struct regs *r = platform->regs(t->ctx);
	return (struct abi_seccomp_data){
		.nr = (int)r->orig_rax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = r->rip,
		.args = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9},
	};
}

/* The sternest answer; of equal ones that of the filter installed last. */
static uint32_t ask(const struct seccomp_filter *f, const struct abi_seccomp_data *data)
{
	uint32_t least = SECCOMP_RET_ALLOW;

	if ((uint32_t)data->nr < SECCOMP_CACHED &&
	    (f->allowed[data->nr / 64] & 1ull << data->nr % 64))
		return SECCOMP_RET_ALLOW;
	for (; f; f = f->prev) {
		uint32_t ret = bpf_run(f->prog, data);
		if ((int32_t)(ret & SECCOMP_RET_ACTION_FULL) <
		    (int32_t)(least & SECCOMP_RET_ACTION_FULL))
			least = ret;
	}
	return least;
}

static enum seccomp_verdict answer(struct task *t, long result)
{
	platform->regs_mut(t->ctx)->rax = (uint64_t)result;
	return SECCOMP_SKIP;
}

static enum seccomp_verdict trap(struct task *t, uint32_t reason)
{
	const struct regs *r = platform->regs(t->ctx);
	struct abi_siginfo info = {
		.signo = SIGSYS,
		.err = (int32_t)reason,
		.code = SYS_SECCOMP,
		.sys = {.call_addr = r->rip, .syscall = call_nr(t), .arch = AUDIT_ARCH_X86_64},
	};

	answer(t, call_nr(t));
	/* No call any more: nothing is restarted. */
	t->in_syscall = false;
	signal_force(t, &info);
	return SECCOMP_SKIP;
}

static enum seccomp_verdict kill_all(struct task *t)
{
	log_debug("task %d: call %d kills it by its seccomp filter", t->tid, call_nr(t));
	task_exit_group(t, SIGSYS);
	return SECCOMP_SKIP;
}

static enum seccomp_verdict kill_one(struct task *t)
{
	if (__atomic_load_n(&t->group->nthreads, __ATOMIC_ACQUIRE) == 1)
		return kill_all(t);
	task_exit_self(t, SIGSYS);
	return SECCOMP_SKIP;
}

static enum seccomp_verdict filtered(struct task *t, bool again);

/* The tracer decides; what it makes of the call is filtered once more. */
static enum seccomp_verdict show(struct task *t, uint32_t value)
{
	if (!trace_wants_event(t, PTRACE_EVENT_SECCOMP))
		return answer(t, -ENOSYS);
	trace_event(t, PTRACE_EVENT_SECCOMP, value);
	if (__atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE) || call_nr(t) < 0)
		return SECCOMP_SKIP;
	return filtered(t, /*again=*/true);
}

static enum seccomp_verdict filtered(struct task *t, bool again)
{
	struct abi_seccomp_data data = data_of(t);
	uint32_t ret = ask(__atomic_load_n(&t->seccomp, __ATOMIC_ACQUIRE), &data);
	uint32_t value = ret & SECCOMP_RET_DATA;

	switch (ret & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return SECCOMP_RUN;
	case SECCOMP_RET_ERRNO:
		return answer(t, -(long)min_u64(value, MAX_ERRNO));
	case SECCOMP_RET_TRAP:
		return trap(t, value);
	case SECCOMP_RET_TRACE:
		return again ? SECCOMP_RUN : show(t, value);
	case SECCOMP_RET_USER_NOTIF: /* nobody can listen */
		return answer(t, -ENOSYS);
	case SECCOMP_RET_KILL_THREAD:
		return kill_one(t);
	default:
		return kill_all(t);
	}
}

static enum seccomp_verdict strict(struct task *t)
{
	switch (call_nr(t)) {
	case NR_READ:
	case NR_WRITE:
	case NR_EXIT:
	case NR_RT_SIGRETURN:
		return SECCOMP_RUN;
	default:
		task_exit_self(t, SIGKILL);
		return SECCOMP_SKIP;
	}
}

enum seccomp_verdict seccomp_enter(struct task *t)
{
	return seccomp_mode(t) == SECCOMP_MODE_STRICT ? strict(t) : filtered(t, /*again=*/false);
}
