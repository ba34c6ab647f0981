/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's address space, changed by calls carried out in the stub. */
#include "platform/ptrace/ptrace.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* A page range below USER_TOP; the pages above it are the stub's own. */
static bool range_ok(uaddr_t addr, uint64_t size)
{
	uint64_t end;
	return addr % PAGE_SIZE == 0 && size > 0 && size % PAGE_SIZE == 0 &&
	       !__builtin_add_overflow(addr, size, &end) && end <= USER_TOP;
}

int ptrace_map(struct ctx *by, const struct map_req *req)
{
	if (!range_ok(req->addr, req->size))
		return -EINVAL;
	int flags = MAP_FIXED | (req->shared ? MAP_SHARED : MAP_PRIVATE) |
		    (req->noreserve ? MAP_NORESERVE : 0) | (req->growsdown ? MAP_GROWSDOWN : 0) |
		    (req->populate ? MAP_POPULATE : 0);
	if (req->fd >= 0)
		return ctl_map(by, req, flags);
	long r = tracee_call(by, SYS_mmap, req->addr, req->size, (uint64_t)req->prot,
			     (uint64_t)(flags | MAP_ANONYMOUS), (uint64_t)-1);
	return r < 0 ? (int)r : 0;
}

int ptrace_unmap(struct ctx *by, uaddr_t addr, uint64_t size)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	return (int)tracee_call(by, SYS_munmap, addr, size, 0, 0, 0);
}

int ptrace_protect(struct ctx *by, uaddr_t addr, uint64_t size, int prot)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	return (int)tracee_call(by, SYS_mprotect, addr, size, (uint64_t)prot, 0, 0);
}

int ptrace_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size, uaddr_t to)
{
	/* old_size 0 makes a second mapping of shared pages: mremap(2), BUGS. */
	if (!range_ok(addr, old_size ? old_size : PAGE_SIZE) || !range_ok(to, new_size))
		return -EINVAL;
	uint64_t flags = to == addr ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
	long r = tracee_call(by, SYS_mremap, addr, old_size, new_size, flags, to);
	return r < 0 ? (int)r : 0;
}

int ptrace_advise(struct ctx *by, uaddr_t addr, uint64_t size, int advice)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	return (int)tracee_call(by, SYS_madvise, addr, size, (uint64_t)advice, 0, 0);
}

static int mincore_piece(struct ctx *by, uaddr_t addr, uint64_t pages, unsigned char *vec)
{
	uint64_t at = ptrace_host.base + STUB_TEXT_SIZE + STUB_VEC;
	int err = (int)tracee_call(by, SYS_mincore, addr, pages * PAGE_SIZE, at, 0, 0);
	if (err < 0)
		return err;
	struct iovec local = {.iov_base = vec, .iov_len = pages};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = pages};
	ptrace_calls++;
	ssize_t n = host_vm_read(by->as->pid, &local, 1, &remote, 1);
	if (n < 0)
		return (int)n;
	return (uint64_t)n == pages ? 0 : -EFAULT;
}

/* The guest's other threads can change the answer on its way: it is theirs. */
int ptrace_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	for (uint64_t pages = size / PAGE_SIZE; pages > 0;) {
		uint64_t n = min_u64(pages, STUB_VEC_MAX);
		int err = mincore_piece(by, addr, n, vec);
		if (err < 0)
			return err;
		addr += n * PAGE_SIZE;
		vec += n;
		pages -= n;
	}
	return 0;
}
