/* SPDX-License-Identifier: Apache-2.0 */
/* sysinfo(2), getcpu(2), syslog(2). */
#include "syscalls/abi/sysinfo.h"

#include "sentry/procfs/measure.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/task/clock.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

/* The same as in /proc/meminfo and /proc/loadavg. */
long sys_sysinfo(struct task *t, uaddr_t info)
{
	int64_t up = 0;
	uint32_t load[3];
	struct memory_info m;

	clock_read(t, CLOCK_BOOTTIME, &up);
	memory_get(&m);
	struct abi_sysinfo s = {
		/* Linux rounds up. */
		.uptime = (up + NSEC_PER_SEC - 1) / NSEC_PER_SEC,
		.totalram = m.total,
		.freeram = m.free,
		.sharedram = m.shmem,
		.bufferram = m.buffers,
		.totalswap = m.swap_total,
		.freeswap = m.swap_free,
		.mem_unit = 1,
	};
	measure_loads(load);
	for (int i = 0; i < 3; i++)
		s.loads[i] = (uint64_t)load[i] << (SI_LOAD_SHIFT - LOAD_SHIFT);
	lock(&kernel.tasks_lock);
	s.procs = (uint16_t)min_u64(kernel.ntasks, UINT16_MAX);
	unlock(&kernel.tasks_lock);
	return copy_out(t->mm, info, &s, sizeof s);
}

long sys_getcpu(struct task *t, uaddr_t cpu, uaddr_t node, uaddr_t cache)
{
	uint64_t allowed = __atomic_load_n(&t->cpus_allowed, __ATOMIC_RELAXED);
	uint32_t now = resources_cpu_now();
	const uint32_t zero = 0;

	/* The numbers are ours: a thread that has bound itself is where it wanted to be. */
	allowed = allowed ? resources_cpus_allowed(allowed) : 0;
	if (allowed && !(allowed >> now & 1))
		now = (uint32_t)__builtin_ctzll(allowed);
	(void)cache; /* Linux ignores it since 2.6.24 */
	if (cpu && copy_out(t->mm, cpu, &now, sizeof now) < 0)
		return -EFAULT;
	if (node && copy_out(t->mm, node, &zero, sizeof zero) < 0)
		return -EFAULT;
	return 0;
}

/* Actions of syslog(2). */
enum {
	LOG_CLOSE,
	LOG_OPEN,
	LOG_READ,
	LOG_READ_ALL,
	LOG_READ_CLEAR,
	LOG_CLEAR,
	LOG_CONSOLE_OFF,
	LOG_CONSOLE_ON,
	LOG_CONSOLE_LEVEL,
	LOG_SIZE_UNREAD,
	LOG_SIZE_BUFFER,
};

/* A log nobody ever writes to. */
long sys_syslog(struct task *t, int type, uaddr_t buf, int len)
{
	if (type < LOG_CLOSE || type > LOG_SIZE_BUFFER)
		return -EINVAL;
	if (!task_capable(t, CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case LOG_READ:
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (type != LOG_READ || len == 0)
			return 0;
		while (waiter_sleep(&t->waiter, WAIT_INTR, WAIT_FOREVER) == 0)
			;
		return -ERESTARTSYS;
	case LOG_CONSOLE_LEVEL:
		return len >= 1 && len <= 8 ? 0 : -EINVAL;
	default:
		return 0;
	}
}
