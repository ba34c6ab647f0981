/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting in this platform: what rewrite/ asks of it, and where it meets events,
 * frames and copies.
 */
#include "platform/trap/text.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "platform/trap/rewrite/analyse.h"
#include "syscalls/abi/signal.h"

static void call_words(const struct rewrite_call *c, uint64_t out[7])
{
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
	const uint64_t prot = (uint64_t)c->prot;
	if (c->what == REWRITE_MAP)
		memcpy(out, (uint64_t[7]){SYS_mmap, c->addr, c->size, prot, flags, (uint64_t)-1},
		       7 * sizeof *out);
	else
		memcpy(out,
		       (uint64_t[7]){c->what == REWRITE_UNMAP ? SYS_munmap : SYS_mprotect, c->addr,
				     c->size, prot},
		       7 * sizeof *out);
}

static int text_calls(struct ctx *by, const struct rewrite_call *calls, unsigned count)
{
	uint64_t words[REWRITE_CALLS][7];
	for (unsigned i = 0; i < count; i++)
		call_words(&calls[i], words[i]);
	return (int)command_calls(by, (const uint64_t(*)[7])words, count);
}

typedef ssize_t vm_copy(int pid, const struct iovec *local, size_t nlocal,
			const struct iovec *remote, size_t nremote);

static int text_copy(struct ctx *by, const struct rewrite_bytes *v, unsigned count, vm_copy *copy)
{
	struct iovec local[REWRITE_VECTOR], remote[REWRITE_VECTOR];
	ssize_t all = 0;
	for (unsigned i = 0; i < count; i++) {
		local[i] = (struct iovec){.iov_base = v[i].buf, .iov_len = v[i].size};
		remote[i] = (struct iovec){.iov_base = (void *)(uintptr_t)v[i].addr,
					   .iov_len = v[i].size};
		all += (ssize_t)v[i].size;
	}
	trap_calls++;
	ssize_t n = copy(by->as->pid, local, count, remote, count);
	return n < 0 ? (int)n : n == all ? 0 : -EFAULT;
}

static int text_read(struct ctx *by, const struct rewrite_bytes *v, unsigned count)
{
	return text_copy(by, v, count, host_vm_read);
}

static int text_write(struct ctx *by, const struct rewrite_bytes *v, unsigned count)
{
	return text_copy(by, v, count, host_vm_write);
}

void trap_text_init(void)
{
	static struct rewrite_host host = {.calls = text_calls,
					   .read = text_read,
					   .write = text_write,
					   .interrupt = reap_interrupt_others};
	host.entry = stub_at(trap_host.base, stub_enter);
	rewrite_init(&host);
}

int trap_rewrite(struct ctx *by, const struct rewrite_req *req)
{
	return by->gone ? -ESRCH : rewrite_site(by->as->text, by, req);
}

bool trap_hidden(struct aspace *as, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		 uaddr_t *out_end)
{
	return rewrite_hidden(as->text, start, end, out_start, out_end);
}

void text_gs_taken(struct ctx *c)
{
	rewrite_stop(c->as->text, c);
}

/* It has not gone on since islands have gone. */
static bool is_stale(const struct ctx *c)
{
	return c->moves != rewrite_moves(c->as->text);
}

uaddr_t text_guest_rip(const struct ctx *c, uaddr_t rip)
{
	uaddr_t behind;
	if (rip < stub_at(trap_host.base, stub_enter) ||
	    rip >= stub_at(trap_host.base, stub_entered))
		return rewrite_guest_rip(c->as->text, rip, is_stale(c));
	/* Between the island and the stub. */
	return rewrite_call(c->as->text, c->regs.rcx, is_stale(c), &behind) ? behind - CALL_SIZE
									    : rip;
}

/* The step has met the jump, or our entry, instead of an instruction of the guest's. */
static bool stepped_into(struct ctx *c, uaddr_t host_rip)
{
	uaddr_t rip = c->regs.rip;
	if (host_rip == stub_at(trap_host.base, stub_enter)) {
		if (!rewrite_call(c->as->text, c->regs.rcx, is_stale(c), &rip))
			return false;
		rip -= 2;
	} else if (rip == host_rip) {
		return false;
	}
	rewrite_stop(c->as->text, c);
	c->regs.rip = rip;
	c->dirty = true;
	return true;
}

bool text_fault(struct ctx *c, int signo, uaddr_t addr, uint64_t error)
{
	uaddr_t host_rip = c->uc_rip, to;
	/* It met the end of its island: the guest's own instruction is tried again. */
	if (c->regs.rip != host_rip && is_stale(c))
		return true;
	if (signo == SIGTRAP)
		return stepped_into(c, host_rip);
	if ((signo == SIGSEGV || signo == SIGBUS) &&
	    (to = rewrite_plain_call(c->as->text, host_rip)) != host_rip) {
		text_gs_taken(c);
		c->uc->uc_mcontext.rip = to;
		return true;
	}
	if (!rewrite_fault(c->as->text, signo, host_rip, addr, error, &to))
		return false;
	c->uc->uc_mcontext.rip = to;
	return true;
}

struct walk {
	const struct iovec *v;
	size_t left, skip;
};

/* The next run of both, at most max bytes. */
static size_t run_next(struct walk *a, struct walk *b, size_t max)
{
	while (a->left > 0 && a->skip == a->v->iov_len)
		a->v++, a->left--, a->skip = 0;
	while (b->left > 0 && b->skip == b->v->iov_len)
		b->v++, b->left--, b->skip = 0;
	if (a->left == 0 || b->left == 0)
		return 0;
	return min_u64(max, min_u64(a->v->iov_len - a->skip, b->v->iov_len - b->skip));
}

ssize_t text_overlay(struct aspace *as, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote, ssize_t done)
{
	struct walk l = {.v = local, .left = nlocal}, r = {.v = remote, .left = nremote};
	size_t at = 0, n;
	while (done > 0 && (n = run_next(&l, &r, (size_t)done - at)) > 0) {
		uaddr_t addr = (uaddr_t)r.v->iov_base + r.skip;
		size_t good = rewrite_overlay(as->text, addr, (char *)l.v->iov_base + l.skip, n);
		at += good;
		if (good < n)
			return at > 0 ? (ssize_t)at : -EFAULT;
		l.skip += n;
		r.skip += n;
	}
	return done;
}
