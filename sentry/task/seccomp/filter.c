/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: made, shared, installed on one thread or on all of its process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "platform/base/count.h"
#include "sentry/task/seccomp/bpf.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/watch.h"

/* Linux' limit on all filters of a task, each with a penalty for being one more. */
enum { COST_MAX = 32768, COST_EACH = 4 };

struct seccomp_filter *seccomp_get(struct seccomp_filter *f)
{
	if (f)
		ref_get(&f->ref);
	return f;
}

void seccomp_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->ref)) {
		struct seccomp_filter *prev = f->prev;
		free(f);
		count_gone(seccomp);
		f = prev;
	}
}

int seccomp_mode(struct task *t)
{
	return __atomic_load_n(&t->seccomp_mode, __ATOMIC_ACQUIRE);
}

/* The last one of any task, referenced, or NULL. */
static struct seccomp_filter *last_of(struct task *t)
{
	lock(&t->group->siglock);
	struct seccomp_filter *f = seccomp_get(t->seccomp);
	unlock(&t->group->siglock);
	return f;
}

unsigned seccomp_depth(struct task *t)
{
	struct seccomp_filter *f = last_of(t);
	unsigned depth = f ? f->depth : 0;
	seccomp_put(f);
	return depth;
}

struct seccomp_filter *seccomp_nth(struct task *t, uint64_t n)
{
	struct seccomp_filter *last = last_of(t), *f = last;
	while (f && f->depth != n + 1)
		f = f->prev;
	seccomp_get(f);
	seccomp_put(last);
	return f;
}

bool task_no_new_privs(struct task *t)
{
	struct seccomp_filter *f = last_of(t);
	autoput(cred) struct cred *c = task_cred(t);
	bool set = c->no_new_privs || (f && f->no_new_privs);
	seccomp_put(f);
	return set;
}

static void cache_fill(struct seccomp_filter *f)
{
	for (int nr = 0; nr < SECCOMP_CACHED; nr++) {
		uint64_t bit = 1ull << nr % 64;
		uint32_t ret;
		if (f->prev && !(f->prev->allowed[nr / 64] & bit))
			continue;
		if (bpf_run_constant(f->prog, nr, &ret) &&
		    (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
			f->allowed[nr / 64] |= bit;
	}
}

/* Without prev: that is known when it is installed. */
static int make(const struct abi_sock_filter *prog, size_t len, uint64_t flags,
		struct seccomp_filter **out)
{
	int err = bpf_check(prog, len);
	if (err < 0)
		return err;
	struct seccomp_filter *f = calloc(1, sizeof *f + len * sizeof *prog);
	if (!f)
		return -ENOMEM;
	ref_init(&f->ref);
	count_new(seccomp);
	memcpy(f->prog, prog, len * sizeof *prog);
	f->len = (uint16_t)len;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	*out = f;
	return 0;
}

/* Takes over nothing; t's own thread, so t->seccomp cannot be moved meanwhile but by TSYNC. */
static int put_on_top(struct seccomp_filter *f, struct seccomp_filter *prev, bool no_new_privs)
{
	f->cost = f->len + (prev ? prev->cost + COST_EACH : 0);
	if (f->cost > COST_MAX)
		return -ENOMEM;
	f->prev = seccomp_get(prev);
	f->depth = prev ? prev->depth + 1 : 1;
	f->no_new_privs = no_new_privs;
	cache_fill(f);
	return 0;
}

static void set_locked(struct task *t, struct seccomp_filter *f)
{
	struct seccomp_filter *old = t->seccomp;
	__atomic_store_n(&t->seccomp, seccomp_get(f), __ATOMIC_RELEASE);
	__atomic_store_n(&t->seccomp_mode, SECCOMP_MODE_FILTER, __ATOMIC_RELEASE);
	task_watch_locked(t, TRACED_SECCOMP, 0);
	/* It is one of f's ancestors, so t's own thread may still be reading it. */
	seccomp_put(old);
}

static bool descends(const struct seccomp_filter *f, const struct seccomp_filter *from)
{
	for (; f; f = f->prev)
		if (f == from)
			return true;
	return from == NULL;
}

/* The first thread that has a filter t lacks, or the strict mode; NULL: all can follow. */
static struct task *cannot_follow_locked(struct task *t)
{
	struct task *other;

	list_for_each (other, &t->group->threads, threads) {
		if (other == t || __atomic_load_n(&other->exiting, __ATOMIC_RELAXED))
			continue;
		if (seccomp_mode(other) == SECCOMP_MODE_STRICT ||
		    !descends(t->seccomp, other->seccomp))
			return other;
	}
	return NULL;
}

/* Moves t, and with TSYNC all, from prev to f; *moved false: another thread's TSYNC came first. */
static long install(struct task *t, struct seccomp_filter *f, uint64_t flags, bool *moved)
{
	bool sync = flags & SECCOMP_FILTER_FLAG_TSYNC;
	struct task *other;
	long ret = 0;

	*moved = false;
	lock(&kernel.tasks_lock);
	lock(&t->group->siglock);
	if (seccomp_mode(t) == SECCOMP_MODE_STRICT) {
		ret = -EINVAL;
	} else if (sync && (other = cannot_follow_locked(t))) {
		ret = flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other->nr;
	} else if (t->seccomp == f->prev) {
		*moved = true;
		set_locked(t, f);
		if (sync)
			list_for_each (other, &t->group->threads, threads)
				if (other != t)
					set_locked(other, f);
	}
	unlock(&t->group->siglock);
	unlock(&kernel.tasks_lock);
	return ret;
}

static long add(struct task *t, const struct abi_sock_filter *prog, size_t len, uint64_t flags,
		bool no_new_privs)
{
	struct seccomp_filter *f;
	bool moved = false;
	long ret;

	do {
		struct seccomp_filter *prev = last_of(t);
		if ((ret = make(prog, len, flags, &f)) == 0) {
			if ((ret = put_on_top(f, prev, no_new_privs)) == 0)
				ret = install(t, f, flags, &moved);
			seccomp_put(f);
		}
		seccomp_put(prev);
	} while (ret == 0 && !moved);
	return ret;
}

long seccomp_install(struct task *t, const struct abi_sock_filter *prog, size_t len, uint64_t flags)
{
	bool no_new_privs = task_no_new_privs(t);

	if (!no_new_privs && !cred_capable_own(t->cred, CAP_SYS_ADMIN))
		return -EACCES;
	return add(t, prog, len, flags, no_new_privs);
}

int seccomp_begin(struct task *t, const struct abi_sock_filter *prog, size_t len, bool log)
{
	return (int)add(t, prog, len, log ? SECCOMP_FILTER_FLAG_LOG : 0, task_no_new_privs(t));
}

int seccomp_set_strict(struct task *t)
{
	lock(&t->group->siglock);
	int err = seccomp_mode(t) == SECCOMP_MODE_FILTER ? -EINVAL : 0;
	if (err == 0) {
		__atomic_store_n(&t->seccomp_mode, SECCOMP_MODE_STRICT, __ATOMIC_RELEASE);
		task_watch_locked(t, TRACED_SECCOMP, 0);
	}
	unlock(&t->group->siglock);
	return err;
}

void seccomp_clone_locked(struct task *child, struct task *t)
{
	seccomp_put(child->seccomp);
	child->seccomp = seccomp_get(t->seccomp);
	child->seccomp_mode = t->seccomp_mode;
	if (child->seccomp_mode != SECCOMP_MODE_DISABLED)
		task_watch_locked(child, TRACED_SECCOMP, 0);
}
