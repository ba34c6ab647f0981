/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a guest thread: run guest code until something happens, handle
 * it, look for signals, again.
 *
 *	            +--------------------------------------------+
 *	            v                                            |
 *	exiting? -> signals? -> platform->run -> system call ----+
 *	   |                                  -> fault ----------+
 *	   v                                  -> interrupt ------+
 *	task_exit                             -> gone: SIGKILL --+
 */
#include <errno.h>
#include <time.h>

#include "platform/host.h"
#include "sentry/mm/mm.h"
#include "sentry/task/exit.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "sentry/task/watch.h"
#include "syscalls/abi/errno.h"
#include "syscalls/dispatch.h"

static bool must_exit(const struct task *t)
{
	return __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE) != 0;
}

static bool is_restart(long ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK && ret != -ENOIOCTLCMD;
}

/* Before the call: the tracer, then the filters, as they may judge what it has changed. */
static __attribute__((noinline)) bool enter_watched(struct task *t)
{
	uint32_t traced = task_traced(t);

	if (traced & (TRACED_SYSCALL | TRACED_EMU)) {
		trace_call_enter(t);
		if (must_exit(t) || (traced & TRACED_EMU))
			return false;
	}
	if ((task_traced(t) & TRACED_SECCOMP) && seccomp_enter(t) != SECCOMP_RUN)
		return false;
	/* A tracer can take the call away. */
	return (int32_t)platform->regs(t->ctx)->orig_rax != -1;
}

static void call(struct task *t, const struct event *ev)
{
	t->restart_nr = ev->nr;
	long ret = syscall_dispatch(t, ev->nr, ev->args);
	if (must_exit(t))
		return;
	if (is_restart(ret)) {
		t->restart_err = (int)-ret;
		ret = -EINTR;
	}
	platform->answer(t->ctx, ret);
}

/* Who watches it may have changed it. */
static void call_watched(struct task *t)
{
	struct event ev;
	if (!enter_watched(t))
		return;
	event_call(&ev, platform->regs(t->ctx));
	call(t, &ev);
}

static void handle_syscall(struct task *t, const struct event *ev)
{
	if (__builtin_expect(ev->rewrite, 0))
		mm_rewrite(t->mm, t->ctx, platform->regs(t->ctx)->rip);
	t->call_rewritten = ev->rewritten;
	t->syscalls++;
	t->in_syscall = true;
	t->restart_err = 0;
	if (__builtin_expect(!(task_traced(t) & TRACED_ENTRY), 1))
		call(t, ev);
	else
		call_watched(t);
	if (__builtin_expect(task_traced(t) & TRACED_EXIT, 0) && !must_exit(t))
		trace_call_exit(t);
}

static void handle_fault(struct task *t, const struct event *ev)
{
	t->in_syscall = false;
	if (ev->signo == SIGTRAP && trace_swallow_step(t))
		return;
	signal_fault(t, ev);
}

static void handle_event(struct task *t, const struct event *ev)
{
	switch (ev->kind) {
	case EV_SYSCALL:
		handle_syscall(t, ev);
		break;
	case EV_FAULT:
		handle_fault(t, ev);
		break;
	case EV_INTERRUPT:
		t->in_syscall = false;
		break;
	case EV_GONE:
		if (!must_exit(t)) /* else it was abandoned; another of the group may exec */
			task_exit_group(t, SIGKILL); /* killed from outside */
		break;
	}
}

void task_run(struct task *t)
{
	while (!must_exit(t)) {
		struct event ev;
		if (signal_attention(t)) {
			signal_deliver(t);
			if (must_exit(t))
				break;
		}
		platform->run(t->ctx, &ev);
		handle_event(t, &ev);
	}
	task_exit(t);
}

void task_account(struct task *t)
{
	int64_t ns;
	if (t->ctx && platform->ctx_cputime(t->ctx, &ns) == 0)
		__atomic_store_n(&t->utime_ns, ns, __ATOMIC_RELAXED);
	if (platform->strands)
		__atomic_store_n(&t->stime_ns, platform->strands->time(), __ATOMIC_RELAXED);
	else if (host_clock_get(CLOCK_THREAD_CPUTIME_ID, &ns) == 0)
		__atomic_store_n(&t->stime_ns, ns, __ATOMIC_RELAXED);
}
