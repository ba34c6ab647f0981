/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a number and six registers to a handler and back.
 *
 * Trace costs one test of a global when it is off.  What is on is set before the first guest
 * instruction and never changes.
 */
#pragma once

#include "platform/base/types.h"

struct mm;
struct task;

enum {
	TRACE_LINES = 1,   /* a line for each call: strace_setup() says where to */
	TRACE_SUMMARY = 2, /* counts and times: summary_print() at the end */
};
extern unsigned int syscall_trace;

/*
 * Runs the call on the thread of t.  >= 0, -errno or -ERESTART*; -ENOSYS where there is none.
 * As on Linux only the low half of nr counts.
 */
long syscall_dispatch(struct task *t, uint64_t nr, const uint64_t args[6]);

/* So many calls never came here, because the platform knew the answer. */
void syscall_answered(uint32_t nr, uint64_t count);

/* What trace needs to know of a task; defined by sentry/task.  The mm may be NULL. */
int task_tid_for_trace(const struct task *t);
bool task_call_rewritten(const struct task *t);
struct mm *task_mm(struct task *t);
