/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/io.  Bytes of storage stay 0: the guest's file systems are memory, or the host's
 * page cache, and what that reads from disks is not one process's.
 */
#include "sentry/procfs/pid.h"
#include "sentry/task/iocount.h"

int pid_io_show(const struct proc_look *at, struct text *out)
{
	struct task_io io;
	int err = proc_may_inspect(at->task);
	if (err < 0)
		return err;
	if (at->node->thread)
		io_of_thread(at->task, &io);
	else
		io_of_group(at->task->group, &io);
	text_printf(out, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n",
		    (unsigned long long)io.rchar, (unsigned long long)io.wchar,
		    (unsigned long long)io.syscr, (unsigned long long)io.syscw);
	text_printf(out, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
	return 0;
}
