/* SPDX-License-Identifier: Apache-2.0 */
/* execve(2), execveat(2). */
#include "sentry/task/exec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/sys.h"

/* The file a (dirfd, path, flags) triple names, open for execution. */
static int open_at(struct task *t, int dirfd, const char *name, int flags, struct file **out)
{
	autoput(file) struct file *dir = NULL;
	struct walk w = {.fs = t->fs, .cred = t->cred};
	struct path p;

	if (dirfd != AT_FDCWD && name[0] != '/') {
		if (!(dir = fdtab_get(t->fds, dirfd)))
			return -EBADF;
		w.dir = dir;
	}
	if (flags & AT_SYMLINK_NOFOLLOW)
		w.flags |= WALK_NOFOLLOW;
	if (flags & AT_EMPTY_PATH)
		w.flags |= WALK_EMPTY;
	int err = path_walk(&w, name, &p);
	if (err < 0)
		return err;
	if ((flags & AT_SYMLINK_NOFOLLOW) && mode_is(p.dentry->inode->mode, S_IFLNK))
		err = -ELOOP;
	if (err == 0)
		err = exec_open(t, &p, out);
	path_put(&p);
	return err;
}

static char *fd_name(int dirfd, const char *name)
{
	char *s;
	int n = asprintf(&s, "/dev/fd/%d%s%s", dirfd, *name ? "/" : "", name);
	return n < 0 ? NULL : s;
}

static long do_exec(struct task *t, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	autoput(file) struct file *f = NULL;
	autofree char *name = malloc(PATH_MAX), *shown = NULL;
	struct exec_strings s;

	if (!name)
		return -ENOMEM;
	ssize_t n = copy_str(t->mm, name, path, PATH_MAX);
	if (n < 0)
		return n;
	int err = open_at(t, dirfd, name, flags, &f);
	if (err < 0)
		return err;
	/* What a script's interpreter is told to open: execveat(2). */
	bool by_fd = dirfd != AT_FDCWD && name[0] != '/';
	shown = by_fd ? fd_name(dirfd, name) : strdup(name);
	if (!shown)
		return -ENOMEM;
	bool hidden = by_fd && fd_get_cloexec(t->fds, dirfd) == 1;
	if ((err = exec_strings_copy(t, argv, envp, &s)) < 0)
		return err;
	err = task_exec(t, f, shown, hidden, &s);
	exec_strings_free(&s);
	return err;
}

long sys_execve(struct task *t, uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return do_exec(t, AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(struct task *t, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return do_exec(t, dirfd, path, argv, envp, flags);
}
