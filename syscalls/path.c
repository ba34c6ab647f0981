/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/path.h"

#include <stdlib.h>

#include "sentry/sock/sock.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"

/* Most are short, and what is as long as PATH_MAX is no cheap piece of memory. */
static ssize_t name_get(struct path_arg *a, struct task *t, uaddr_t name)
{
	ssize_t n = copy_str(t->mm, a->few, name, sizeof a->few);
	if (n != -ENAMETOOLONG)
		return n;
	a->name = a->long_name = malloc(PATH_MAX);
	return a->name ? copy_str(t->mm, a->name, name, PATH_MAX) : -ENOMEM;
}

static int path_start(struct path_arg *a, struct task *t, int dirfd, uaddr_t name)
{
	ssize_t n = name_get(a, t, name);

	if (n < 0)
		return (int)n;
	if (n == 0 && !(a->walk.flags & WALK_EMPTY))
		return -ENOENT;
	/* An absolute path does not look at the descriptor, unless that is to be its root. */
	if (dirfd == AT_FDCWD || (*a->name == '/' && !(a->walk.flags & WALK_IN_ROOT)))
		return 0;
	int err = file_arg(t, dirfd, &a->dir);
	a->walk.dir = a->dir;
	return err;
}

int path_arg_get(struct path_arg *a, struct task *t, int dirfd, uaddr_t name, uint32_t walk_flags)
{
	a->name = a->few;
	a->long_name = NULL;
	a->dir = NULL;
	a->walk = (struct walk){.fs = t->fs, .cred = task_cred_self(t), .flags = walk_flags};
	int err = path_start(a, t, dirfd, name);
	if (err < 0)
		path_arg_put(a);
	return err;
}

void path_arg_put(struct path_arg *a)
{
	free(a->long_name);
	if (a->dir)
		file_put(a->dir);
}

int path_lookup(struct task *t, int dirfd, uaddr_t name, uint32_t walk_flags, struct path *out)
{
	struct path_arg a;
	int err = path_arg_get(&a, t, dirfd, name, walk_flags);

	if (err < 0)
		return err;
	err = path_walk(&a.walk, a.name, out);
	path_arg_put(&a);
	return err;
}

uint32_t walk_flags_of(uint32_t at_flags)
{
	uint32_t flags = 0;

	if (at_flags & AT_SYMLINK_NOFOLLOW)
		flags |= WALK_NOFOLLOW;
	if (at_flags & AT_EMPTY_PATH)
		flags |= WALK_EMPTY;
	return flags;
}

int file_arg(struct task *t, int fd, struct file **out)
{
	*out = fdtab_get_own(t->fds, fd);
	return *out ? 0 : -EBADF;
}

int file_arg_io(struct task *t, int fd, struct file **out)
{
	*out = fdtab_get_io(t->fds, fd);
	return *out ? 0 : -EBADF;
}

uint64_t fd_limit(struct task *t)
{
	return task_rlimit(t, RLIMIT_NOFILE);
}

void signal_self(struct task *t, int sig)
{
	struct abi_siginfo info;

	signal_info_user(&info, sig, SI_USER, t);
	/* Only real-time signals can be refused. */
	(void)signal_send_task(t, &info);
}

void signal_epipe(struct task *t, const struct file *f)
{
	if (f->kind != FILE_SOCKET || sock_of(f)->type == SOCK_STREAM)
		signal_self(t, SIGPIPE);
}

int fsize_check(struct task *t, const struct inode *i, uint64_t size)
{
	uint64_t limit = task_rlimit(t, RLIMIT_FSIZE);

	if (limit == RLIM64_INFINITY || size <= limit ||
	    size <= __atomic_load_n(&i->size, __ATOMIC_RELAXED))
		return 0;
	signal_self(t, SIGXFSZ);
	return -EFBIG;
}
