/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control sockets: how a descriptor gets into a stub for one mmap.
 *
 * A forked stub shares its parent's socket until its first file mapping, when
 * it is given its own over the old one.  A message is sent and taken under
 * ctl->lock, so the stubs that share a socket cannot take each other's.  If the
 * stub dies in between, or a guest thread spoils the msghdr under recvmsg, the
 * message may still be there: the socket is stale, and is emptied before the
 * next use.  Otherwise a guest could have one file mapped with the protection
 * that was granted for another.
 */
#include "platform/ptrace/ptrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct ctl *ctl_new(int fd)
{
	struct ctl *ctl = calloc(1, sizeof *ctl);
	if (!ctl)
		return NULL;
	ref_init(&ctl->ref);
	lock_init(&ctl->lock, RANK_PLATFORM);
	ctl->fd = fd;
	return ctl;
}

struct ctl *ctl_get(struct ctl *ctl)
{
	ref_get(&ctl->ref);
	return ctl;
}

void ctl_put(struct ctl *ctl)
{
	if (!ref_put(&ctl->ref))
		return;
	host_close(ctl->fd);
	free(ctl);
}

/* Sends fd and has the stub take it with `entry`; the result of that routine. */
static long ctl_pass(struct ctx *by, struct ctl *ctl, int fd, const unsigned char *entry,
		     struct regs *r)
{
	struct regs drain = {.cs = r->cs, .ss = r->ss};
	long ret = 0;
	lock(&ctl->lock);
	if (ctl->stale) {
		ret = tracee_inject(by, stub_drain, &drain);
		ctl->stale = ret != -EAGAIN;
		ret = !ctl->stale ? 0 : by->gone ? -ESRCH : -EIO;
	}
	if (ret == 0)
		ret = host_send_fd(ctl->fd, "", 1, fd);
	if (ret == 0) {
		ret = tracee_inject(by, entry, r);
		ctl->stale = ret < 0;
	}
	unlock(&ctl->lock);
	return ret;
}

/* Replaces a socket that other stubs use too. */
static int ctl_own(struct ctx *by)
{
	struct aspace *as = by->as;
	struct regs r = {.cs = 0x33, .ss = 0x2b};
	int pair[2];
	int err = host_socketpair(SOCK_SEQPACKET, pair);
	if (err < 0)
		return err;
	struct ctl *ctl = ctl_new(pair[0]);
	if (!ctl) {
		host_close(pair[0]);
		host_close(pair[1]);
		return -ENOMEM;
	}
	long ret = ctl_pass(by, as->ctl, pair[1], stub_socket, &r);
	host_close(pair[1]);
	if (ret != STUB_CTL_FD) {
		ctl_put(ctl);
		return ret < 0 ? (int)ret : -EIO;
	}
	ctl_put(as->ctl);
	as->ctl = ctl;
	as->ctl_own = true;
	return 0;
}

int ctl_map(struct ctx *by, const struct map_req *req, int flags)
{
	struct aspace *as = by->as;
	struct regs r = {.cs = 0x33, .ss = 0x2b};
	int err;
	if (by->gone)
		return -ESRCH;
	if (!as->ctl_own && (err = ctl_own(by)) < 0)
		return err;
	r.rbx = req->addr;
	r.rbp = req->size;
	r.r13 = (uint64_t)req->prot;
	r.r14 = (uint64_t)flags;
	r.r15 = (uint64_t)req->off;
	long ret = ctl_pass(by, as->ctl, req->fd, stub_map, &r);
	return ret < 0 ? (int)ret : 0;
}
