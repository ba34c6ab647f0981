/* SPDX-License-Identifier: Apache-2.0 */
/* SysV shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2). */
#include "sentry/ipc/shm.h"

#include <errno.h>

#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/mman.h"
#include "syscalls/sys.h"

long sys_shmget(struct task *t, int key, uint64_t size, uint32_t flags)
{
	return shm_get(t, key, size, flags);
}

/* The address and the flags as mmap takes them. */
static int place_of(uaddr_t *addr, uint32_t flags, int *out_map)
{
	*out_map = MAP_SHARED;
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr &= PAGE_MASK;
		if (!*addr && (flags & SHM_REMAP))
			return -EINVAL;
	}
	*out_map |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

long sys_shmat(struct task *t, int shmid, uaddr_t addr, uint32_t flags)
{
	struct mm_limits lim = task_mm_limits(t);
	struct file *f;
	uint64_t size;
	int map, prot = PROT_READ;

	int err = place_of(&addr, flags, &map);
	if (err == 0)
		err = shm_attach(t, shmid, flags, &f, &size);
	if (err < 0)
		return err;
	if (!(flags & SHM_RDONLY))
		prot |= PROT_WRITE;
	if (flags & SHM_EXEC)
		prot |= PROT_EXEC;
	int64_t at = mm_map(t->mm, t->ctx, addr, size, prot, map, f, 0, &lim);
	shm_attached(f);
	file_put(f);
	return at == -EEXIST ? -EINVAL : at;
}

long sys_shmdt(struct task *t, uaddr_t addr)
{
	return mm_detach(t->mm, t->ctx, addr);
}

static long limits_out(struct task *t, uaddr_t buf)
{
	const struct ipc_ns *n = task_ipc(t);
	uint64_t segments = (uint64_t)ipc_limit(n, shmmni);
	const struct abi_shminfo info = {.shmmax = ipc_limit(n, shmmax),
					 .shmmin = 1,
					 .shmmni = segments,
					 .shmseg = segments,
					 .shmall = ipc_limit(n, shmall)};
	int err = copy_out(t->mm, buf, &info, sizeof info);
	return err < 0 ? err : shm_top(n);
}

static long usage_out(struct task *t, uaddr_t buf)
{
	struct abi_shm_info info;
	int top = shm_usage(task_ipc(t), &info);
	int err = copy_out(t->mm, buf, &info, sizeof info);
	return err < 0 ? err : top;
}

static long stat_out(struct task *t, int shmid, int cmd, uaddr_t buf)
{
	struct abi_shmid_ds ds;
	int ret = shm_stat(t, shmid, cmd, &ds);
	int err = ret < 0 ? 0 : copy_out(t->mm, buf, &ds, sizeof ds);
	return err < 0 ? err : ret;
}

static long set_in(struct task *t, int shmid, uaddr_t buf)
{
	struct abi_shmid_ds ds;
	int err = copy_in(t->mm, &ds, buf, sizeof ds);
	return err < 0 ? err : shm_set(t, shmid, &ds.perm);
}

long sys_shmctl(struct task *t, int shmid, int cmd, uaddr_t buf)
{
	if (shmid < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return limits_out(t, buf);
	case SHM_INFO:
		return usage_out(t, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat_out(t, shmid, cmd, buf);
	case IPC_SET:
		return set_in(t, shmid, buf);
	case IPC_RMID:
		return shm_remove(t, shmid);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(t, shmid, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}
