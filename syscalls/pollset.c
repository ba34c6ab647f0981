/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/pollset.h"

#include "sentry/sync/timer.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/sched.h"

static const uint32_t always = EPOLLERR | EPOLLHUP;
static const uint32_t reading = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLPRI | EPOLLRDHUP;
static const uint32_t writing = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

static size_t scan(struct poll_item *items, size_t count)
{
	size_t ready = 0;
	for (size_t i = 0; i < count; i++) {
		struct poll_item *it = &items[i];
		if (it->file)
			it->got = file_poll(it->file) & it->want;
		ready += it->got != 0;
	}
	return ready;
}

/* Objects do not all wake with every name of an event: wait for its relatives too. */
static uint32_t wake_mask(uint32_t want)
{
	return always | want | (want & reading ? reading : 0) | (want & writing ? writing : 0);
}

static void queue(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct poll_item *it = &items[i];
		wait_entry_init(&it->entry, waiter_self(), wake_mask(it->want));
		if (it->file && it->file->wq)
			waitq_add(it->file->wq, &it->entry);
	}
}

static long wait_queued(struct poll_item *items, size_t count, int64_t deadline_ns)
{
	for (;;) {
		size_t ready = scan(items, count);
		if (ready > 0)
			return (long)ready;
		int err = waiter_sleep(waiter_self(), WAIT_INTR, deadline_ns);
		if (err == 0)
			continue;
		ready = scan(items, count);
		if (ready > 0)
			return (long)ready;
		return err == -ETIMEDOUT ? 0 : -ERESTARTNOHAND;
	}
}

long pollset_wait(struct poll_item *items, size_t count, bool found, int64_t deadline_ns)
{
	size_t ready = scan(items, count);
	if (ready > 0 || found)
		return (long)ready;
	if (deadline_ns == 0)
		return waiter_signalled(waiter_self()) ? -ERESTARTNOHAND : 0;
	queue(items, count);
	long ret = wait_queued(items, count, deadline_ns);
	for (size_t i = 0; i < count; i++)
		waitq_remove(&items[i].entry);
	return ret;
}

void pollset_put(struct poll_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].file)
			file_put(items[i].file);
}

int64_t deadline_after(int64_t timeout_ns)
{
	int64_t deadline;
	if (timeout_ns == 0)
		return 0;
	if (__builtin_add_overflow(clock_mono_ns(), timeout_ns, &deadline))
		return WAIT_FOREVER;
	return deadline;
}

int64_t timespec_timeout(int64_t sec, int64_t nsec)
{
	int64_t ns;
	if (sec < 0 || nsec < 0 || nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(sec, NSEC_PER_SEC, &ns) || __builtin_add_overflow(ns, nsec, &ns))
		return INT64_MAX;
	return ns;
}

long timeout_tell(struct task *t, uaddr_t to, int64_t ns, int64_t deadline, bool usec, long ret)
{
	bool sticky = t->personality & STICKY_TIMEOUTS;
	if (!to || (ns == 0 && !sticky))
		return ret;
	int64_t left = deadline == WAIT_FOREVER ? ns : deadline - clock_mono_ns();
	left = left > 0 ? left : 0;
	const int64_t pair[2] = {left / NSEC_PER_SEC,
				 left % NSEC_PER_SEC / (usec ? NSEC_PER_USEC : 1)};
	/* A restarted call would wait the whole time again if this is not told. */
	if ((sticky || copy_out(t->mm, to, pair, sizeof pair) < 0) && ret == -ERESTARTNOHAND)
		ret = -EINTR;
	return ret;
}

int mask_begin(struct task *t, uaddr_t sigmask, uint64_t size)
{
	uint64_t mask;
	if (!sigmask)
		return 0;
	if (size != sizeof mask)
		return -EINVAL;
	int err = copy_in(t->mm, &mask, sigmask, sizeof mask);
	if (err == 0)
		signal_set_blocked_temporarily(t, mask);
	return err;
}

void mask_end(struct task *t, long ret)
{
	/* Interrupted: the handler runs under the temporary mask, then signal_deliver ends it. */
	if (ret != -ERESTARTNOHAND && ret != -EINTR)
		signal_restore_blocked(t);
}
