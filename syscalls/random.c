/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2): the host's pool is always ready, so no flag makes a difference. */
#include "syscalls/abi/random.h"

#include <limits.h>

#include "sentry/res/random.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { CHUNK = 4096 };

long sys_getrandom(struct task *t, uaddr_t buf, uint64_t count, uint32_t flags)
{
	unsigned char chunk[CHUNK];
	uint64_t done = 0;

	if (flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & GRND_RANDOM) && (flags & GRND_INSECURE))
		return -EINVAL;
	count = min_u64(count, INT_MAX);
	while (done < count) {
		size_t size = min_u64(count - done, sizeof chunk);
		random_bytes(chunk, size);
		size_t copied = copy_out_some(t->mm, buf + done, chunk, size);
		done += copied;
		if (copied < size)
			return done ? (long)done : -EFAULT;
		/* A big request gives way to signals, as Linux' does. */
		if (done < count && waiter_signalled(&t->waiter))
			break;
	}
	return (long)done;
}
