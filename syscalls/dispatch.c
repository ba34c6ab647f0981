/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/dispatch.h"

#include <errno.h>
#include <time.h>

#include "sentry/mm/copy.h"
#include "syscalls/strace.h"
#include "syscalls/summary.h"
#include "syscalls/sys.h"
#include "syscalls/table.h"

unsigned int syscall_trace;

static long call_row(struct task *t, const struct sysrow *row, const uint64_t args[6])
{
	return row && row->call ? row->call(t, args) : -ENOSYS;
}

static size_t read_guest(void *ctx, void *dst, uaddr_t src, size_t size)
{
	struct mm *mm = task_mm(ctx);

	return mm ? copy_in_some(mm, dst, src, size) : 0;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Kept out of the way of the path without trace. */
static __attribute__((noinline)) long
dispatch_traced(struct task *t, uint32_t nr, const struct sysrow *row, const uint64_t args[6])
{
	const struct trace_mem mem = {read_guest, t};
	bool ends = nr == NR_exit || nr == NR_exit_group;
	enum summary_way way = task_call_rewritten(t) ? WAY_PATCHED : WAY_TRAPPED;
	struct strace line;
	int64_t start = 0;
	long ret;

	if (syscall_trace & TRACE_LINES)
		strace_enter(&line, task_tid_for_trace(t), nr, args, &mem);
	if (syscall_trace & TRACE_SUMMARY) {
		start = now_ns();
		/* They may not come back: counted before. */
		if (ends)
			summary_count(nr, 0, 0, way);
	}
	ret = call_row(t, row, args);
	if (ends)
		return ret;
	if (syscall_trace & TRACE_SUMMARY)
		summary_count(nr, ret, now_ns() - start, way);
	if (syscall_trace & TRACE_LINES)
		strace_exit(&line, ret, &mem);
	return ret;
}

void syscall_answered(uint32_t nr, uint64_t count)
{
	summary_stub(nr, count);
}

long syscall_dispatch(struct task *t, uint64_t nr, const uint64_t args[6])
{
	const struct sysrow *row = sysrow_get((uint32_t)nr);

	if (__builtin_expect(syscall_trace != 0, 0))
		return dispatch_traced(t, (uint32_t)nr, row, args);
	return call_row(t, row, args);
}
