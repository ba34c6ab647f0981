/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces: their object, their slots, and who they really are.
 *
 * A stub says its own pid, and one that runs guest code can lie.  So a new object
 * carries a random number in its first slot, and a pid is believed once that
 * number has been read from where that process must have mapped it.  Nobody but
 * the new process, and what its parent chose to share it with, has the object.
 */
#include "platform/trap/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "platform/base/log.h"
#include "platform/trap/facts.h"

static struct slot *slot_here(const struct aspace *as, unsigned number)
{
	return (struct slot *)(as->map + OBJ_SLOTS + (size_t)number * SLOT_SIZE);
}

static void slot_prepare(struct slot *s, unsigned number)
{
	const uint64_t at = SLOTS_AT + (uint64_t)number * SLOT_SIZE;
	s->self = at;
	s->callstack = at + SLOT_CALLSTACK;
	s->magic = SLOT_MAGIC;
	s->tells_gs = trap_host.fsgsbase;
	s->kick = 0;
	s->event = 0;
	s->command = DO_RESUME;
	s->turn = TURN_STUB;
}

int object_new(int *out_fd, char **out_map, uint64_t *out_nonce)
{
	void *map;
	int fd;
	int err = host_memfd("vedette-slots", &fd);
	if (err < 0)
		return err;
	if ((err = host_ftruncate(fd, OBJ_SIZE)) < 0 || (err = host_map_shared(fd, OBJ_SIZE, &map)) < 0) {
		host_close(fd);
		return err;
	}
	struct slot *first = (struct slot *)((char *)map + OBJ_SLOTS);
	slot_prepare(first, 0);
	host_random(out_nonce, sizeof *out_nonce);
	first->nonce = *out_nonce;
	*out_map = map;
	*out_fd = fd;
	return 0;
}

void object_put(char *map)
{
	host_unmap(map, OBJ_SIZE);
}

int slot_take(struct aspace *as, unsigned *out)
{
	int err = -EAGAIN;
	lock(&as->lock);
	/* An ended thread gives its slot back with its last word. */
	for (unsigned i = 0; i < as->slots_used / 32 + 1 && err < 0 && i < ARRAY_SIZE(as->free); i++)
		for (uint32_t set = as->free[i]; set && err < 0; set &= set - 1) {
			unsigned n = i * 32 + (unsigned)__builtin_ctz(set);
			if (__atomic_load_n(&slot_here(as, n)->turn, __ATOMIC_ACQUIRE) == TURN_STUB)
				continue;
			as->free[i] &= ~(1u << n % 32);
			*out = n;
			err = 0;
		}
	if (err < 0 && as->slots_used < SLOT_MAX) {
		*out = as->slots_used++;
		err = 0;
	}
	unlock(&as->lock);
	if (err == 0) {
		slot_prepare(slot_here(as, *out), *out);
		facts_forget((struct facts *)(as->map + OBJ_FACTS), *out);
	}
	return err;
}

void slot_put(struct aspace *as, unsigned number)
{
	lock(&as->lock);
	as->free[number / 32] |= 1u << number % 32;
	unlock(&as->lock);
}

struct ctx *ctx_alloc(struct aspace *as, unsigned number, int tid)
{
	struct ctx *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->as = as;
	c->slot = slot_here(as, number);
	c->number = number;
	c->tid = tid;
	c->leader = number == 0;
	c->dirty = true;
	c->regs.cs = 0x33;
	c->regs.ss = 0x2b;
	c->regs.eflags = 0x202;
	atomic_fetch_add(&as->threads, 1);
	if (number != 0)
		__atomic_store_n(&as->threaded, true, __ATOMIC_RELAXED);
	reap_add_ctx(c);
	return c;
}

void ctx_free(struct ctx *c)
{
	if (trap_current() == c)
		local_set(LOCAL_CTX, NULL);
	mode_forget(c);
	reap_remove_ctx(c);
	atomic_fetch_sub(&c->as->threads, 1);
	free(c->fpu_first);
	free(c);
}

