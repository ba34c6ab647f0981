/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace(2). */
#include "sentry/task/ptrace/trace.h"
#include "syscalls/sys.h"

long sys_ptrace(struct task *t, int64_t request, int64_t pid, uint64_t addr, uint64_t data)
{
	return trace_request(t, request, pid, addr, data);
}
