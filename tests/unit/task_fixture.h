/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks without a stub: guest memory is `arena`, guest addresses are those of
 * the test, and a platform counts interrupts.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "sentry/mm/mm.h"
#include "sentry/task/nsset.h"
#include "sentry/task/signal.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"

enum { TASKS_MAX = 4 };

static uint32_t arena[4096];
static unsigned interrupts;
static int64_t fake_cpu_ns;

static ssize_t arena_copy(const struct iovec *to, const struct iovec *from,
			  const struct iovec *guest)
{
	uintptr_t at = (uintptr_t)guest->iov_base, low = (uintptr_t)arena;
	if (at < low || at + guest->iov_len > low + sizeof arena)
		return -EFAULT;
	memcpy(to->iov_base, from->iov_base, guest->iov_len);
	return (ssize_t)guest->iov_len;
}

static ssize_t fake_read(struct aspace *as, const struct iovec *local, size_t nlocal,
			 const struct iovec *remote, size_t nremote)
{
	(void)as, (void)nlocal, (void)nremote;
	return arena_copy(local, remote, remote);
}

static ssize_t fake_write(struct aspace *as, const struct iovec *local, size_t nlocal,
			  const struct iovec *remote, size_t nremote)
{
	(void)as, (void)nlocal, (void)nremote;
	return arena_copy(remote, local, remote);
}

static void fake_interrupt(struct ctx *c)
{
	(void)c;
	__atomic_add_fetch(&interrupts, 1, __ATOMIC_RELAXED);
}

static int fake_ctx_cputime(struct ctx *c, int64_t *out_ns)
{
	(void)c;
	*out_ns = __atomic_load_n(&fake_cpu_ns, __ATOMIC_RELAXED);
	return 0;
}

static const struct platform_ops fake_platform = {
	.name = "fake",
	.read = fake_read,
	.write = fake_write,
	.interrupt = fake_interrupt,
	.ctx_cputime = fake_ctx_cputime,
};

/* One process and its parent. */
struct family {
	struct group *parent, *group;
	struct task *t[TASKS_MAX]; /* t[0] is the leader */
	struct mm mm;
	struct area area;
};

static inline struct group *make_group(int tgid)
{
	struct group *g = group_alloc();
	assert_non_null(g);
	g->actions = sigactions_new();
	assert_non_null(g->actions);
	g->tgid = g->nr = tgid;
	g->pgid = g->sid = tgid;
	for (unsigned i = 0; i < ABI_RLIM_NLIMITS; i++)
		g->rlimits[i] = (struct abi_rlimit){RLIM64_INFINITY, RLIM64_INFINITY};
	g->rlimits[RLIMIT_SIGPENDING].rlim_cur = 1000;
	return g;
}

static inline struct task *make_task(struct group *g, int tid)
{
	static char ctx;
	struct task *t = task_alloc();
	assert_non_null(t);
	t->tid = t->nr = tid;
	t->group = group_get(g);
	t->cred = cred_new_root(CAP_ALL);
	t->ns = nsset_first();
	t->ctx = (struct ctx *)(void *)&ctx;
	t->syscalls = 1;
	list_append(&g->threads, &t->threads);
	g->nthreads++;
	g->awake++; /* as if each ran on a thread of its own */
	if (!g->leader)
		g->leader = task_get(t);
	return t;
}

static inline int family_setup(void **state)
{
	static bool once;
	struct family *f = calloc(1, sizeof *f);
	if (!f)
		return -1;
	if (!once) {
		lock_init(&kernel.tasks_lock, RANK_TASKS);
		once = true;
	}
	platform = &fake_platform;
	memset(arena, 0, sizeof arena);
	interrupts = 0;
	fake_cpu_ns = 0;
	f->parent = make_group(10);
	make_task(f->parent, 10);
	f->group = make_group(20);
	f->group->parent = group_get(f->parent);
	ref_init(&f->mm.ref);
	lock_init(&f->mm.lock, RANK_MM);
	f->area.start = (uaddr_t)arena & PAGE_MASK;
	f->area.end = PAGE_ALIGN((uaddr_t)arena + sizeof arena);
	f->mm.areas = &f->area;
	f->mm.count = 1;
	for (int i = 0; i < TASKS_MAX; i++) {
		f->t[i] = make_task(f->group, 20 + i);
		f->t[i]->mm = &f->mm;
	}
	*state = f;
	return 0;
}

static inline void group_drop(struct group *g)
{
	struct task *t, *next;
	list_for_each_safe (t, next, &g->threads, threads) {
		/* A timer of the group may still be looking for somebody to tell. */
		lock(&kernel.tasks_lock);
		lock(&g->siglock);
		t->ctx = NULL;
		t->mm = NULL;
		unlock(&g->siglock);
		unlock(&kernel.tasks_lock);
		signal_exit_task(t);
		lock(&kernel.tasks_lock);
		list_del(&t->threads);
		g->nthreads--;
		unlock(&kernel.tasks_lock);
		task_put(t);
	}
	lock(&kernel.tasks_lock);
	struct task *leader = STEAL(g->leader);
	unlock(&kernel.tasks_lock);
	task_put(leader);
	group_put(g);
}

/* Fails the test if a queue entry was lost. */
static inline int family_teardown(void **state)
{
	struct family *f = *state;
	group_drop(f->group);
	group_drop(f->parent);
	free(f);
	return sigqueue_count(0) == 0 ? 0 : -1;
}

static inline struct abi_siginfo user_info(int sig, int code, int value)
{
	struct abi_siginfo info = {.signo = sig, .code = code};
	info.rt.pid = 77;
	info.rt.value.sival_int = value;
	return info;
}

static inline int send_value(struct group *g, int sig, int code, int value)
{
	struct abi_siginfo info = user_info(sig, code, value);
	return signal_send_group(g, &info);
}

static inline void set_handler(struct family *f, int sig, uint64_t handler)
{
	const struct abi_sigaction act = {.handler = handler};
	assert_int_equal(signal_action(f->t[0], sig, &act, NULL), 0);
}
