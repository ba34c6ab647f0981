/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A range is checked once, here: below USER_TOP and not wrapping.  The platform
 * copies page by page and stops at the first page that is not there, which is
 * exactly the partial result Linux gives.
 */
#include "sentry/mm/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "sentry/mm/mm.h"

static bool range_ok(uaddr_t addr, size_t size)
{
	uaddr_t end;
	return size == 0 || (!__builtin_add_overflow(addr, size, &end) && end <= USER_TOP);
}

/* Bytes that lie below the end of user space. */
static size_t range_clip(uaddr_t addr, size_t size)
{
	if (addr >= USER_TOP)
		return 0;
	return min_u64(size, USER_TOP - addr);
}

size_t copy_in_some(struct mm *mm, void *dst, uaddr_t src, size_t size)
{
	struct iovec l = {.iov_base = dst, .iov_len = range_clip(src, size)};
	struct iovec r = {.iov_base = (void *)(uintptr_t)src, .iov_len = l.iov_len};
	if (l.iov_len == 0)
		return 0;
	ssize_t n = platform->read(mm->aspace, &l, 1, &r, 1);
	return n < 0 ? 0 : (size_t)n;
}

size_t copy_out_some(struct mm *mm, uaddr_t dst, const void *src, size_t size)
{
	struct iovec l = {.iov_base = (void *)(uintptr_t)src, .iov_len = range_clip(dst, size)};
	struct iovec r = {.iov_base = (void *)(uintptr_t)dst, .iov_len = l.iov_len};
	if (l.iov_len == 0)
		return 0;
	ssize_t n = platform->write(mm->aspace, &l, 1, &r, 1);
	return n < 0 ? 0 : (size_t)n;
}

int copy_in(struct mm *mm, void *dst, uaddr_t src, size_t size)
{
	if (!range_ok(src, size))
		return -EFAULT;
	return copy_in_some(mm, dst, src, size) == size ? 0 : -EFAULT;
}

int copy_out(struct mm *mm, uaddr_t dst, const void *src, size_t size)
{
	if (!range_ok(dst, size))
		return -EFAULT;
	return copy_out_some(mm, dst, src, size) == size ? 0 : -EFAULT;
}

int clear_out(struct mm *mm, uaddr_t dst, size_t size)
{
	static const char zeros[PAGE_SIZE];
	if (!range_ok(dst, size))
		return -EFAULT;
	while (size > 0) {
		size_t n = min_u64(size, sizeof zeros);
		if (copy_out(mm, dst, zeros, n) < 0)
			return -EFAULT;
		dst += n;
		size -= n;
	}
	return 0;
}

/* Reads up to the end of a page at a time: the next page may not exist, and need not. */
ssize_t copy_str(struct mm *mm, char *dst, uaddr_t src, size_t size)
{
	size_t done = 0;
	if (platform->peek) {
		size_t n = platform->peek(mm->aspace, dst, src, size);
		const char *nul = memchr(dst, '\0', n);
		if (nul)
			return nul - dst;
	}
	while (done < size) {
		size_t chunk = PAGE_SIZE - (src & ~PAGE_MASK);
		if (chunk > size - done)
			chunk = size - done;
		/* Most names are short: do not fetch a page for ten bytes. */
		if (chunk > 256)
			chunk = 256;
		size_t n = copy_in_some(mm, dst + done, src, chunk);
		char *nul = memchr(dst + done, '\0', n);
		if (nul)
			return nul - dst;
		if (n < chunk)
			return -EFAULT;
		done += n;
		src += n;
	}
	return -ENAMETOOLONG;
}
