/* SPDX-License-Identifier: Apache-2.0 */
/* The platform that cannot do anything: what a port starts from. */
#include "platform/platform.h"

#include <errno.h>

#include "platform/host.h"

static int null_init(void)
{
	return -ENOSYS;
}

static void null_shutdown(void)
{
}

static int null_aspace_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	(void)z;
	(void)out;
	(void)out_ctx;
	return -ENOSYS;
}

static int null_aspace_fork(struct ctx *by, struct aspace **out, struct ctx **out_ctx)
{
	(void)by;
	(void)out;
	(void)out_ctx;
	return -ENOSYS;
}

static int null_ctx(struct ctx *c)
{
	(void)c;
	return -ENOSYS;
}

static void null_aspace_destroy(struct aspace *as, struct usage *out)
{
	(void)as;
	(void)out;
}

static int null_watch(void (*died)(void))
{
	(void)died;
	return 0;
}

static bool null_aspace_dead(struct aspace *as)
{
	(void)as;
	return true;
}

static int null_zygote_ask(int sock)
{
	(void)sock;
	return -ENOSYS;
}

static int null_zygote_take(int fd, int pid, struct zygote **out)
{
	(void)pid;
	(void)out;
	host_close(fd);
	return -ENOSYS;
}

static void null_zygote_end(struct zygote *z)
{
	(void)z;
}

static bool null_zygote_dead(struct zygote *z)
{
	(void)z;
	return true;
}

static int null_ctx_create(struct ctx *by, struct ctx **out)
{
	(void)by;
	(void)out;
	return -ENOSYS;
}

static void null_ctx_void(struct ctx *c)
{
	(void)c;
}

static void null_run(struct ctx *c, struct event *out)
{
	(void)c;
	*out = (struct event){.kind = EV_GONE};
}

static struct regs none;

static const struct regs *null_regs(struct ctx *c)
{
	(void)c;
	return &none;
}

static struct regs *null_regs_mut(struct ctx *c)
{
	(void)c;
	return &none;
}

static void null_answer(struct ctx *c, int64_t result)
{
	(void)c;
	(void)result;
}

static size_t null_fpu_size(void)
{
	return 512;
}

static int null_fpu_get(struct ctx *c, void *buf, size_t size)
{
	(void)c;
	(void)buf;
	(void)size;
	return -ENOSYS;
}

static int null_fpu_set(struct ctx *c, const void *buf, size_t size)
{
	(void)c;
	(void)buf;
	(void)size;
	return -ENOSYS;
}

static int null_map(struct ctx *by, const struct map_req *req)
{
	(void)by;
	(void)req;
	return -ENOSYS;
}

static int null_unmap(struct ctx *by, uaddr_t addr, uint64_t size)
{
	(void)by;
	(void)addr;
	(void)size;
	return -ENOSYS;
}

/* protect and advise */
static int null_change(struct ctx *by, uaddr_t addr, uint64_t size, int how)
{
	(void)how;
	return null_unmap(by, addr, size);
}

static int null_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size,
		      uaddr_t to)
{
	(void)new_size;
	(void)to;
	return null_unmap(by, addr, old_size);
}

static int null_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec)
{
	(void)vec;
	return null_unmap(by, addr, size);
}

/* read and write */
static ssize_t null_copy(struct aspace *as, const struct iovec *local, size_t nlocal,
			 const struct iovec *remote, size_t nremote)
{
	(void)as;
	(void)local;
	(void)nlocal;
	(void)remote;
	(void)nremote;
	return -ENOSYS;
}

static int null_ctx_cputime(struct ctx *c, int64_t *out_ns)
{
	(void)c;
	(void)out_ns;
	return -ENOSYS;
}

static int null_aspace_cputime(struct aspace *as, int64_t *out_ns)
{
	(void)as;
	(void)out_ns;
	return -ENOSYS;
}

static int null_usage(struct ctx *by, bool thread, struct usage *out)
{
	(void)by;
	(void)thread;
	(void)out;
	return -ENOSYS;
}

static int null_set_tsc(struct ctx *by, bool allowed)
{
	(void)by;
	(void)allowed;
	return -ENOSYS;
}

const struct platform_ops null_platform = {
	.name = "null",
	.init = null_init,
	.shutdown = null_shutdown,
	.aspace_new = null_aspace_new,
	.aspace_fork = null_aspace_fork,
	.aspace_reset = null_ctx,
	.aspace_destroy = null_aspace_destroy,
	.watch = null_watch,
	.aspace_dead = null_aspace_dead,
	.zygote_ask = null_zygote_ask,
	.zygote_take = null_zygote_take,
	.zygote_end = null_zygote_end,
	.zygote_dead = null_zygote_dead,
	.ctx_create = null_ctx_create,
	.ctx_adopt = null_ctx,
	.ctx_destroy = null_ctx_void,
	.run = null_run,
	.interrupt = null_ctx_void,
	.regs = null_regs,
	.regs_mut = null_regs_mut,
	.answer = null_answer,
	.fpu_size = null_fpu_size,
	.fpu_get = null_fpu_get,
	.fpu_set = null_fpu_set,
	.fpu_reset = null_ctx,
	.set_tsc = null_set_tsc,
	.map = null_map,
	.unmap = null_unmap,
	.protect = null_change,
	.remap = null_remap,
	.advise = null_change,
	.mincore = null_mincore,
	.read = null_copy,
	.write = null_copy,
	.ctx_cputime = null_ctx_cputime,
	.aspace_cputime = null_aspace_cputime,
	.usage = null_usage,
};