int aspace_make(struct zygote *z, int pid, int ctl, char *map, uint64_t nonce, struct rewrite *text,
		struct aspace **out, struct ctx **out_ctx)
{
	struct aspace *as = calloc(1, sizeof *as);
	struct ctx *c = NULL;
	if (as && text) {
		as->zygote = z;
		as->text = text;
		as->pid = pid;
		as->nonce = nonce;
		as->map = map;
		as->ctl = ctl;
		as->slots_used = 1;
		facts_init((struct facts *)(map + OBJ_FACTS), trap_host.cpus, /*yields=*/true);
		lock_init(&as->lock, RANK_PLATFORM);
		list_init(&as->ctxs);
		list_init(&as->link);
		list_init(&as->stray);
		c = ctx_alloc(as, 0, pid);
	}
	if (!c) {
		object_put(map);
		host_close(ctl);
		rewrite_free(text);
		free(as);
		return -ENOMEM;
	}
	ref_get(&z->ref);
	*out = as;
	*out_ctx = c;
	return 0;
}

void aspace_free(struct aspace *as)
{
	zygote_put(as->zygote);
	host_close(as->ctl);
	object_put(as->map);
	rewrite_free(as->text);
	free(as);
}

void aspace_kill(struct aspace *as)
{
	__atomic_store_n(&as->doomed, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&as->verified, __ATOMIC_ACQUIRE) &&
	    !__atomic_load_n(&as->dead, __ATOMIC_ACQUIRE))
		host_tgkill(as->pid, as->pid, SIGKILL);
}

/* The number, from where only the process with our object can have it. */
static int nonce_check(const struct aspace *as)
{
	uint64_t found = 0;
	struct iovec local = {.iov_base = &found, .iov_len = sizeof found};
	struct iovec remote = {.iov_base = (void *)(SLOTS_AT + offsetof(struct slot, nonce)),
			       .iov_len = sizeof found};
	trap_calls++;
	ssize_t n = host_vm_read(as->pid, &local, 1, &remote, 1);
	if (n < 0)
		return (int)n;
	return found == as->nonce ? 0 : -ESRCH;
}

/* Memory can be read by the number of any thread, but only a process has this clock. */
static int process_check(const struct aspace *as)
{
	int64_t used;
	if (as->pid <= 1 || as->pid == trap_host.sentry_pid)
		return -ESRCH;
	trap_calls++;
	return host_clock_get(process_clock(as->pid), &used);
}

static int verify(struct aspace *as)
{
	int err = process_check(as);
	if (err == 0)
		err = nonce_check(as);
	if (err == 0)
		__atomic_store_n(&as->verified, true, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&as->doomed, 1, __ATOMIC_SEQ_CST);
	return err == 0 ? 0 : -ESRCH;
}

static int settle_locked(struct aspace *as, const struct ctx *c)
{
	if (__atomic_load_n(&as->verified, __ATOMIC_RELAXED))
		return 0;
	int err = hand_wait(as, c, slot_here(as, 0), SETTLE_NS);
	if (err == -ETIMEDOUT)
		__atomic_store_n(&as->doomed, 1, __ATOMIC_SEQ_CST);
	return err == 0 ? verify(as) : -ESRCH;
}

static bool is_verified(const struct aspace *as)
{
	return __atomic_load_n(&as->verified, __ATOMIC_ACQUIRE);
}

int aspace_settle(struct aspace *as, const struct ctx *c)
{
	if (is_verified(as))
		return 0;
	lock(&as->lock);
	int err = settle_locked(as, c);
	unlock(&as->lock);
	return err;
}

int aspace_verify(struct aspace *as)
{
	if (is_verified(as))
		return 0;
	/* A number the guest has spoilt meanwhile is only one that was never true. */
	if (!hand_is_ours(slot_here(as, 0)))
		return -ESRCH;
	return verify(as);
}

int ctx_settle(struct ctx *c)
{
	int err = aspace_settle(c->as, c);
	if (err == 0)
		err = hand_wait(c->as, c, c->slot, SETTLE_NS);
	return err;
}
