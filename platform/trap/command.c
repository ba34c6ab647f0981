/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host calls in the stub, and descriptors for them.
 *
 * Each stub has a control socket of its own from the start: what is in it is for
 * this guest process alone, whatever its relatives do.  A message is sent and taken
 * under the sentry's mm lock.  If the stub fails in between, it may still be there:
 * the socket is stale, and is emptied before the next use.
 *
 * The answer to a command is whatever the guest's other threads make of it; no
 * caller may rely on it for more than that process.
 */
#include "platform/trap/trap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/* The longest honest command fills a large mapping with pages. */
static const int64_t COMMAND_NS = 120 * NSEC_PER_SEC;

long command_give(struct ctx *c, uint32_t command, const uint64_t *args, size_t n)
{
	struct slot *s = c->slot;
	int64_t now = 0;
	if (c->gone)
		return -ESRCH;
	for (size_t i = 0; i < n; i++)
		s->call[i] = args[i];
	hand_give(c, command);
	host_clock_get(CLOCK_MONOTONIC, &now);
	int err = hand_wait_command(c, now + COMMAND_NS);
	if (err == 0)
		return __atomic_load_n(&s->ret, __ATOMIC_RELAXED);
	aspace_kill(c->as);
	c->gone = true;
	return -ESRCH;
}

long command_call(struct ctx *c, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		  uint64_t a4)
{
	const uint64_t args[7] = {(uint64_t)nr, a0, a1, a2, a3, a4, 0};
	return command_give(c, DO_CALL, args, ARRAY_SIZE(args));
}

long command_calls(struct ctx *c, const uint64_t (*calls)[7], size_t n)
{
	const uint64_t args[2] = {0, n};
	assert(n * sizeof *calls <= SLOT_SCRATCH_SIZE);
	memcpy((char *)c->slot + SLOT_SCRATCH, calls, n * sizeof *calls);
	return command_give(c, DO_CALLS, args, ARRAY_SIZE(args));
}

uint64_t scratch_address(const struct ctx *c)
{
	return SLOTS_AT + (uint64_t)c->number * SLOT_SIZE + SLOT_SCRATCH;
}

int command_scratch(struct ctx *c, long nr, uint64_t a0, void *out, size_t size)
{
	long ret = command_call(c, nr, a0, scratch_address(c), 0, 0, 0);
	if (ret < 0)
		return (int)ret;
	memcpy(out, (char *)c->slot + SLOT_SCRATCH, size);
	return 0;
}

long command_with_fds(struct ctx *by, const int *fds, size_t nfds, uint32_t command,
		      const uint64_t *args, size_t n)
{
	struct aspace *as = by->as;
	long ret = by->gone ? -ESRCH : 0;
	if (ret == 0 && as->ctl_stale) {
		ret = command_give(by, DO_DRAIN, NULL, 0);
		as->ctl_stale = ret != -EAGAIN;
		ret = !as->ctl_stale ? 0 : by->gone ? -ESRCH : -EIO;
	}
	if (ret == 0)
		ret = host_send_fds(as->ctl, fds, nfds);
	if (ret == 0) {
		ret = command_give(by, command, args, n);
		as->ctl_stale = ret < 0;
	}
	return ret;
}
