/* SPDX-License-Identifier: Apache-2.0 */
/* poll(2), ppoll(2). */
#include <stdlib.h>
#include <string.h>

#include "sentry/sync/timer.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/poll.h"
#include "syscalls/abi/time.h"
#include "syscalls/pollset.h"
#include "syscalls/sys.h"

enum { ITEMS_SMALL = 8 };

/* Descriptors to files; returns true if a bad one makes the call return at once. */
static bool items_get(struct task *t, struct abi_pollfd *fds, struct poll_item *items, size_t n)
{
	bool bad = false;
	for (size_t i = 0; i < n; i++) {
		items[i] = (struct poll_item){.want = (uint16_t)fds[i].events | POLLERR | POLLHUP};
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		items[i].file = fdtab_get_io(t->fds, fds[i].fd);
		if (!items[i].file) {
			fds[i].revents = POLLNVAL;
			bad = true;
		}
	}
	return bad;
}

static long poll_array(struct task *t, struct abi_pollfd *fds, struct poll_item *items, size_t n,
		       int64_t deadline)
{
	bool bad = items_get(t, fds, items, n);
	long ret = pollset_wait(items, n, bad, deadline);
	pollset_put(items, n);
	if (ret < 0)
		return ret;
	ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (items[i].file)
			fds[i].revents = (int16_t)items[i].got;
		ret += fds[i].revents != 0;
	}
	return ret;
}

/* Only revents is written, and in one go: the rest of the array stays the guest's. */
static int revents_out(struct task *t, uaddr_t ufds, const struct abi_pollfd *fds, size_t n)
{
	autofree struct uvec *vec = malloc((n + 1) * sizeof *vec);
	autofree int16_t *revents = malloc((n + 1) * sizeof *revents);
	struct uio u;

	if (!vec || !revents)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uaddr_t at = ufds + i * sizeof *fds + offsetof(struct abi_pollfd, revents);
		vec[i] = (struct uvec){at, sizeof *revents};
		revents[i] = fds[i].revents;
	}
	int err = uio_uservec(&u, t->mm, vec, n);
	if (err < 0 || n == 0)
		return err;
	ssize_t size = (ssize_t)(n * sizeof *revents);
	return uio_put(&u, revents, (size_t)size) == size ? 0 : -EFAULT;
}

static long do_poll(struct task *t, uaddr_t ufds, uint32_t nfds, int64_t deadline)
{
	struct abi_pollfd small_fds[ITEMS_SMALL], *fds = small_fds;
	struct poll_item small_items[ITEMS_SMALL], *items = small_items;
	long ret = -ENOMEM;

	if (nfds > task_rlimit(t, RLIMIT_NOFILE))
		return -EINVAL;
	if (nfds > ITEMS_SMALL) {
		fds = malloc(nfds * sizeof *fds);
		items = malloc(nfds * sizeof *items);
	}
	if (fds && items)
		ret = copy_in(t->mm, fds, ufds, nfds * sizeof *fds);
	if (ret == 0)
		ret = poll_array(t, fds, items, nfds, deadline);
	int err = ret >= 0 ? revents_out(t, ufds, fds, nfds) : 0;
	ret = err < 0 ? err : ret;
	if (nfds > ITEMS_SMALL) {
		free(fds);
		free(items);
	}
	return ret;
}

static long poll_until(struct task *t, uaddr_t ufds, uint32_t nfds, int64_t deadline);

static long poll_again(struct task *t)
{
	const uint64_t *a = t->restart_arg.a;
	return poll_until(t, a[0], (uint32_t)a[1], (int64_t)a[2]);
}

/* A stop and its continuation must not make the time longer. */
static long poll_until(struct task *t, uaddr_t ufds, uint32_t nfds, int64_t deadline)
{
	long ret = do_poll(t, ufds, nfds, deadline);
	if (ret != -ERESTARTNOHAND)
		return ret;
	t->restart_fn = poll_again;
	t->restart_arg.a[0] = ufds;
	t->restart_arg.a[1] = nfds;
	t->restart_arg.a[2] = (uint64_t)deadline;
	return -ERESTART_RESTARTBLOCK;
}

long sys_poll(struct task *t, uaddr_t fds, uint32_t nfds, int timeout)
{
	int64_t ns = timeout < 0 ? INT64_MAX : (int64_t)timeout * 1000000;
	return poll_until(t, fds, nfds, deadline_after(ns));
}

long sys_ppoll(struct task *t, uaddr_t fds, uint32_t nfds, uaddr_t timeout, uaddr_t sigmask,
	       uint64_t sigsetsize)
{
	struct abi_timespec ts;
	int64_t ns = INT64_MAX, deadline;

	if (timeout) {
		if (copy_in(t->mm, &ts, timeout, sizeof ts) < 0)
			return -EFAULT;
		ns = timespec_timeout(ts.tv_sec, ts.tv_nsec);
		if (ns < 0)
			return ns;
	}
	deadline = deadline_after(ns);
	int err = mask_begin(t, sigmask, sigsetsize);
	if (err < 0)
		return err;
	long ret = do_poll(t, fds, nfds, deadline);
	mask_end(t, ret);
	return timeout_tell(t, timeout, ns, deadline, /*usec=*/false, ret);
}
