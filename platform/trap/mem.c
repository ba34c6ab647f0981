/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's address space, changed by calls carried out in the stub; and copied. */
#include "platform/trap/text.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "platform/vmcopy.h"

/* A page range below USER_TOP; the pages above it are the stub's own. */
static bool range_ok(uaddr_t addr, uint64_t size)
{
	uint64_t end;
	return addr % PAGE_SIZE == 0 && size > 0 && size % PAGE_SIZE == 0 &&
	       !__builtin_add_overflow(addr, size, &end) && end <= USER_TOP;
}

int trap_map(struct ctx *by, const struct map_req *req)
{
	if (!range_ok(req->addr, req->size))
		return -EINVAL;
	int err = rewrite_change(by->as->text, by, req->addr, req->size);
	if (err < 0)
		return err;
	int flags = MAP_FIXED | (req->shared ? MAP_SHARED : MAP_PRIVATE) |
		    (req->noreserve ? MAP_NORESERVE : 0) | (req->growsdown ? MAP_GROWSDOWN : 0) |
		    (req->populate ? MAP_POPULATE : 0) | (req->fd < 0 ? MAP_ANONYMOUS : 0);
	const struct command cmd = {
		.what = req->fd < 0 ? DO_CALL : DO_MAP,
		.nr = SYS_mmap,
		.args = {req->addr, req->size, (uint64_t)req->prot, (uint64_t)flags, (uint64_t)-1,
			 req->fd < 0 ? 0 : (uint64_t)req->off},
		.within_ns = command_time(req->size, req->populate),
	};
	long r = req->fd < 0 ? command_give(by, &cmd) : command_with_fds(by, &req->fd, 1, &cmd);
	return r < 0 ? (int)r : 0;
}

/* A call on size bytes, each of which it may have to read or write. */
static long call_on(struct ctx *by, long nr, uint64_t addr, uint64_t size, uint64_t a2, uint64_t a3,
		   uint64_t a4)
{
	const struct command cmd = {.what = DO_CALL,
				    .nr = nr,
				    .args = {addr, size, a2, a3, a4},
				    .within_ns = command_time(size, nr == SYS_madvise)};
	return command_give(by, &cmd);
}

int trap_unmap(struct ctx *by, uaddr_t addr, uint64_t size)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	int err = rewrite_change(by->as->text, by, addr, size);
	if (err < 0)
		return err;
	return (int)call_on(by, SYS_munmap, addr, size, 0, 0, 0);
}

int trap_protect(struct ctx *by, uaddr_t addr, uint64_t size, int prot)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	int err = rewrite_change(by->as->text, by, addr, size);
	if (err < 0)
		return err;
	return (int)call_on(by, SYS_mprotect, addr, size, (uint64_t)prot, 0, 0);
}

int trap_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size, uaddr_t to)
{
	/* old_size 0 makes a second mapping of shared pages: mremap(2), BUGS. */
	if (!range_ok(addr, old_size ? old_size : PAGE_SIZE) || !range_ok(to, new_size))
		return -EINVAL;
	int err = rewrite_change(by->as->text, by, addr, old_size ? old_size : PAGE_SIZE);
	if (err == 0)
		err = rewrite_change(by->as->text, by, to, new_size);
	if (err < 0)
		return err;
	uint64_t flags = to == addr ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
	long r = call_on(by, SYS_mremap, addr, old_size, new_size, flags, to);
	return r < 0 ? (int)r : 0;
}

int trap_advise(struct ctx *by, uaddr_t addr, uint64_t size, int advice)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	/* Dropped pages come back as the file has them. */
	int err = advice == MADV_DONTNEED ? rewrite_change(by->as->text, by, addr, size) : 0;
	if (err < 0)
		return err;
	return (int)call_on(by, SYS_madvise, addr, size, (uint64_t)advice, 0, 0);
}

int trap_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec)
{
	if (!range_ok(addr, size))
		return -EINVAL;
	for (uint64_t pages = size / PAGE_SIZE; pages > 0;) {
		uint64_t n = min_u64(pages, SLOT_SCRATCH_SIZE);
		int err = (int)command_call(by, SYS_mincore, addr, n * PAGE_SIZE,
					    scratch_address(by), 0, 0);
		if (err < 0)
			return err;
		memcpy(vec, (char *)by->slot + SLOT_SCRATCH, n);
		addr += n * PAGE_SIZE;
		vec += n;
		pages -= n;
	}
	return 0;
}

/* Its pages may outlive it for a moment, its pid may not be its own. */
static int there(struct aspace *as)
{
	if (__atomic_load_n(&as->dead, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&as->doomed, __ATOMIC_ACQUIRE))
		return -ESRCH;
	return aspace_settle(as, NULL);
}

/* What the call that this thread carries out has in its slot, if it is of that address space. */
static struct ranges *at_hand(const struct aspace *as)
{
	struct ctx *c = trap_current();
	return c && c->as == as ? &c->ranges : NULL;
}

static void flush(void *arg, uaddr_t dst, const void *src, size_t size)
{
	struct iovec local = {.iov_base = (void *)(uintptr_t)src, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)dst, .iov_len = size};
	vm_write(((struct aspace *)arg)->pid, &local, 1, &remote, 1, &trap_calls);
}

void trap_settle(struct ctx *by)
{
	if (trap_current() == by && by->ranges.count > 0 && there(by->as) == 0)
		ranges_settle(&by->ranges, flush, by->as);
}

size_t trap_peek(struct aspace *as, void *dst, uaddr_t src, size_t size)
{
	struct ranges *r = at_hand(as);
	size_t n = r ? ranges_peek(r, dst, src, size) : 0;
	return n > 0 ? rewrite_overlay(as->text, src, dst, n) : 0;
}

ssize_t trap_read(struct aspace *as, const struct iovec *local, size_t nlocal,
		  const struct iovec *remote, size_t nremote)
{
	struct ranges *r = at_hand(as);
	ssize_t n = r ? ranges_read(r, local, nlocal, remote, nremote) : 0;
	if (n > 0)
		return text_overlay(as, local, nlocal, remote, nremote, n);
	int err = there(as);
	if (err < 0)
		return err;
	if (r)
		ranges_sync(r, remote, nremote, /*write=*/false, flush, as);
	n = vm_read(as->pid, local, nlocal, remote, nremote, &trap_calls);
	return text_overlay(as, local, nlocal, remote, nremote, n);
}

ssize_t trap_write(struct aspace *as, const struct iovec *local, size_t nlocal,
		   const struct iovec *remote, size_t nremote)
{
	struct ranges *r = at_hand(as);
	ssize_t n = r ? ranges_write(r, local, nlocal, remote, nremote) : 0;
	if (n > 0)
		return n;
	int err = there(as);
	if (err < 0)
		return err;
	if (r)
		ranges_sync(r, remote, nremote, /*write=*/true, flush, as);
	return vm_write(as->pid, local, nlocal, remote, nremote, &trap_calls);
}
