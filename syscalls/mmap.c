/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: decode here, work in sentry/mm. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/mman.h"
#include "syscalls/sys.h"

/* No file here is of hugetlbfs, and the pool of huge pages is empty. */
static long huge_map(uint64_t flags, const struct file *f)
{
	uint64_t size = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
	bool exists = size == 0 || size == 21 || size == 30;
	return f || !exists ? -EINVAL : -ENOMEM;
}

long sys_mmap(struct task *t, uaddr_t addr, uint64_t length, uint64_t prot, uint64_t flags, int fd,
	      uint64_t offset)
{
	autoput(file) struct file *f = NULL;
	struct mm_limits lim = task_mm_limits(t);

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && !(f = fdtab_get_io(t->fds, fd)))
		return -EBADF;
	if (flags & MAP_HUGETLB)
		return huge_map(flags, f);
	return mm_map(t->mm, t->ctx, addr, length, (int)prot, (int)flags, f, offset, &lim);
}

long sys_munmap(struct task *t, uaddr_t addr, uint64_t length)
{
	return mm_unmap(t->mm, t->ctx, addr, length);
}

long sys_mprotect(struct task *t, uaddr_t addr, uint64_t length, uint64_t prot)
{
	if (prot >> 32)
		return -EINVAL;
	struct mm_limits lim = task_mm_limits(t);
	return mm_protect(t->mm, t->ctx, addr, length, (int)prot, &lim);
}

long sys_brk(struct task *t, uaddr_t addr)
{
	struct mm_limits lim = task_mm_limits(t);
	return (long)mm_brk(t->mm, t->ctx, addr, &lim);
}

long sys_mremap(struct task *t, uaddr_t addr, uint64_t old_length, uint64_t new_length,
		uint64_t flags, uaddr_t new_addr)
{
	struct mm_limits lim = task_mm_limits(t);
	if (flags >> 32)
		return -EINVAL;
	return mm_remap(t->mm, t->ctx, addr, old_length, new_length, (int)flags, new_addr, &lim);
}

long sys_madvise(struct task *t, uaddr_t addr, uint64_t length, int advice)
{
	return mm_advise(t->mm, t->ctx, addr, length, advice);
}

long sys_msync(struct task *t, uaddr_t addr, uint64_t length, int flags)
{
	return mm_sync(t->mm, addr, length, flags);
}

/* In pieces, so that the answer for a huge range needs no huge buffer. */
long sys_mincore(struct task *t, uaddr_t addr, uint64_t length, uaddr_t vec)
{
	unsigned char piece[256];
	uint64_t pages;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > USER_TOP || length > USER_TOP - addr)
		return -ENOMEM;
	pages = PAGE_ALIGN(length) >> PAGE_SHIFT;
	while (pages > 0) {
		uint64_t n = min_u64(pages, sizeof piece);
		int err = mm_incore(t->mm, t->ctx, addr, n << PAGE_SHIFT, piece);
		if (err == 0)
			err = copy_out(t->mm, vec, piece, n);
		if (err < 0)
			return err;
		addr += n << PAGE_SHIFT;
		vec += n;
		pages -= n;
	}
	return 0;
}

long sys_mlock(struct task *t, uaddr_t addr, uint64_t length)
{
	struct mm_limits lim = task_mm_limits(t);
	return mm_lock_range(t->mm, t->ctx, addr, length, 0, &lim);
}

long sys_mlock2(struct task *t, uaddr_t addr, uint64_t length, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	struct mm_limits lim = task_mm_limits(t);
	return mm_lock_range(t->mm, t->ctx, addr, length, flags, &lim);
}

long sys_munlock(struct task *t, uaddr_t addr, uint64_t length)
{
	return mm_unlock_range(t->mm, addr, length);
}

long sys_mlockall(struct task *t, int flags)
{
	struct mm_limits lim = task_mm_limits(t);
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!lim.ipc_lock && lim.memlock == 0)
		return -EPERM;
	return mm_lock_all(t->mm, t->ctx, flags, &lim);
}

long sys_munlockall(struct task *t)
{
	struct mm_limits lim = task_mm_limits(t);
	return mm_lock_all(t->mm, t->ctx, 0, &lim);
}
