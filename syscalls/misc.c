/* SPDX-License-Identifier: Apache-2.0 */
/* membarrier(2), sched_yield(2). */
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { MEMBARRIER_CMD_QUERY = 0 };

/*
 * A barrier on the other threads of a program would need the platform to stop
 * each of them: none is offered, and the query says so.
 */
long sys_membarrier(struct task *t, int cmd, uint32_t flags, int cpu_id)
{
	(void)t;
	(void)cpu_id;
	return cmd == MEMBARRIER_CMD_QUERY && !flags ? 0 : -EINVAL;
}

/* The host's scheduler has seen the thread go to sleep and come back: that is a yield. */
long sys_sched_yield(struct task *t)
{
	(void)t;
	return 0;
}
