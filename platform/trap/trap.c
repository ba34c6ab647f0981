/* SPDX-License-Identifier: Apache-2.0 */
/* Life and death of address spaces and their threads; the platform's table. */
#include "platform/trap/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/base/log.h"
#include "platform/trap/clock.h"
#include "platform/trap/facts.h"
#include "platform/trap/pool/pool.h"
#include "platform/trap/stub/answer.h"
#include "syscalls/abi/signal.h"

struct trap_host trap_host;
__thread unsigned long trap_calls;

/* The host knows too what a stub has used, once it has ended. */
static const int64_t LAST_WORD_NS = NSEC_PER_SEC / 50;
static int usage_within(struct ctx *by, bool thread, struct usage *out, int64_t within_ns);
static void trap_ctx_destroy(struct ctx *c);
static void trap_aspace_destroy(struct aspace *as, struct usage *out);

static int trap_aspace_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	struct ctx *by = trap_current();
	int err = reap_start();
	if (err == 0)
		err = spare_take(z ? z : &trap_zygote_first, out, out_ctx);
	if (err < 0) {
		*out = NULL;
		*out_ctx = NULL;
	} else if (by) {
		mode_place(*out_ctx, by);
	}
	return err;
}

static const struct regs *trap_regs(struct ctx *c)
{
	frame_load(c);
	return &c->regs;
}

static struct regs *trap_regs_mut(struct ctx *c)
{
	frame_load(c);
	c->dirty = true;
	return &c->regs;
}

static void trap_answer(struct ctx *c, int64_t result)
{
	if (!c->lazy) {
		c->regs.rax = (uint64_t)result;
		c->dirty = true;
		return;
	}
	c->result = result;
	c->answered = true;
}

static void *fpu_copy(const struct ctx *by)
{
	void *image = malloc(trap_fpu_size());
	if (image)
		memcpy(image, by->fpu, trap_fpu_size());
	return image;
}

/* What a new thread of the guest begins with. */
static int inherit(struct ctx *c, struct ctx *by)
{
	c->regs = *trap_regs(by);
	mode_inherit(c, by);
	c->host_fs = by->host_fs;
	if (by->at != AT_FRAME)
		return 0; /* live in the parent's CPU, hence in the child's */
	c->fpu_first = fpu_copy(by);
	return c->fpu_first ? 0 : -ENOMEM;
}

static int trap_aspace_fork(struct ctx *by, struct aspace **out, struct ctx **out_ctx)
{
	const struct command cmd = {.what = DO_FORK,
				    .args = {(uint64_t)trap_host.sentry_pid},
				    .within_ns = FORK_NS,
				    .is_long = true,
				    .meanwhile = object_ahead};
	struct rewrite *text = NULL;
	struct object o;
	int err = object_take(&o);
	if (err < 0)
		return err;
	const int fds[2] = {o.fd, o.peer};
	rewrite_freeze(by->as->text);
	long pid = command_with_fds(by, fds, 2, &cmd);
	if (pid > 0 && pid <= INT32_MAX)
		rewrite_fork(by->as->text, &text);
	rewrite_thaw(by->as->text);
	if (pid <= 0 || pid > INT32_MAX) {
		object_drop(&o);
		return pid < 0 ? (int)pid : -EAGAIN;
	}
	object_sent(&o);
	err = aspace_make(by->as->zygote, (int)pid, o.sock, o.map, o.nonce, text, out, out_ctx);
	if (err < 0)
		return err;
	reap_add(*out);
	if ((err = inherit(*out_ctx, by)) < 0) {
		aspace_unmake(*out, *out_ctx);
		*out = NULL;
		*out_ctx = NULL;
	}
	return err;
}

static void trap_aspace_destroy(struct aspace *as, struct usage *out)
{
	struct usage none;
	reap_end(as, out ? out : &none);
}

static int trap_ctx_create(struct ctx *by, struct ctx **out)
{
	unsigned number;
	int err = slot_take(by->as, &number);
	if (err < 0)
		return err;
	const struct command cmd = {.what = DO_THREAD,
				    .args = {SLOTS_AT + (uint64_t)number * SLOT_SIZE},
				    .within_ns = COMMAND_NS};
	long tid = command_give(by, &cmd);
	if (tid <= 0 || tid > INT32_MAX) {
		slot_put(by->as, number);
		return tid < 0 ? (int)tid : -EAGAIN;
	}
	struct ctx *c = ctx_alloc(by->as, number, (int)tid);
	if (!c)
		return -ENOMEM; /* the host thread sleeps until the process ends */
	if ((err = inherit(c, by)) < 0) {
		trap_ctx_destroy(c);
		return err;
	}
	*out = c;
	return 0;
}

/* Its first frame: a thread that has just been born, or it is none of ours. */
static int adopt_frame(struct ctx *c)
{
	const struct regs first = c->regs;
	if (c->slot->event != SAYS_SIGNAL || c->slot->signo != SIGSYS)
		return -EPROTO;
	int err = frame_read(c);
	c->regs = first;
	c->dirty = true;
	if (err == 0 && c->clean_fpu)
		err = trap_fpu_reset(c);
	else if (err == 0 && c->fpu_first)
		err = trap_fpu_set(c, c->fpu_first, trap_fpu_size());
	free(c->fpu_first);
	c->fpu_first = NULL;
	return err;
}

