/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp(2) for the guest.
 *
 * A task has a mode and, in filter mode, the last filter installed, which leads to the older
 * ones: a tree that forks share.  Filters never change.  A task's pointer only ever moves to a
 * filter that has the old one among its ancestors, so its own thread may follow it without a
 * lock while another thread's TSYNC moves it on.
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/seccomp.h"

enum { SECCOMP_CACHED = 512 };

struct seccomp_filter {
	struct ref ref;
	struct seccomp_filter *prev;	/* I  our reference; the next older one, or NULL */
	bool log;			/* I  SECCOMP_FILTER_FLAG_LOG */
	bool no_new_privs;		/* I  of who installed it or an older one */
	uint16_t len;			/* I */
	unsigned depth;			/* I  itself and the older ones */
	uint64_t cost;			/* I  of all of them: a limit bounds it */
	uint64_t allowed[SECCOMP_CACHED / 64]; /* I  calls that all of them let pass, whatever else */
	struct abi_sock_filter prog[];	/* I  len, checked */
};

struct seccomp_filter *seccomp_get(struct seccomp_filter *f); /* NULL stays NULL */
void seccomp_put(struct seccomp_filter *f);

/* The mode of any task (SECCOMP_MODE_*). */
int seccomp_mode(struct task *t);
/* Its filters: how many, or the nth from the oldest on, referenced, or NULL. */
unsigned seccomp_depth(struct task *t);
struct seccomp_filter *seccomp_nth(struct task *t, uint64_t n);
/* no_new_privs: its own, or what TSYNC brought with a filter. */
bool task_no_new_privs(struct task *t);

/* All for the calling task.  -EINVAL: another mode is set. */
int seccomp_set_strict(struct task *t);
/*
 * prog (len instructions, hostile) for t; 0, with TSYNC the thread that could not follow, or
 * -EINVAL, -EACCES, -ENOMEM, -ESRCH.  flags: those of seccomp(2), checked by the caller.
 */
long seccomp_install(struct task *t, const struct abi_sock_filter *prog, size_t len,
		     uint64_t flags);

/*
 * A filter that a container's process starts with: asks for no right.  -EINVAL: the program is
 * not one; -ENOMEM.
 */
int seccomp_begin(struct task *t, const struct abi_sock_filter *prog, size_t len, bool log);

/* clone: child, not visible yet, gets what t has; t's siglock held, so that TSYNC misses none. */
void seccomp_clone_locked(struct task *child, struct task *t);

/* A call that t's mode decides on: TRACED_SECCOMP is set.  In t's registers; t's own thread. */
enum seccomp_verdict {
	SECCOMP_RUN,	/* as the registers say now */
	SECCOMP_SKIP,	/* rax holds the result, or the task has to exit */
};
enum seccomp_verdict seccomp_enter(struct task *t);
