/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of ptrace(2), on the thread of the tracer. */
#include "sentry/mm/mm.h"
#include "sentry/task/memaccess.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"

#define OPTIONS_KNOWN (0xffu | PTRACE_O_EXITKILL)

int trace_regs_get(struct task *p, struct regs *out)
{
	lock(&p->group->siglock);
	bool stopped = trace_stopped_locked(p);
	if (stopped)
		*out = p->tr.regs;
	unlock(&p->group->siglock);
	return stopped ? 0 : -ESRCH;
}

int trace_regs_set(struct task *p, const struct regs *r)
{
	lock(&p->group->siglock);
	bool stopped = trace_stopped_locked(p);
	if (stopped) {
		p->tr.regs = *r;
		p->tr.dirty = true;
	}
	unlock(&p->group->siglock);
	return stopped ? 0 : -ESRCH;
}

/* What is not dumpable is hidden even from a tracer that came before it was so. */
static bool may_look(struct task *p)
{
	lock(&kernel.tasks_lock);
	bool may = __atomic_load_n(&p->group->dumpable, __ATOMIC_RELAXED) == 1 ||
		   trace_allows_gain_locked(p);
	unlock(&kernel.tasks_lock);
	return may;
}

static ssize_t move_word(struct task *p, uaddr_t at, uint64_t *word, bool write)
{
	autoput(mm) struct mm *mm = may_look(p) ? task_mm_get(p) : NULL;
	if (!mm)
		return -EIO;
	lock(&mm->lock);
	autoput(file) struct file *exe = mm->exe ? file_get(mm->exe) : NULL;
	unlock(&mm->lock);
	return write ? mem_write(mm, exe, at, word, sizeof *word)
		     : mem_read(mm, exe, word, at, sizeof *word);
}

static long peek(struct task *t, struct task *p, uaddr_t at, uaddr_t to)
{
	uint64_t word;

	if (move_word(p, at, &word, /*write=*/false) != (ssize_t)sizeof word)
		return -EIO;
	return copy_out(t->mm, to, &word, sizeof word);
}

static long poke(struct task *p, uaddr_t at, uint64_t word)
{
	return move_word(p, at, &word, /*write=*/true) == (ssize_t)sizeof word ? 0 : -EIO;
}

static long set_options(struct task *p, uint64_t options)
{
	if (options & ~(uint64_t)OPTIONS_KNOWN)
		return -EINVAL;
	__atomic_store_n(&p->tr.options, (uint32_t)options, __ATOMIC_RELAXED);
	return 0;
}

static long get_message(struct task *t, struct task *p, uaddr_t to)
{
	lock(&p->group->siglock);
	uint64_t message = p->tr.message;
	unlock(&p->group->siglock);
	return copy_out(t->mm, to, &message, sizeof message);
}

/* Lets it go on until the next stop of that kind. */
static long resume(struct task *p, uint64_t sig, uint32_t watch)
{
	if (sig > ABI_NSIG)
		return -EIO;
	lock(&p->group->siglock);
	bool stopped = trace_stopped_locked(p);
	if (stopped) {
		task_watch_locked(p, watch, (TRACED_SYSCALL | TRACED_EMU | TRACED_STEP) & ~watch);
		trace_resume_locked(p, (int)sig);
	}
	unlock(&p->group->siglock);
	return stopped ? 0 : -ESRCH;
}

static long interrupt(struct task *p)
{
	if (!p->tr.seized)
		return -EIO;
	lock(&p->group->siglock);
	if (p->ctx && !__atomic_load_n(&p->exiting, __ATOMIC_RELAXED)) {
		p->tr.flags |= TRACE_TRAP_STOP;
		if (p->tr.flags & TRACE_LISTENING)
			trace_resume_locked(p, 0);
		signal_wake_locked(p, /*kill=*/false);
	}
	unlock(&p->group->siglock);
	return 0;
}

/* Only in the stop of a group or of an interrupt; news since it began stop it anew at once. */
static long listen(struct task *p)
{
	long err = -EIO;

	lock(&p->group->siglock);
	if (!trace_stopped_locked(p)) {
		err = -ESRCH;
	} else if (p->tr.seized && p->tr.has_info &&
		   p->tr.info.code >> 8 == PTRACE_EVENT_STOP) {
		err = 0;
		p->tr.flags |= TRACE_LISTENING;
		if (p->tr.flags & TRACE_TRAP_NOTIFY)
			trace_resume_locked(p, 0);
	}
	unlock(&p->group->siglock);
	return err;
}

static long kill_it(struct task *t, struct task *p)
{
	struct abi_siginfo info;
	signal_info_user(&info, SIGKILL, SI_USER, t);
	signal_send_task(p, &info);
	return 0;
}

