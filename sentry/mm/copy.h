/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory, the only way to it.
 *
 * Everything read here is hostile and may change the next instant: copy it
 * once, into the sentry's memory, and check the copy.  All functions return
 * -EFAULT for any address a guest could not touch, as the kernel does.
 *
 * A uio is a place that bytes are read from or written to: guest memory named
 * by an iovec array (already copied and checked), or a buffer of the sentry.
 * File systems see guest memory only as a uio.  A uio's position advances with
 * what was copied.
 */
#pragma once

#include "platform/base/types.h"
#include "platform/platform.h"

struct mm;

int copy_in(struct mm *mm, void *dst, uaddr_t src, size_t size);
int copy_out(struct mm *mm, uaddr_t dst, const void *src, size_t size);
/* Bytes copied before the first bad page, >= 0; never fails. */
size_t copy_in_some(struct mm *mm, void *dst, uaddr_t src, size_t size);
size_t copy_out_some(struct mm *mm, uaddr_t dst, const void *src, size_t size);
int clear_out(struct mm *mm, uaddr_t dst, size_t size);
/*
 * A NUL-terminated string of at most size - 1 bytes; its length.  -EFAULT,
 * or -ENAMETOOLONG when there is no NUL within size bytes.
 */
ssize_t copy_str(struct mm *mm, char *dst, uaddr_t src, size_t size);

/* Largest transfer of one call, as Linux: INT_MAX rounded down to a page. */
#define MAX_RW_COUNT 0x7ffff000ull

/* One element; base is a guest address, or a sentry pointer for kernel uios. */
struct uvec {
	uint64_t base;
	uint64_t size;
};

struct uio {
	struct mm *mm;		/* NULL: bases are sentry pointers */
	const struct uvec *vec;
	size_t count;		/* elements left, vec points at the current one */
	size_t skip;		/* bytes of the current element already used */
	size_t left;		/* bytes left in all */
	struct uvec one;	/* storage for the single-buffer forms */
};

/* size is cut to MAX_RW_COUNT; -EFAULT if the range leaves user space. */
int uio_user(struct uio *u, struct mm *mm, uaddr_t base, size_t size);
/* vec stays the caller's and must outlive u. */
int uio_uservec(struct uio *u, struct mm *mm, const struct uvec *vec, size_t count);
void uio_kernel(struct uio *u, void *buf, size_t size);
/*
 * Copies in and checks an iovec array as readv(2) does: -EINVAL for count > 1024
 * or a sum over SSIZE_MAX, -EFAULT.  *out_vec is malloc'ed (the caller frees) and
 * may be NULL for count 0.  The total is cut to MAX_RW_COUNT.
 */
int uio_copy_iovec(struct mm *mm, uaddr_t iov, uint64_t count, struct uvec **out_vec,
		   size_t *out_total);

/* Bytes moved (short where a page is bad); -EFAULT if none of size > 0 could be. */
ssize_t uio_put(struct uio *u, const void *src, size_t size);	/* sentry -> uio */
ssize_t uio_get(struct uio *u, void *dst, size_t size);		/* uio -> sentry */
ssize_t uio_zero(struct uio *u, size_t size);
/* Steps back over the last n bytes moved: for a partly failed transfer. */
void uio_revert(struct uio *u, size_t n);
/* Skips n bytes without copying. */
void uio_advance(struct uio *u, size_t n);
