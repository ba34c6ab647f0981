/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scatter/gather over guest or sentry memory.
 *
 * vec and skip name the next byte; left never exceeds what the elements hold.
 * Elements were checked once when copied in: addresses of zero length are
 * never looked at.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "sentry/mm/copy.h"
#include "sentry/mm/mm.h"

enum { UIO_BATCH = 16, IOV_LIMIT = 1024 };

static bool user_range(uint64_t base, uint64_t size)
{
	uint64_t end;
	return !__builtin_add_overflow(base, size, &end) && end <= USER_TOP;
}

int uio_user(struct uio *u, struct mm *mm, uaddr_t base, size_t size)
{
	/* Linux checks the range before it cuts the size: read(fd, buf, -1) is EFAULT. */
	if (!user_range(base, size))
		return -EFAULT;
	size = min_u64(size, MAX_RW_COUNT);
	*u = (struct uio){.mm = mm, .count = 1, .left = size, .one = {base, size}};
	u->vec = &u->one;
	return 0;
}

int uio_uservec(struct uio *u, struct mm *mm, const struct uvec *vec, size_t count)
{
	*u = (struct uio){.mm = mm, .vec = vec, .count = count};
	for (size_t i = 0; i < count; i++)
		u->left += vec[i].size;
	return 0;
}

void uio_kernel(struct uio *u, void *buf, size_t size)
{
	*u = (struct uio){.count = 1, .left = size, .one = {(uintptr_t)buf, size}};
	u->vec = &u->one;
}

/* Cuts the vector so that it holds at most MAX_RW_COUNT; -EINVAL past SSIZE_MAX. */
static int vec_check(struct uvec *v, size_t count, size_t *out_total)
{
	uint64_t total = 0;
	for (size_t i = 0; i < count; i++) {
		if (v[i].size > SSIZE_MAX || total + v[i].size > SSIZE_MAX)
			return -EINVAL;
		if (!user_range(v[i].base, v[i].size))
			return -EFAULT;
		if (v[i].size > MAX_RW_COUNT - min_u64(total, MAX_RW_COUNT))
			v[i].size = MAX_RW_COUNT - min_u64(total, MAX_RW_COUNT);
		total += v[i].size;
	}
	*out_total = total;
	return 0;
}

int uio_copy_iovec(struct mm *mm, uaddr_t iov, uint64_t count, struct uvec **out_vec,
		   size_t *out_total)
{
	*out_vec = NULL;
	*out_total = 0;
	if (count > IOV_LIMIT)
		return -EINVAL;
	if (count == 0)
		return 0;
	struct uvec *v = malloc(count * sizeof *v);
	if (!v)
		return -ENOMEM;
	int err = copy_in(mm, v, iov, count * sizeof *v);
	if (err == 0)
		err = vec_check(v, count, out_total);
	if (err < 0) {
		free(v);
		return err;
	}
	*out_vec = v;
	return 0;
}

void uio_advance(struct uio *u, size_t n)
{
	u->left -= n;
	u->skip += n;
	while (u->count > 0 && u->skip >= u->vec->size) {
		u->skip -= u->vec->size;
		u->vec++;
		u->count--;
	}
}

/* The elements before vec are still in place: walk back over them. */
void uio_revert(struct uio *u, size_t n)
{
	u->left += n;
	while (n > u->skip) {
		n -= u->skip;
		u->vec--;
		u->count++;
		u->skip = u->vec->size;
	}
	u->skip -= n;
}

enum direction { TO_USER, FROM_USER };

/* Up to size bytes between buf and the uio's next elements; what was moved, or -EFAULT. */
static ssize_t user_move(struct uio *u, char *buf, size_t size, enum direction dir)
{
	struct iovec remote[UIO_BATCH], local = {.iov_base = buf};
	size_t n = 0, skip = u->skip;

	for (size_t i = 0; i < u->count && n < UIO_BATCH && local.iov_len < size; i++) {
		size_t len = min_u64(u->vec[i].size - skip, size - local.iov_len);
		if (len > 0)
			remote[n++] = (struct iovec){
				.iov_base = (void *)(uintptr_t)(u->vec[i].base + skip),
				.iov_len = len};
		local.iov_len += len;
		skip = 0;
	}
	if (n == 0)
		return 0;
	return dir == TO_USER ? platform->write(u->mm->aspace, &local, 1, remote, n)
			      : platform->read(u->mm->aspace, &local, 1, remote, n);
}

static ssize_t kernel_move(struct uio *u, char *buf, size_t size, enum direction dir)
{
	size_t len = min_u64(u->vec->size - u->skip, size);
	char *at = (char *)(uintptr_t)u->vec->base + u->skip;
	if (dir == TO_USER)
		memcpy(at, buf, len);
	else
		memcpy(buf, at, len);
	return (ssize_t)len;
}

static ssize_t uio_move(struct uio *u, char *buf, size_t size, enum direction dir)
{
	size_t done = 0;
	size = min_u64(size, u->left);
	while (done < size) {
		ssize_t n = u->mm ? user_move(u, buf + done, size - done, dir)
				  : kernel_move(u, buf + done, size - done, dir);
		if (n <= 0)
			return done > 0 ? (ssize_t)done : -EFAULT;
		uio_advance(u, (size_t)n);
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t uio_put(struct uio *u, const void *src, size_t size)
{
	return uio_move(u, (char *)(uintptr_t)src, size, TO_USER);
}

ssize_t uio_get(struct uio *u, void *dst, size_t size)
{
	return uio_move(u, dst, size, FROM_USER);
}

ssize_t uio_zero(struct uio *u, size_t size)
{
	static const char zeros[16 * PAGE_SIZE];
	size_t done = 0;
	size = min_u64(size, u->left);
	while (done < size) {
		size_t want = min_u64(size - done, sizeof zeros);
		ssize_t n = uio_put(u, zeros, want);
		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}
