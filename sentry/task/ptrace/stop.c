/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tracee's stops: ptrace(2), "Stopped states".
 *
 *	signal delivery		a signal was taken; what the tracer says comes instead of it
 *	group stop		a part of the stop of the whole process
 *	event			fork, exec, ..., if the option is set; of seized ones also interrupts
 *	call			before and after a system call
 *
 * The tracer sees a copy of the registers, with rax as Linux has it there (-ERESTART*) and
 * without the single step flag; what it changes is taken over when the tracee goes on.
 */
#include "sentry/task/jobctl.h"
#include "sentry/task/pidns.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/signal.h"
#include "sentry/task/sigqueue.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ptrace.h"

enum { EFLAGS_TF = 0x100, MESSAGE_ENTRY = 1, MESSAGE_EXIT = 2 };

struct stop {
	int code;
	int cld;			/* CLD_STOPPED takes part in a group stop, else CLD_TRAPPED */
	const struct abi_siginfo *info;	/* or NULL */
	uint64_t message;
};

static void set_state(struct task *t, enum task_state s)
{
	__atomic_store_n(&t->state, (uint8_t)s, __ATOMIC_RELEASE);
}

static bool in_stop(const struct task *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) == TASK_TRACED;
}

static bool exiting(const struct task *t)
{
	return __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE);
}

bool trace_stopped_locked(const struct task *t)
{
	return in_stop(t) && !(t->tr.flags & TRACE_LISTENING) &&
	       (!exiting(t) || (t->tr.flags & TRACE_DYING));
}

void trace_resume_locked(struct task *t, int code)
{
	t->tr.code = code;
	t->tr.flags &= (uint8_t)~TRACE_LISTENING;
	set_state(t, TASK_RUNNING);
	waiter_wake(&t->waiter);
}

static bool is_restart(uint64_t rax)
{
	int64_t err = -(int64_t)rax;
	return err >= ERESTARTSYS && err <= ERESTART_RESTARTBLOCK && err != ENOIOCTLCMD;
}

static void export_regs(struct task *t)
{
	struct regs *r = &t->tr.regs;

	*r = *platform->regs(t->ctx);
	t->tr.dirty = false;
	if (t->restart_err)
		r->rax = (uint64_t)-(int64_t)(t->restart_err < 0 ? -t->restart_err : t->restart_err);
	if (!t->in_syscall)
		r->orig_rax = UINT64_MAX;
	if (t->tr.step_flag)
		r->eflags &= ~(uint64_t)EFLAGS_TF;
}

/* As the tracer left them: a call is restarted if number and result say so. */
static void import_regs(struct task *t)
{
	struct regs *r = platform->regs_mut(t->ctx);

	*r = t->tr.regs;
	t->in_syscall = (int32_t)r->orig_rax != -1;
	t->restart_err = t->in_syscall && is_restart(r->rax) ? (int)-(int64_t)r->rax : 0;
	if (t->restart_err)
		t->restart_nr = r->orig_rax;
	if (r->eflags & EFLAGS_TF)
		t->tr.step_flag = false; /* it is the tracer's wish now, not our means */
	else if (t->tr.step_flag)
		r->eflags |= EFLAGS_TF;
}

static void drop_step_flag(struct task *t)
{
	if (!t->tr.step_flag)
		return;
	t->tr.step_flag = false;
	platform->regs_mut(t->ctx)->eflags &= ~(uint64_t)EFLAGS_TF;
}

static void set_step_flag(struct task *t)
{
	if (!(task_traced(t) & TRACED_STEP)) {
		drop_step_flag(t);
	} else if (!(platform->regs(t->ctx)->eflags & EFLAGS_TF)) {
		platform->regs_mut(t->ctx)->eflags |= EFLAGS_TF;
		t->tr.step_flag = true;
	}
}

/* Enters the stop: true if that completes the stop of the group. */
static bool begin_locked(struct task *t, const struct stop *s)
{
	struct tracing *tr = &t->tr;
	bool complete = false;

	tr->code = s->code;
	tr->message = s->message;
	tr->has_info = s->info;
	if (s->info)
		tr->info = *s->info;
	export_regs(t);
	if (s->cld == CLD_STOPPED && (tr->flags & TRACE_STOP_PENDING)) {
		tr->flags &= (uint8_t)~TRACE_STOP_PENDING;
		complete = jobctl_complete_locked(t->group, NULL);
	}
	tr->flags &= (uint8_t)~(TRACE_TRAP_STOP | TRACE_TRAPPING);
	if (s->info && s->info->code >> 8 == PTRACE_EVENT_STOP)
		tr->flags &= (uint8_t)~TRACE_TRAP_NOTIFY;
	set_state(t, TASK_TRACED);
	return complete;
}

