/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches the calls of a task: a tracer, a filter.
 *
 * task->traced is one word, so that the path of a call that nobody watches costs one load.
 * Bits are set and cleared under siglock; a task sees those of its own calls because whoever
 * sets them does so while it is stopped, or does not care which call is the first.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/dispatch.h"

enum {
	TRACED_PTRACE = 1,	/* there is a tracer */
	TRACED_SYSCALL = 2,	/* ... that wants to stop it before and after its calls */
	TRACED_EMU = 4,		/* ... before them, and they are not carried out */
	TRACED_STEP = 8,	/* ... after each instruction, calls among them */
	TRACED_SECCOMP = 16,	/* a filter, or the strict mode */
	TRACED_ENTRY = TRACED_SYSCALL | TRACED_EMU | TRACED_SECCOMP,
	TRACED_EXIT = TRACED_SYSCALL | TRACED_STEP,
};

static inline uint32_t task_traced(const struct task *t)
{
	return __atomic_load_n(&t->traced, __ATOMIC_RELAXED);
}

/* Must every call of t come to the sentry, even one whose answer is known without it? */
static inline bool task_syscalls_visible(const struct task *t)
{
	return (syscall_trace & TRACE_LINES) || (task_traced(t) & (TRACED_ENTRY | TRACED_EXIT));
}

/* Sets and clears bits, and tells the platform; siglock held. */
void task_watch_locked(struct task *t, uint32_t set, uint32_t clear);