static int trap_ctx_adopt(struct ctx *c)
{
	/* For its first word without a lock, so that others run meanwhile. */
	__atomic_store_n(&c->adopter, locals_self(), __ATOMIC_RELAXED);
	mode_adopt(c);
	int err = hand_first(c, SETTLE_NS);
	if (err == 0)
		err = ctx_settle(c);
	if (err == 0)
		err = adopt_frame(c);
	if (err < 0) {
		/* Nobody waits for one that is abandoned, but the others of its process may live on. */
		if (!__atomic_load_n(&c->abandoned, __ATOMIC_SEQ_CST))
			aspace_kill(c->as);
		c->gone = true;
		return -ESRCH;
	}
	c->adopted = true;
	return 0;
}

/* The leader parks: see invariant 3. */
static void trap_ctx_destroy(struct ctx *c)
{
	if (!c->leader) {
		if (!c->gone && (c->adopted || ctx_settle(c) == 0))
			hand_give(c, DO_EXIT);
		slot_put(c->as, c->number);
	} else if (c->adopted && !c->gone && atomic_load(&c->as->threads) > 1) {
		hand_give(c, DO_PARK);
	} else if (c->adopted && !c->gone) {
		c->as->usage_known =
			usage_within(c, /*thread=*/false, &c->as->usage, LAST_WORD_NS) == 0;
	}
	ctx_free(c);
}

/* The clock of a whole process can be read from outside: CLOCK of ~pid, type SCHED. */
static int trap_aspace_cputime(struct aspace *as, int64_t *out_ns)
{
	int err = aspace_verify(as);
	if (err < 0 || trap_aspace_dead(as))
		return -ESRCH;
	trap_calls++;
	err = host_clock_get(process_clock(as->pid), out_ns);
	return err == -EINVAL ? -ESRCH : err;
}

