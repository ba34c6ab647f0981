/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory by process_vm_readv/writev.
 *
 * Newer hosts copy up to the first missing page.  Older ones (3.x) give up a
 * batch of up to 16 pages as a whole if one is missing, so a short answer is
 * continued page by page until a page really fails.
 */
#include "platform/vmcopy.h"

#include <errno.h>
#include <sys/uio.h>

#include "platform/host.h"
#include "platform/platform.h"

typedef ssize_t vm_copy(int pid, const struct iovec *local, size_t nlocal,
			const struct iovec *remote, size_t nremote);

/* A place in an iovec array. */
struct cursor {
	const struct iovec *iov;
	size_t count, skip;
};

static void cursor_advance(struct cursor *cur, size_t n)
{
	while (cur->count && n >= cur->iov->iov_len - cur->skip) {
		n -= cur->iov->iov_len - cur->skip;
		cur->skip = 0;
		cur->iov++;
		cur->count--;
	}
	cur->skip += n;
}

static struct iovec cursor_piece(const struct cursor *cur)
{
	return (struct iovec){.iov_base = (char *)cur->iov->iov_base + cur->skip,
			      .iov_len = cur->iov->iov_len - cur->skip};
}

/* Total of the remote side, or -EFAULT if any of it is not the guest's. */
static ssize_t remote_size(const struct iovec *remote, size_t n)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++) {
		uaddr_t end;
		if (__builtin_add_overflow((uaddr_t)(uintptr_t)remote[i].iov_base,
					   remote[i].iov_len, &end) ||
		    end > USER_TOP)
			return -EFAULT;
		if (__builtin_add_overflow(total, remote[i].iov_len, &total) || total > INT64_MAX)
			return -EINVAL;
	}
	return (ssize_t)total;
}

static size_t local_size(const struct iovec *local, size_t n)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += local[i].iov_len;
	return total;
}

static size_t copy_pages(vm_copy *copy, int pid, struct cursor local, struct cursor remote,
			 unsigned long *calls)
{
	size_t done = 0;
	cursor_advance(&local, 0);
	cursor_advance(&remote, 0);
	while (local.count && remote.count) {
		struct iovec l = cursor_piece(&local), r = cursor_piece(&remote);
		size_t n = PAGE_SIZE - (uintptr_t)r.iov_base % PAGE_SIZE;
		n = min_u64(n, min_u64(l.iov_len, r.iov_len));
		l.iov_len = r.iov_len = n;
		++*calls;
		if (copy(pid, &l, 1, &r, 1) != (ssize_t)n)
			break;
		done += n;
		cursor_advance(&local, n);
		cursor_advance(&remote, n);
	}
	return done;
}

static ssize_t copy_all(vm_copy *copy, int pid, const struct iovec *local, size_t nlocal,
			const struct iovec *remote, size_t nremote, unsigned long *calls)
{
	ssize_t total = remote_size(remote, nremote);
	if (total <= 0)
		return total;
	total = (ssize_t)min_u64((size_t)total, local_size(local, nlocal));
	++*calls;
	ssize_t n = copy(pid, local, nlocal, remote, nremote);
	if (n == total || (n < 0 && n != -EFAULT))
		return n;
	struct cursor l = {.iov = local, .count = nlocal};
	struct cursor r = {.iov = remote, .count = nremote};
	n = n < 0 ? 0 : n;
	cursor_advance(&l, (size_t)n);
	cursor_advance(&r, (size_t)n);
	n += (ssize_t)copy_pages(copy, pid, l, r, calls);
	return n > 0 ? n : -EFAULT;
}

ssize_t vm_read(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		size_t nremote, unsigned long *calls)
{
	return copy_all(host_vm_read, pid, local, nlocal, remote, nremote, calls);
}

ssize_t vm_write(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		 size_t nremote, unsigned long *calls)
{
	return copy_all(host_vm_write, pid, local, nlocal, remote, nremote, calls);
}
