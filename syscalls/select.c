/* SPDX-License-Identifier: Apache-2.0 */
/* select(2), pselect6(2). */
#include <stdlib.h>
#include <string.h>

#include "sentry/sync/timer.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/poll.h"
#include "syscalls/abi/time.h"
#include "syscalls/pollset.h"
#include "syscalls/sys.h"

/* What each of the three sets means in events. */
static const uint32_t set_events[3] = {
	EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR,
	EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR,
	EPOLLPRI,
};

/* Descriptors above are never open: a task's limit is lower. */
enum { SELECT_MAX = 1 << 20 };

struct sets {
	uaddr_t user[3];   /* 0: not given */
	uint64_t *bits[3]; /* into mem, `words` each */
	uint64_t *mem;
	size_t n, words;
};

static int sets_in(struct task *t, struct sets *s)
{
	s->words = (s->n + 63) / 64;
	s->mem = calloc(3 * s->words + 1, sizeof *s->mem);
	if (!s->mem)
		return -ENOMEM;
	for (unsigned k = 0; k < 3; k++) {
		s->bits[k] = s->mem + k * s->words;
		if (s->user[k] && copy_in(t->mm, s->bits[k], s->user[k], s->words * 8) < 0)
			return -EFAULT;
	}
	return 0;
}

static int sets_out(struct task *t, const struct sets *s)
{
	for (unsigned k = 0; k < 3; k++)
		if (s->user[k] && copy_out(t->mm, s->user[k], s->bits[k], s->words * 8) < 0)
			return -EFAULT;
	return 0;
}

static bool bit(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static uint32_t wanted(const struct sets *s, size_t fd)
{
	uint32_t want = 0;
	for (unsigned k = 0; k < 3; k++)
		want |= bit(s->bits[k], fd) ? set_events[k] : 0;
	return want;
}

static size_t sets_count(const struct sets *s)
{
	size_t count = 0;
	for (size_t i = 0; i < s->n; i++)
		count += wanted(s, i) != 0;
	return count;
}

/* An item for each descriptor that is in a set; out_fds says which.  -EBADF. */
static int items_get(struct task *t, const struct sets *s, struct poll_item *items, int *out_fds,
		     size_t *out_count)
{
	size_t count = 0;
	*out_count = 0;
	for (size_t fd = 0; fd < s->n; fd++) {
		uint32_t want = wanted(s, fd);
		if (!want)
			continue;
		items[count] =
			(struct poll_item){.file = fdtab_get_io(t->fds, (int)fd), .want = want};
		if (!items[count].file)
			return -EBADF;
		out_fds[count++] = (int)fd;
		*out_count = count;
	}
	return 0;
}

/* Leaves the bits that hold; how many. */
static long sets_result(struct sets *s, const struct poll_item *items, const int *fds, size_t count)
{
	long found = 0;
	for (size_t i = 0; i < count; i++) {
		size_t fd = (size_t)fds[i];
		for (unsigned k = 0; k < 3; k++) {
			if (!bit(s->bits[k], fd))
				continue;
			if (items[i].got & set_events[k])
				found++;
			else
				s->bits[k][fd / 64] &= ~(1ull << (fd % 64));
		}
	}
	return found;
}

/* Waits until something shows that one of the sets asks for. */
static long wait_items(struct sets *s, struct poll_item *items, const int *fds, size_t count,
		       int64_t deadline)
{
	long ret = pollset_wait(items, count, /*found=*/false, deadline);
	if (ret < 0)
		return ret;
	return sets_result(s, items, fds, count);
}

static long do_select(struct task *t, struct sets *s, int64_t deadline)
{
	int err = sets_in(t, s);
	if (err < 0)
		return err;
	size_t count = sets_count(s);
	autofree struct poll_item *items = malloc((count + 1) * sizeof *items);
	autofree int *fds = malloc((count + 1) * sizeof *fds);
	if (!items || !fds)
		return -ENOMEM;
	long ret = items_get(t, s, items, fds, &count);
	if (ret == 0)
		ret = wait_items(s, items, fds, count, deadline);
	pollset_put(items, count);
	return ret < 0 ? ret : sets_out(t, s) < 0 ? -EFAULT : ret;
}

static long select_sets(struct task *t, int n, uaddr_t in, uaddr_t out, uaddr_t ex,
			int64_t deadline)
{
	if (n < 0)
		return -EINVAL;
	struct sets s = {.user = {in, out, ex}, .n = min_u64((uint64_t)n, SELECT_MAX)};
	long ret = do_select(t, &s, deadline);
	free(s.mem);
	return ret;
}

long sys_select(struct task *t, int n, uaddr_t inp, uaddr_t outp, uaddr_t exp, uaddr_t timeout)
{
	struct abi_timeval tv;
	int64_t ns = INT64_MAX;

	if (timeout) {
		if (copy_in(t->mm, &tv, timeout, sizeof tv) < 0)
			return -EFAULT;
		/* Microseconds above a second are carried over, unlike everywhere else. */
		int64_t sec;
		if (__builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &sec))
			return -EINVAL;
		ns = timespec_timeout(sec, tv.tv_usec % 1000000 * NSEC_PER_USEC);
		if (ns < 0)
			return ns;
	}
	int64_t deadline = deadline_after(ns);
	long ret = select_sets(t, n, inp, outp, exp, deadline);
	return timeout_tell(t, timeout, ns, deadline, /*usec=*/true, ret);
}

long sys_pselect6(struct task *t, int n, uaddr_t inp, uaddr_t outp, uaddr_t exp, uaddr_t timeout,
		  uaddr_t sig)
{
	struct abi_sigset_arg mask = {0, 0};
	struct abi_timespec ts;
	int64_t ns = INT64_MAX;

	if (sig && copy_in(t->mm, &mask, sig, sizeof mask) < 0)
		return -EFAULT;
	if (timeout) {
		if (copy_in(t->mm, &ts, timeout, sizeof ts) < 0)
			return -EFAULT;
		ns = timespec_timeout(ts.tv_sec, ts.tv_nsec);
		if (ns < 0)
			return ns;
	}
	int64_t deadline = deadline_after(ns);
	int err = mask_begin(t, mask.ss, mask.ss_len);
	if (err < 0)
		return err;
	long ret = select_sets(t, n, inp, outp, exp, deadline);
	mask_end(t, ret);
	return timeout_tell(t, timeout, ns, deadline, /*usec=*/false, ret);
}
