/* SPDX-License-Identifier: Apache-2.0 */
/* Linked in the place of the ptrace platform; what is not here is the null platform's. */
#include "bench/sentry/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct aspace {
	int unused;
};
static struct aspace only_aspace;

/* Not const: the constructor below fills it. */
extern struct platform_ops loop_platform;
struct platform_ops loop_platform;

static int loop_ok(void)
{
	return 0;
}

static void loop_over(void)
{
}

static int loop_aspace_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	(void)z;
	*out = &only_aspace;
	*out_ctx = calloc(1, sizeof **out_ctx);
	return *out_ctx ? 0 : -ENOMEM;
}

static void loop_aspace_destroy(struct aspace *as, struct usage *out)
{
	(void)as;
	if (out)
		memset(out, 0, sizeof *out);
}

static int loop_watch(void (*died)(void))
{
	(void)died;
	return 0;
}

static bool loop_aspace_dead(struct aspace *as)
{
	(void)as;
	return false;
}

static bool loop_zygote_dead(struct zygote *z)
{
	(void)z;
	return false;
}

static int loop_ctx_create(struct ctx *by, struct ctx **out)
{
	(void)by;
	*out = calloc(1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	steps_thread(*out);
	return 0;
}

static int loop_ctx(struct ctx *c)
{
	(void)c;
	return 0;
}

static void loop_ctx_destroy(struct ctx *c)
{
	free(c);
}

static void loop_run(struct ctx *c, struct event *out)
{
	*out = (struct event){.kind = EV_SYSCALL};
	event_call(out, &c->regs);
	steps_next(c);
}

static void loop_interrupt(struct ctx *c)
{
	(void)c;
}

static const struct regs *loop_regs(struct ctx *c)
{
	return &c->regs;
}

static struct regs *loop_regs_mut(struct ctx *c)
{
	return &c->regs;
}

static void loop_answer(struct ctx *c, int64_t result)
{
	c->regs.rax = (uint64_t)result;
}

static int loop_map(struct ctx *by, const struct map_req *req)
{
	(void)by;
	(void)req;
	return 0;
}

static int loop_unmap(struct ctx *by, uaddr_t addr, uint64_t size)
{
	(void)by;
	(void)addr;
	(void)size;
	return 0;
}

static int loop_change(struct ctx *by, uaddr_t addr, uint64_t size, int how)
{
	(void)how;
	return loop_unmap(by, addr, size);
}

/* One piece on each side is all that the list needs. */
static ssize_t loop_copy(const struct iovec *local, const struct iovec *remote, bool in)
{
	size_t size = local->iov_len < remote->iov_len ? local->iov_len : remote->iov_len;
	bool there = steps_has((uaddr_t)(uintptr_t)remote->iov_base, size);

	if (in && there)
		memcpy(local->iov_base, remote->iov_base, size);
	else if (in)
		memset(local->iov_base, 0, size);
	else if (there)
		memcpy(remote->iov_base, local->iov_base, size);
	return (ssize_t)size;
}

static ssize_t loop_read(struct aspace *as, const struct iovec *local, size_t nlocal,
			 const struct iovec *remote, size_t nremote)
{
	(void)as;
	return nlocal && nremote ? loop_copy(local, remote, /*in=*/true) : 0;
}

static ssize_t loop_write(struct aspace *as, const struct iovec *local, size_t nlocal,
			  const struct iovec *remote, size_t nremote)
{
	(void)as;
	return nlocal && nremote ? loop_copy(local, remote, /*in=*/false) : 0;
}

__attribute__((constructor)) static void loop_fill(void)
{
	loop_platform = null_platform;
	loop_platform.name = "ptrace"; /* as the command line knows it */
	loop_platform.init = loop_ok;
	loop_platform.shutdown = loop_over;
	loop_platform.aspace_new = loop_aspace_new;
	loop_platform.aspace_reset = loop_ctx;
	loop_platform.aspace_destroy = loop_aspace_destroy;
	loop_platform.watch = loop_watch;
	loop_platform.aspace_dead = loop_aspace_dead;
	loop_platform.zygote_dead = loop_zygote_dead;
	loop_platform.ctx_create = loop_ctx_create;
	loop_platform.ctx_adopt = loop_ctx;
	loop_platform.ctx_destroy = loop_ctx_destroy;
	loop_platform.run = loop_run;
	loop_platform.interrupt = loop_interrupt;
	loop_platform.regs = loop_regs;
	loop_platform.regs_mut = loop_regs_mut;
	loop_platform.answer = loop_answer;
	loop_platform.fpu_reset = loop_ctx;
	loop_platform.map = loop_map;
	loop_platform.unmap = loop_unmap;
	loop_platform.protect = loop_change;
	loop_platform.advise = loop_change;
	loop_platform.read = loop_read;
	loop_platform.write = loop_write;
}