/* Back from it: the signal that the tracer wants. */
static int finish(struct task *t, struct abi_siginfo *out)
{
	struct tracing *tr = &t->tr;

	lock(&t->group->siglock);
	int sig = in_stop(t) ? 0 : tr->code; /* still in it: killed */
	/* What nobody has waited for is still there when the tracer ends: no signal, an event. */
	if (sig > NSIG)
		sig = 0;
	tr->code = 0;
	tr->flags &= (uint8_t)~TRACE_LISTENING;
	set_state(t, TASK_RUNNING);
	if (out && tr->has_info)
		*out = tr->info;
	tr->has_info = false;
	if (tr->dirty)
		import_regs(t);
	tr->dirty = false;
	signal_recalc_locked(t);
	unlock(&t->group->siglock);
	set_step_flag(t);
	return sig;
}

/* Both locks held on entry, none on return.  out: the siginfo as the tracer left it, or NULL. */
static int stop(struct task *t, const struct stop *s, struct abi_siginfo *out)
	RELEASES(kernel.tasks_lock) NO_LOCK_ANALYSIS
{
	struct group *g = t->group;

	/* Both may have come true while nobody held the locks. */
	if (!t->tr.tracer || (exiting(t) && !(t->tr.flags & TRACE_DYING))) {
		unlock(&g->siglock);
		unlock(&kernel.tasks_lock);
		return out ? s->code : 0;
	}
	bool trapping = t->tr.flags & TRACE_TRAPPING;
	bool complete = begin_locked(t, s);
	unlock(&g->siglock);
	trace_tell_locked(t, s->cld);
	/* Its parent has been told already if it is the tracer. */
	if (complete && t->tr.tracer->group != g->parent)
		jobctl_notify_locked(g, CLD_STOPPED);
	unlock(&kernel.tasks_lock);
	if (trapping)
		waitq_wake(&g->stop_wq, JOBCTL_EVENT);
	while (in_stop(t))
		if (waiter_sleep(&t->waiter, WAIT_KILLABLE, WAIT_FOREVER) < 0)
			break;
	return finish(t, out);
}

static int lock_and_stop(struct task *t, const struct stop *s) NO_LOCK_ANALYSIS
{
	task_settle(t);
	lock(&kernel.tasks_lock);
	lock(&t->group->siglock);
	return stop(t, s, NULL);
}

static struct abi_siginfo info_for(const struct task *t, int sig, int code)
{
	struct abi_siginfo info = {.signo = sig, .code = code};
	info.kill.pid = t->nr;
	info.kill.uid = uid_seen(task_user_ns(t), t->cred->ruid);
	return info;
}

/* A stop with SIGTRAP: the signal that the tracer gives. */
static int notify(struct task *t, int code, uint64_t message)
{
	struct abi_siginfo info = info_for(t, SIGTRAP, code);
	const struct stop s = {
		.code = code, .cld = CLD_TRAPPED, .info = &info, .message = message};

	return lock_and_stop(t, &s);
}

bool trace_wants_event(const struct task *t, int event)
{
	return task_is_traced(t) &&
	       (__atomic_load_n(&t->tr.options, __ATOMIC_RELAXED) & 1u << event);
}

void trace_event(struct task *t, int event, uint64_t message)
{
	if (trace_wants_event(t, event))
		notify(t, event << 8 | SIGTRAP, message);
}

void trace_event_id(struct task *t, int event, int id)
{
	if (!trace_wants_event(t, event))
		return;
	lock(&kernel.tasks_lock);
	const struct task *tracer = t->tr.tracer;
	int nr = tracer ? pid_in_locked(tracer->group->pid_ns, id) : 0;
	unlock(&kernel.tasks_lock);
	trace_event(t, event, (uint64_t)nr);
}

static void report_call(struct task *t, uint64_t message)
{
	uint32_t options = __atomic_load_n(&t->tr.options, __ATOMIC_RELAXED);
	int sig = notify(t, SIGTRAP | (options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0), message);

	if (sig && !exiting(t))
		signal_kernel_task(t, sig);
}

void trace_call_enter(struct task *t)
{
	report_call(t, MESSAGE_ENTRY);
}

/* After a step over a call the trap of the CPU would come one instruction late. */
void trace_call_exit(struct task *t)
{
	uint32_t traced = task_traced(t);

	if ((traced & TRACED_STEP) && !(traced & TRACED_EMU)) {
		struct abi_siginfo info = {.signo = SIGTRAP, .code = TRAP_BRKPT};
		info.fault.addr = platform->regs(t->ctx)->rip;
		signal_force(t, &info);
	} else if (traced & TRACED_SYSCALL) {
		report_call(t, MESSAGE_EXIT);
	}
}

void trace_exec(struct task *t, int old_tid)
{
	if (!task_is_traced(t) || exiting(t))
		return;
	if (trace_wants_event(t, PTRACE_EVENT_EXEC)) {
		trace_event_id(t, PTRACE_EVENT_EXEC, old_tid);
	} else if (!t->tr.seized) {
		struct abi_siginfo info;
		signal_info_user(&info, SIGTRAP, SI_USER, t);
		signal_send_task(t, &info);
	}
}

