/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/fd and /proc/PID/fdinfo. */
#include "sentry/vfs/fdtab.h"

#include <errno.h>

#include "sentry/procfs/pid.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"

/* No descriptor is above fs.nr_open's default. */
enum { FD_END = 1 << 20 };

/*
 * Whether an fd is there.  Only the calling task's own table can be asked here: a
 * reference to another's might be the last one, and closing files is not for
 * someone who holds a directory's lock.  Names in the tables of others are taken
 * as they come, and what is done with them finds out.
 */
static int fd_find(const struct proc_node *dir, unsigned nr, struct proc_node *out)
{
	struct task *by = task_current();
	bool own = false;

	if (nr >= FD_END)
		return -ENOENT;
	lock(&kernel.tasks_lock);
	struct task *t = proc_task_locked(dir);
	bool there = t && t->fds;
	if (there) {
		own = by && t->fds == by->fds;
		proc_node_set_locked(out, t, dir->thread);
		out->fd = (int)nr;
	}
	unlock(&kernel.tasks_lock);
	if (there && own)
		there = fd_get_cloexec(by->fds, (int)nr) >= 0;
	return there ? 0 : -ENOENT;
}

static int next_fd(const struct proc_node *dir, unsigned from)
{
	autoput(task) struct task *t = proc_task(dir);
	struct fdtab *fds = t ? proc_fdtab(t) : NULL;
	int fd = -1;

	if (fds && from < FD_END)
		fd = fd_next(fds, (int)from);
	if (fds)
		fdtab_put(fds);
	return fd;
}

static unsigned no_dirs(const struct proc_node *dir)
{
	(void)dir;
	return 0;
}

static int fd_file(const struct proc_look *at, struct file **out, bool *out_cloexec)
{
	struct fdtab *fds = proc_fdtab(at->task);

	*out = fds ? fdtab_get(fds, at->node->fd) : NULL;
	*out_cloexec = fds && fd_get_cloexec(fds, at->node->fd) > 0;
	if (fds)
		fdtab_put(fds);
	return *out ? 0 : -ENOENT;
}

static int fd_follow(const struct proc_look *at, struct path *out)
{
	autoput(file) struct file *f = NULL;
	bool cloexec;
	int err = fd_file(at, &f, &cloexec);

	if (err < 0)
		return err;
	*out = f->path;
	path_get(out);
	return 0;
}

__attribute__((no_sanitize("thread"))) int64_t pid_file_pos(const struct file *f)
{
	return *(const volatile int64_t *)&f->pos;
}

static int fdinfo_show(const struct proc_look *at, struct text *out)
{
	autoput(file) struct file *f = NULL;
	bool cloexec;
	int err = fd_file(at, &f, &cloexec);

	if (err < 0)
		return err;
	text_printf(out, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
		    (long long)pid_file_pos(f), file_flags(f) | (cloexec ? O_CLOEXEC : 0),
		    f->path.mnt->id, (unsigned long long)f->inode->ino);
	pid_fdinfo_special(f, out);
	return 0;
}

static const struct proc_entry fd_link = {.mode = S_IFLNK | 0777, .follow = fd_follow};
static const struct proc_entry fdinfo_file = {
	.mode = S_IFREG | 0444,
	.flags = PROC_PTRACE,
	.show = fdinfo_show,
};

const struct proc_numbers proc_fds = {
	.entry = &fd_link,
	.id = IDS_NUMBERS + 2,
	.find = fd_find,
	.next = next_fd,
	.dirs = no_dirs,
};

const struct proc_numbers proc_fdinfos = {
	.entry = &fdinfo_file,
	.id = IDS_NUMBERS + 3,
	.find = fd_find,
	.next = next_fd,
	.dirs = no_dirs,
};
