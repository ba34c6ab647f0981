/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments that name files: copied in once, ready to walk.
 *
 *	struct path_arg a;
 *	int err = path_arg_get(&a, t, dirfd, path, WALK_NOFOLLOW);
 *	if (err < 0)
 *		return err;
 *	err = vfs_...(&a.walk, a.name, ...);
 *	path_arg_put(&a);
 */
#pragma once

#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"

struct path_arg {
	char *name;		/* few or long_name */
	char *long_name;	/* malloc'ed, or NULL */
	char few[256];
	struct file *dir;	/* our reference, or NULL */
	struct walk walk;
};

/* -EFAULT, -ENAMETOOLONG, -ENOENT for "" without WALK_EMPTY, -EBADF, -ENOMEM: nothing to put. */
int path_arg_get(struct path_arg *a, struct task *t, int dirfd, uaddr_t name, uint32_t walk_flags);
void path_arg_put(struct path_arg *a);

/* All in one: the file named, referenced. */
int path_lookup(struct task *t, int dirfd, uaddr_t name, uint32_t walk_flags, struct path *out);

/* AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH as WALK_*. */
uint32_t walk_flags_of(uint32_t at_flags);

/* The open file of a descriptor, referenced; -EBADF.  file_arg_io: O_PATH files do not count. */
int file_arg(struct task *t, int fd, struct file **out);
int file_arg_io(struct task *t, int fd, struct file **out);

/* RLIMIT_NOFILE. */
uint64_t fd_limit(struct task *t);
/*
 * RLIMIT_FSIZE for a file that grows to `size`: 0, or -EFBIG with SIGXFSZ sent.
 */
int fsize_check(struct task *t, const struct inode *i, uint64_t size);
/* A signal to the caller itself as kill(2) would send it: SIGPIPE, SIGXFSZ. */
void signal_self(struct task *t, int sig);
/* A write to f was -EPIPE: SIGPIPE, unless f is a socket that is no stream. */
void signal_epipe(struct task *t, const struct file *f);
