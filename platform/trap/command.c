/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host calls in the stub, and descriptors for them.
 *
 * A forked stub shares its parent's control socket until its first file mapping,
 * when it is given its own over the old one.  A message is sent and taken under
 * ctl->lock.  If the stub fails in between, the message may still be there: the
 * socket is stale, and is emptied before the next use.
 *
 * The answer to a command is whatever the guest's other threads make of it; no
 * caller may rely on it for more than that process.
 */
#include "platform/trap/trap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
	int err = hand_wait(c->as, s, now + COMMAND_NS);
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

struct ctl *ctl_trap_new(int fd)
{
	struct ctl *ctl = calloc(1, sizeof *ctl);
	if (!ctl)
		return NULL;
	ref_init(&ctl->ref);
	lock_init(&ctl->lock, RANK_PLATFORM);
	ctl->fd = fd;
	return ctl;
}

struct ctl *ctl_trap_get(struct ctl *ctl)
{
	ref_get(&ctl->ref);
	return ctl;
}

void ctl_trap_put(struct ctl *ctl)
{
	if (!ref_put(&ctl->ref))
		return;
	host_close(ctl->fd);
	free(ctl);
}

static long pass(struct ctx *by, struct ctl *ctl, int fd, uint32_t command, const uint64_t *args,
		 size_t n)
{
	long ret = 0;
	lock(&ctl->lock);
	if (ctl->stale) {
		ret = command_give(by, DO_DRAIN, NULL, 0);
		ctl->stale = ret != -EAGAIN;
		ret = !ctl->stale ? 0 : by->gone ? -ESRCH : -EIO;
	}
	if (ret == 0)
		ret = host_send_fd(ctl->fd, "", 1, fd);
	if (ret == 0) {
		ret = command_give(by, command, args, n);
		ctl->stale = ret < 0;
	}
	unlock(&ctl->lock);
	return ret;
}

/* Replaces a socket that other stubs use too. */
static int own_socket(struct ctx *by)
{
	struct aspace *as = by->as;
	int pair[2];
	int err = host_socketpair(SOCK_SEQPACKET, pair);
	if (err < 0)
		return err;
	struct ctl *ctl = ctl_trap_new(pair[0]);
	if (!ctl) {
		host_close(pair[0]);
		host_close(pair[1]);
		return -ENOMEM;
	}
	long ret = pass(by, as->ctl, pair[1], DO_SOCKET, NULL, 0);
	host_close(pair[1]);
	if (ret != STUB_CTL_FD) {
		ctl_trap_put(ctl);
		return ret < 0 ? (int)ret : -EIO;
	}
	ctl_trap_put(as->ctl);
	as->ctl = ctl;
	as->ctl_own = true;
	return 0;
}

long command_with_fd(struct ctx *by, int fd, uint32_t command, const uint64_t *args, size_t n)
{
	int err;
	if (by->gone)
		return -ESRCH;
	if (!by->as->ctl_own && (err = own_socket(by)) < 0)
		return err;
	return pass(by, by->as->ctl, fd, command, args, n);
}
