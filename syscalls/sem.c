/* SPDX-License-Identifier: Apache-2.0 */
/* SysV semaphores: semget(2), semop(2), semtimedop(2), semctl(2). */
#include "sentry/ipc/sem.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/base/cleanup.h"
#include "sentry/task/clock.h"
#include "syscalls/sys.h"

long sys_semget(struct task *t, int key, int nsems, uint32_t flags)
{
	return sem_get(t, key, nsems, flags);
}

static long do_semop(struct task *t, int semid, uaddr_t sops, uint32_t nsops, int64_t deadline)
{
	if (nsops < 1 || semid < 0)
		return -EINVAL;
	if (nsops > (uint32_t)ipc_limit(task_ipc(t), semopm))
		return -E2BIG;
	autofree struct abi_sembuf *ops = malloc(nsops * sizeof *ops);
	if (!ops)
		return -ENOMEM;
	int err = copy_in(t->mm, ops, sops, nsops * sizeof *ops);
	return err < 0 ? err : sem_op(t, semid, ops, nsops, deadline);
}

long sys_semop(struct task *t, int semid, uaddr_t sops, uint32_t nsops)
{
	return do_semop(t, semid, sops, nsops, WAIT_FOREVER);
}

long sys_semtimedop(struct task *t, int semid, uaddr_t sops, uint32_t nsops, uaddr_t timeout)
{
	int64_t ns, deadline = WAIT_FOREVER;
	if (timeout) {
		int err = timespec_copy_in(t->mm, timeout, &ns);
		if (err < 0)
			return err;
		deadline = deadline_in(ns);
	}
	return do_semop(t, semid, sops, nsops, deadline);
}

static long info_out(struct task *t, int cmd, uaddr_t arg)
{
	unsigned sets, sems;
	const struct ipc_ns *n = task_ipc(t);
	struct abi_seminfo info = {
		.semmap = ipc_limit(n, semmns),
		.semmni = ipc_limit(n, semmni),
		.semmns = ipc_limit(n, semmns),
		.semmnu = ipc_limit(n, semmns),
		.semmsl = ipc_limit(n, semmsl),
		.semopm = ipc_limit(n, semopm),
		.semume = ipc_limit(n, semopm),
		.semusz = SEMUSZ,
		.semvmx = SEMVMX,
		.semaem = SEMAEM,
	};
	int top = sem_usage(n, &sets, &sems);
	if (cmd == SEM_INFO) {
		info.semusz = (int32_t)sets;
		info.semaem = (int32_t)sems;
	}
	int err = copy_out(t->mm, arg, &info, sizeof info);
	return err < 0 ? err : top;
}

static long stat_out(struct task *t, int semid, int cmd, uaddr_t arg)
{
	struct abi_semid_ds ds;
	int ret = sem_stat(t, semid, cmd, &ds);
	int err = ret < 0 ? 0 : copy_out(t->mm, arg, &ds, sizeof ds);
	return err < 0 ? err : ret;
}

static long set_in(struct task *t, int semid, uaddr_t arg)
{
	struct abi_semid_ds ds;
	int err = copy_in(t->mm, &ds, arg, sizeof ds);
	return err < 0 ? err : sem_set(t, semid, &ds.perm);
}

static long all(struct task *t, int semid, uaddr_t arg, bool set)
{
	int n = sem_count(t, semid, set ? 0222 : 0444);
	if (n < 0)
		return n;
	size_t size = (size_t)n * sizeof(uint16_t);
	autofree uint16_t *val = malloc(size);
	if (!val)
		return -ENOMEM;
	int err = set ? copy_in(t->mm, val, arg, size) : 0;
	if (err == 0)
		err = set ? sem_setall(t, semid, val, (size_t)n)
			  : sem_getall(t, semid, val, (size_t)n);
	if (err == 0 && !set)
		err = copy_out(t->mm, arg, val, size);
	return err;
}

/* arg is a union: a number for SETVAL, else an address. */
long sys_semctl(struct task *t, int semid, int semnum, int cmd, uaddr_t arg)
{
	if (semid < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info_out(t, cmd, arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat_out(t, semid, cmd, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_query(t, semid, semnum, cmd);
	case GETALL:
	case SETALL:
		return all(t, semid, arg, cmd == SETALL);
	case SETVAL:
		return sem_setval(t, semid, semnum, (int)arg);
	case IPC_SET:
		return set_in(t, semid, arg);
	case IPC_RMID:
		return sem_remove(t, semid);
	default:
		return -EINVAL;
	}
}
