/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What being traced means for a task: a part of struct task.
 *
 * Letters as in task.h.  Who is in a stop (state TASK_TRACED) sleeps in trace_stop(); until it
 * is let go only its tracer changes what is here, on a thread of its own, under siglock.
 */
#pragma once

#include "platform/base/list.h"
#include "platform/platform.h"
#include "syscalls/abi/signal.h"

struct task;
struct cred;

enum {
	TRACE_STOP_PENDING = 1,	 /* a group stop waits for this thread to take part */
	TRACE_STOP_DEQUEUED = 2, /* holds a signal that SIGCONT would have taken back */
	TRACE_TRAP_STOP = 4,	 /* must stop without a signal */
	TRACE_TRAP_NOTIFY = 8,	 /* a group stop has begun or ended: a seized one must tell */
	TRACE_LISTENING = 16,	 /* stays stopped, but stops anew when there is news */
	TRACE_TRAPPING = 32,	 /* its tracer waits until it has stopped */
	TRACE_DYING = 64,	 /* in its exit event: only a new SIGKILL ends that */
};

struct tracing {
	struct task *tracer;	/* t and s to change; it has us in its list, no reference */
	struct list link;	/* t  in tracer->tracees */
	struct cred *cred;	/* t  the tracer's when it became that; our reference */
	uint32_t options;	/* s  PTRACE_O_* */
	bool zombie;		/* t  a dead thread that is no leader, not waited for */
	bool seized;		/* s */
	uint8_t flags;		/* s  TRACE_* */
	int stop_sig;		/* s  of the group stop that it takes part in */

	/* The stop. */
	int code;		/* s  what wait tells, 0 once told; then the signal to go on with */
	uint64_t message;	/* s  PTRACE_GETEVENTMSG */
	bool has_info;		/* s */
	struct abi_siginfo info;/* s */
	struct regs regs;	/* s  as the tracer sees them; ours again when it goes on */
	bool dirty;		/* s  it has changed them */
	bool step_flag;		/* o  TF is set in the real ones for the tracer: nobody sees it */
	uint64_t debugreg[8];	/* s */
};
