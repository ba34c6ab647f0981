/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer/sink.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "platform/host.h"

void sink_begin(struct sink *s, int fd)
{
	s->fd = fd;
	s->err = 0;
	s->used = 0;
}

static void flush(struct sink *s)
{
	for (size_t done = 0; done < s->used && s->err == 0;) {
		const struct iovec v = {.iov_base = s->buf + done, .iov_len = s->used - done};
		ssize_t n = host_writev(s->fd, &v, 1);
		if (n < 0 && n != -EINTR)
			s->err = (int)n;
		done += n < 0 ? 0 : (size_t)n;
	}
	s->used = 0;
}

void sink_put(struct sink *s, const void *p, size_t size)
{
	for (const char *from = p; size > 0 && s->err == 0;) {
		size_t n = sizeof s->buf - s->used;
		if (n > size)
			n = size;
		memcpy(s->buf + s->used, from, n);
		s->used += n;
		from += n;
		size -= n;
		if (s->used == sizeof s->buf)
			flush(s);
	}
}

void sink_fail(struct sink *s, int err)
{
	if (s->err == 0)
		s->err = err;
}

int sink_end(struct sink *s)
{
	flush(s);
	return s->err;
}