static int thread_cputime(struct ctx *c, int64_t *out_ns)
{
	struct timespec ts;
	int err = command_scratch(c, SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &ts, sizeof ts,
				  COMMAND_NS);
	/* Anything, if the guest has spoilt it: a time is what does not wrap around. */
	if (err == 0)
		*out_ns = (int64_t)((uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec);
	return err;
}

/*
 * A thread's clock can only be read in its own process, by its adopter between
 * two run()s; anybody else gets the last answer.  The guest can spoil the answer
 * on its way, so it is bounded by what is known.
 */
static int trap_ctx_cputime(struct ctx *c, int64_t *out_ns)
{
	struct aspace *as = c->as;
	int64_t all, own = 0;
	int err = trap_aspace_cputime(as, &all);
	if (err < 0)
		return err;
	if (!__atomic_load_n(&as->threaded, __ATOMIC_RELAXED))
		own = all;
	else if (__atomic_load_n(&c->adopter, __ATOMIC_RELAXED) == locals_self())
		err = thread_cputime(c, &own);
	lock(&as->lock);
	if (err == 0 && own > c->cputime)
		c->cputime = own < all ? own : all;
	*out_ns = c->cputime;
	unlock(&as->lock);
	return err;
}

/* What the guest spoils on its way through the slot is its own account. */
static int usage_within(struct ctx *by, bool thread, struct usage *out, int64_t within_ns)
{
	enum { RSS_LAG_KB = 256 };
	struct rusage ru;
	if (!by->adopted)
		return -ESRCH;
	int err = command_scratch(by, SYS_getrusage,
				  (uint64_t)(thread ? RUSAGE_THREAD : RUSAGE_SELF), &ru, sizeof ru,
				  within_ns);
	if (err < 0)
		return err;
	*out = (struct usage){.minflt = (uint64_t)ru.ru_minflt,
			      .majflt = (uint64_t)ru.ru_majflt,
			      .nivcsw = (uint64_t)ru.ru_nivcsw,
			      .maxrss_kb = (uint64_t)ru.ru_maxrss};
	/* Of a living process newer hosts count pages a CPU, and add up from time to time. */
	out->maxrss_kb = max_u64(out->maxrss_kb, min_u64(out->minflt * (PAGE_SIZE / 1024), RSS_LAG_KB));
	return 0;
}

static int trap_usage(struct ctx *by, bool thread, struct usage *out)
{
	return usage_within(by, thread, out, COMMAND_NS);
}

/* What a frame holds on this host, from the first one. */
static int learn_frame(const struct ctx *c)
{
	struct abi_fpx_sw_bytes sw;
	struct abi_ucontext *uc;
	uint64_t at = c->slot->frame - SLOTS_AT;
	if (c->slot->event != SAYS_SIGNAL || at > SLOT_SIZE - sizeof *uc)
		return -EPROTO;
	uc = (struct abi_ucontext *)((char *)c->slot + at);
	at = uc->uc_mcontext.fpstate - SLOTS_AT;
	if (at > SLOT_SIZE - 1024)
		return -EPROTO;
	const unsigned char *fx = (unsigned char *)c->slot + at;
	memcpy(&sw, fx + 464, sizeof sw);
	memcpy(&trap_host.mxcsr_mask, fx + 28, sizeof trap_host.mxcsr_mask);
	if (sw.magic1 == FP_XSTATE_MAGIC1 && (uc->uc_flags & UC_FP_XSTATE)) {
		trap_host.xstate_size = sw.xstate_size;
		trap_host.xfeatures = sw.xfeatures;
	}
	return trap_host.xstate_size <= SLOT_SIZE / 4 ? 0 : -E2BIG;
}

enum { HWCAP2_FSGSBASE_BIT = 2 };

/* Does it work here at all?  The stub is kept: the first program gets it. */
static int trap_init(void)
{
	struct aspace *as;
	struct ctx *c;
	hand_init();
	reap_init();
	clock_find();
	trap_host.fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
	int err = pool_init(hand_cpus());
	if (err == 0)
		err = zygote_trap_start();
	if (err < 0)
		return err;
	trap_text_init();
	err = spare_first(&as, &c);
	if (err == 0)
		err = learn_frame(c);
	if (err == 0) {
		clock_ready((int)c->slot->pid, trap_host.base);
	} else {
		spare_end(&trap_zygote_first);
		object_end();
		zygote_trap_stop(&trap_zygote_first);
	}
	return err;
}

#define X(name) SYS_##name,
static const uint16_t answered_calls[] = {ANSWERED_CALLS(X)};
#undef X

/* The guest can spoil them: they are for people to read. */
static void trap_answered(struct ctx *c, void (*tell)(uint32_t nr, uint64_t count))
{
	for (size_t i = 0; i < ARRAY_SIZE(answered_calls); i++) {
		uint64_t *count = &c->slot->answered[ANSWERED_AT(answered_calls[i])];
		uint64_t n = __atomic_exchange_n(count, 0, __ATOMIC_RELAXED);
		if (n > 0)
			tell(answered_calls[i], n);
	}
}

static void trap_shutdown(void)
{
	spare_end(&trap_zygote_first);
	object_end();
	reap_rest(&trap_zygote_first);
	zygote_trap_stop(&trap_zygote_first);
	rewrite_shutdown();
}

static int trap_set_tsc(struct ctx *by, bool allowed)
{
	return (int)command_call(by, SYS_prctl, PR_SET_TSC,
				 allowed ? PR_TSC_ENABLE : PR_TSC_SIGSEGV, 0, 0, 0);
}

static void trap_fact(struct ctx *c, enum fact which, uint32_t value)
{
	facts_set((struct facts *)(c->as->map + OBJ_FACTS), c->number, which, value);
}

static void trap_uts(struct ctx *c, const void *uts, size_t size)
{
	facts_uts((struct facts *)(c->as->map + OBJ_FACTS), uts, size);
}

static void trap_cpus(unsigned count)
{
	trap_host.cpus = count;
}

static void trap_tasks(unsigned most)
{
	trap_host.tasks = most;
}

static uaddr_t trap_clock(uint32_t *out_ids)
{
	*out_ids = clock_ids();
	return clock_gettime_at();
}

const struct platform_ops trap_platform = {
	.name = "trap",
	.strands = &pool_strands,
	.init = trap_init,
	.shutdown = trap_shutdown,
	.aspace_new = trap_aspace_new,
	.aspace_fork = trap_aspace_fork,
	.aspace_destroy = trap_aspace_destroy,
	.watch = trap_watch,
	.aspace_dead = trap_aspace_dead,
	.zygote_ask = trap_zygote_ask,
	.zygote_take = trap_zygote_take,
	.zygote_end = trap_zygote_end,
	.zygote_dead = trap_zygote_dead,
	.ctx_create = trap_ctx_create,
	.ctx_adopt = trap_ctx_adopt,
	.ctx_destroy = trap_ctx_destroy,
	.run = trap_run,
	.interrupt = trap_interrupt,
	.abandon = hand_abandon,
	.regs = trap_regs,
	.regs_mut = trap_regs_mut,
	.answer = trap_answer,
	.fpu_size = trap_fpu_size,
	.fpu_get = trap_fpu_get,
	.fpu_set = trap_fpu_set,
	.fpu_reset = trap_fpu_reset,
	.set_tsc = trap_set_tsc,
	.map = trap_map,
	.unmap = trap_unmap,
	.protect = trap_protect,
	.remap = trap_remap,
	.advise = trap_advise,
	.mincore = trap_mincore,
	.read = trap_read,
	.write = trap_write,
	.answered = trap_answered,
	.rewrite = trap_rewrite,
	.hidden = trap_hidden,
	.ctx_cputime = trap_ctx_cputime,
	.aspace_cputime = trap_aspace_cputime,
	.usage = trap_usage,
	.peek = trap_peek,
	.settle = trap_settle,
	.fact = trap_fact,
	.uts = trap_uts,
	.cpus = trap_cpus,
	.tasks = trap_tasks,
	.clock = trap_clock,
};