/* It is killed already: only a further SIGKILL ends this stop, and the end of the sandbox. */
void trace_exit(struct task *t) NO_LOCK_ANALYSIS
{
	struct group *g = t->group;
	const int event = PTRACE_EVENT_EXIT << 8 | SIGTRAP;
	struct abi_siginfo info = info_for(t, SIGTRAP, event);
	struct stop s = {.code = event, .cld = CLD_TRAPPED, .info = &info};

	/* One that never ran cannot stop either. */
	if (!t->ctx || t != task_current() || !trace_wants_event(t, PTRACE_EVENT_EXIT))
		return;
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	if (kernel.main_ended || !t->tr.tracer) {
		unlock(&g->siglock);
		unlock(&kernel.tasks_lock);
		return;
	}
	s.message = (uint32_t)(g->exiting ? g->exit_code : t->exit_code);
	t->tr.flags |= TRACE_DYING;
	waiter_flag(&t->waiter, 0, WAITER_KILLED);
	stop(t, &s, NULL);
	lock(&g->siglock);
	t->tr.flags &= (uint8_t)~TRACE_DYING;
	unlock(&g->siglock);
}

void trace_handler(struct task *t)
{
	if (task_traced(t) & TRACED_STEP)
		notify(t, SIGTRAP, 0);
}

void trace_hide_step(struct task *t)
{
	drop_step_flag(t);
}

void trace_child_regs(const struct task *t, struct regs *r)
{
	if (t->tr.step_flag)
		r->eflags &= ~(uint64_t)EFLAGS_TF;
}

bool trace_swallow_step(struct task *t)
{
	if (!t->tr.step_flag || (task_traced(t) & TRACED_STEP))
		return false;
	drop_step_flag(t);
	return true;
}

bool trace_must_stop_locked(const struct task *t)
{
	return t->tr.flags & (TRACE_STOP_PENDING | TRACE_TRAP_STOP | TRACE_TRAP_NOTIFY);
}

void trace_trap(struct task *t) NO_LOCK_ANALYSIS
{
	int sig = t->tr.stop_sig ? t->tr.stop_sig : SIGSTOP;
	struct stop s = {.code = sig, .cld = CLD_STOPPED};

	if (t->tr.seized && t->group->stop == GROUP_RUNNING)
		sig = SIGTRAP;
	struct abi_siginfo info = info_for(t, sig, PTRACE_EVENT_STOP << 8 | sig);
	if (t->tr.seized) {
		s.code = info.code;
		s.info = &info;
	}
	stop(t, &s, NULL);
}

/* Blocked since it was taken: it waits again. */
static bool requeue(struct task *t, const struct sigtaken *s)
{
	struct group *g = t->group;
	int sig = s->info.signo;

	lock(&g->siglock);
	bool blocked = t->blocked & SIGBIT(sig);
	if (blocked) {
		struct sigqueue *q = sigqueue_new(t, /*override=*/true);
		if (q)
			q->info = s->info;
		sigpending_add(s->shared ? &g->pending : &t->pending, sig, q);
		signal_recalc_locked(t);
	}
	unlock(&g->siglock);
	return blocked;
}

bool trace_signal(struct task *t, struct sigtaken *s) NO_LOCK_ANALYSIS
{
	const struct stop show = {.code = s->info.signo, .cld = CLD_TRAPPED, .info = &s->info};

	t->tr.flags |= TRACE_STOP_DEQUEUED;
	struct task *tracer = t->tr.tracer;
	int from = tracer ? tracer->nr : 0;
	uint32_t uid = t->tr.cred ? uid_seen(task_user_ns(t), t->tr.cred->ruid) : 0;
	int sig = stop(t, &show, &s->info);
	if (sig == 0 || exiting(t))
		return false;
	if (sig != s->info.signo) {
		s->info = (struct abi_siginfo){.signo = sig, .code = SI_USER};
		s->info.kill.pid = from;
		s->info.kill.uid = uid;
		s->trapno = s->error = 0;
		s->forced = false;
	}
	return !requeue(t, s);
}

static void news_locked(struct task *t)
{
	t->tr.flags |= TRACE_TRAP_NOTIFY;
	if (t->tr.flags & TRACE_LISTENING)
		trace_resume_locked(t, 0);
	else
		signal_wake_locked(t, /*kill=*/false);
}

void trace_continued_locked(struct task *t)
{
	t->tr.flags &= (uint8_t)~(TRACE_STOP_PENDING | TRACE_STOP_DEQUEUED);
	if (t->tr.seized)
		news_locked(t);
}

void trace_stopping_locked(struct task *t, int sig)
{
	t->tr.flags |= TRACE_STOP_PENDING;
	t->tr.stop_sig = sig;
	if (t->tr.seized)
		news_locked(t);
	else
		signal_wake_locked(t, /*kill=*/false);
}

void trace_kill_dying_locked(struct group *g)
{
	struct task *t;

	list_for_each (t, &g->threads, threads)
		if (t->tr.flags & TRACE_DYING)
			waiter_flag(&t->waiter, WAITER_SIGNAL | WAITER_KILLED, 0);
}
