/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/bounce.h"

#include <errno.h>
#include <stdlib.h>

enum { BOUNCE_SMALL = 4096, BOUNCE_MAX = 128 * 1024 };

/* One piece: to the guest what fill gave.  *out_end: fill had less than was asked for. */
static ssize_t piece_read(struct uio *u, char *buf, size_t n, uint64_t off, bounce_fn fill,
			  void *arg, bool *out_end)
{
	ssize_t got = fill(arg, buf, n, off);
	if (got <= 0) {
		*out_end = true;
		return got;
	}
	ssize_t put = uio_put(u, buf, (size_t)got);
	*out_end = put < (ssize_t)n;
	return put;
}

static ssize_t piece_write(struct uio *u, char *buf, size_t n, uint64_t off, bounce_fn drain,
			   void *arg, bool *out_end)
{
	ssize_t got = uio_get(u, buf, n);
	if (got <= 0) {
		*out_end = true;
		return got;
	}
	ssize_t took = drain(arg, buf, (size_t)got, off);
	if (took < got)
		uio_revert(u, (size_t)(got - (took > 0 ? took : 0)));
	*out_end = took < (ssize_t)n;
	return took;
}

typedef ssize_t (*piece_fn)(struct uio *u, char *buf, size_t n, uint64_t off, bounce_fn fn,
			    void *arg, bool *out_end);

static ssize_t bounce(struct uio *u, uint64_t off, size_t size, piece_fn piece, bounce_fn fn,
		      void *arg)
{
	char small[BOUNCE_SMALL], *buf = small;
	size_t room = sizeof small, done = 0;
	bool end = false;
	ssize_t n = 0;

	size = min_u64(size, u->left);
	if (size > sizeof small) {
		room = min_u64(size, BOUNCE_MAX);
		buf = malloc(room);
		if (!buf)
			return -ENOMEM;
	}
	while (done < size && !end) {
		n = piece(u, buf, min_u64(size - done, room), off + done, fn, arg, &end);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (buf != small)
		free(buf);
	return done > 0 ? (ssize_t)done : n;
}

ssize_t bounce_read(struct uio *u, uint64_t off, size_t size, bounce_fn fill, void *arg)
{
	return bounce(u, off, size, piece_read, fill, arg);
}

ssize_t bounce_write(struct uio *u, uint64_t off, size_t size, bounce_fn drain, void *arg)
{
	return bounce(u, off, size, piece_write, drain, arg);
}
