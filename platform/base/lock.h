/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks with ranks.
 *
 * enum lockrank is the lock order of the whole sentry, outermost first: a
 * thread may only take a lock of a higher rank than every one it holds.  Test
 * builds (VEDETTE_CHECK) abort on a violation and name both locks.  Two locks
 * of one rank are taken together with lock_pair() (by address) or with
 * lock_nested(), which states that the caller has an order of its own (parent
 * directory before child) and says so in a comment.
 *
 * Never sleep in a waitq with a lock held; never hold one across
 * platform_ops.run().
 */
#pragma once

#include <pthread.h>

#include "types.h"

enum lockrank {
	RANK_BOOT,	/* sandbox start and end */
	RANK_EXEC,	/* one exec or ptrace attach at a time in a thread group */
	RANK_FILEPOS,	/* struct file.pos of seekable files */
	RANK_RENAME,	/* directory renames and ".." of one file system */
	RANK_MOUNT,	/* the mount tree */
	RANK_MM,	/* struct mm: areas, brk */
	RANK_INODE,	/* struct inode: content, attributes, children of a directory */
	RANK_DENTRY,	/* struct dentry: name and parent */
	RANK_FDTAB,	/* struct fdtab */
	RANK_FS,	/* struct fsctx: cwd, root, umask */
	RANK_FLOCK,	/* file locks of one inode */
	RANK_SOCK,	/* a socket; pairs by address */
	RANK_PIPE,	/* a pipe or another in-memory queue; pairs by address */
	RANK_TTY,	/* a terminal */
	RANK_TASKS,	/* the task tree: parents, children, pids, groups, sessions */
	RANK_SIGHAND,	/* signal state of a thread group and its tasks */
	RANK_SIGACTIONS, /* dispositions, shared by CLONE_SIGHAND */
	RANK_FUTEX,	/* futex hash buckets; pairs by address */
	RANK_CRED,	/* credentials pointer of a task */
	RANK_EPOLL,	/* epoll's interest list */
	RANK_WAITQ,	/* a wait queue; wake functions run under it */
	RANK_EPOLL_READY,/* epoll's ready list; taken in wake functions */
	RANK_TIMER,	/* the timer heap */
	RANK_POLLER,	/* host descriptors being polled */
	RANK_SPARE,	/* stubs that are being made ahead */
	RANK_GOFER,	/* gofer connection pool */
	RANK_REWRITE,	/* guest text that is being changed */
	RANK_PLATFORM,	/* platform internals */
	RANK_LEAF,	/* nothing is taken below it: ids, counters, logs */
	RANK_COUNT,
};

#if defined(__clang__)
#define CAPABILITY(x) __attribute__((capability(x)))
#define ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define ACQUIRES(...)
#define RELEASES(...)
#define REQUIRES(...)
#define NO_LOCK_ANALYSIS
#endif

struct CAPABILITY("mutex") lock {
	pthread_mutex_t mutex;
	uint8_t rank;
};

#define LOCK_INIT(r)                                                                               \
	{                                                                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (r)                                    \
	}

void lock_init(struct lock *l, enum lockrank rank);
void lock(struct lock *l) ACQUIRES(l);
void unlock(struct lock *l) RELEASES(l);
/* Takes it unless somebody has it: of any rank, because nobody waits here. */
bool lock_try(struct lock *l);
/* A second lock of the same rank; the caller's comment says which order makes it safe. */
void lock_nested(struct lock *l) ACQUIRES(l);
/* Takes both in address order; a may equal b (then it is taken once). */
void lock_pair(struct lock *a, struct lock *b) ACQUIRES(a, b);
void unlock_pair(struct lock *a, struct lock *b) RELEASES(a, b);
/* Dies unless the calling thread holds the lock (test builds only). */
void lock_assert_held(const struct lock *l);
/* Dies if the calling thread holds any lock (test builds only): called before sleeping. */
void lock_assert_none(void);