static long rseq_about(struct task *t, struct task *p, uint64_t size, uaddr_t to)
{
	const struct abi_ptrace_rseq r = {
		.pointer = p->rseq.addr, .size = p->rseq.size, .signature = p->rseq.sig};
	int err = copy_out(t->mm, to, &r, min_u64(size, sizeof r));
	return err < 0 ? err : (long)sizeof r;
}

/* Those that let it go on. */
static long request_resume(struct task *p, int64_t request, uint64_t data)
{
	switch (request) {
	case PTRACE_CONT:
		return resume(p, data, 0);
	case PTRACE_SYSCALL:
		return resume(p, data, TRACED_SYSCALL);
	case PTRACE_SINGLESTEP:
		return resume(p, data, TRACED_STEP);
	case PTRACE_SYSEMU:
		return resume(p, data, TRACED_EMU);
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(p, data, TRACED_EMU | TRACED_STEP);
	case PTRACE_DETACH:
		return data > ABI_NSIG ? -EIO : trace_detach(p, (int)data);
	case PTRACE_LISTEN:
		return listen(p);
	default:
		return -EIO;
	}
}

/* Those about signals and calls. */
static long request_info(struct task *t, struct task *p, int64_t request, uint64_t addr,
			 uint64_t data)
{
	switch (request) {
	case PTRACE_GETSIGINFO:
		return trace_siginfo_get(t, p, data);
	case PTRACE_SETSIGINFO:
		return trace_siginfo_set(t, p, data);
	case PTRACE_PEEKSIGINFO:
		return trace_siginfo_peek(t, p, addr, data);
	case PTRACE_GETSIGMASK:
		return trace_mask_get(t, p, addr, data);
	case PTRACE_SETSIGMASK:
		return trace_mask_set(t, p, addr, data);
	case PTRACE_GET_SYSCALL_INFO:
		return trace_call_info(t, p, addr, data);
	case PTRACE_SECCOMP_GET_FILTER:
		return trace_filter_get(t, p, addr, data);
	case PTRACE_SECCOMP_GET_METADATA:
		return trace_filter_about(t, p, addr, data);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return rseq_about(t, p, addr, data);
	default:
		return request_resume(p, request, data);
	}
}

static long request_stopped(struct task *t, struct task *p, int64_t request, uint64_t addr,
			    uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, p, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(p, addr, data);
	case PTRACE_PEEKUSR:
		return trace_user_peek(t, p, addr, data);
	case PTRACE_POKEUSR:
		return trace_user_poke(p, addr, data);
	case PTRACE_GETREGS:
		return trace_regs_out(t, p, data);
	case PTRACE_SETREGS:
		return trace_regs_in(t, p, data);
	case PTRACE_GETFPREGS:
		return trace_fpregs(t, p, data, /*set=*/false);
	case PTRACE_SETFPREGS:
		return trace_fpregs(t, p, data, /*set=*/true);
	case PTRACE_GETREGSET:
		return trace_regset(t, p, addr, data, /*set=*/false);
	case PTRACE_SETREGSET:
		return trace_regset(t, p, addr, data, /*set=*/true);
	case PTRACE_ARCH_PRCTL:
		return trace_arch(t, p, data, addr);
	case PTRACE_SETOPTIONS:
		return set_options(p, data);
	case PTRACE_GETEVENTMSG:
		return get_message(t, p, data);
	default:
		return request_info(t, p, request, addr, data);
	}
}

/* A tracee of t, referenced; stopped, unless the request needs no stop.  NULL: ESRCH. */
static struct task *tracee(struct task *t, int tid, bool stopped)
{
	lock(&kernel.tasks_lock);
	struct task *p = task_find_locked(tid);
	if (p && p->tr.tracer != t)
		p = NULL;
	if (p) {
		lock(&p->group->siglock);
		bool fits = !stopped || trace_stopped_locked(p);
		unlock(&p->group->siglock);
		p = fits ? task_get(p) : NULL;
	}
	unlock(&kernel.tasks_lock);
	return p;
}

long trace_request(struct task *t, int64_t request, int64_t pid, uint64_t addr, uint64_t data)
{
	int tid = (int)pid;

	if (request == PTRACE_TRACEME)
		return trace_me(t);
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		return trace_attach(t, tid, request == PTRACE_SEIZE, addr, data);
	bool any = request == PTRACE_KILL || request == PTRACE_INTERRUPT;
	autoput(task) struct task *p = tracee(t, tid, !any);
	if (!p)
		return -ESRCH;
	if (request == PTRACE_KILL)
		return kill_it(t, p);
	if (request == PTRACE_INTERRUPT)
		return interrupt(p);
	return request_stopped(t, p, request, addr, data);
}
