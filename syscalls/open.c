/* SPDX-License-Identifier: Apache-2.0 */
/* open(2), openat(2), openat2(2), creat(2), close(2), close_range(2). */
#include <string.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

static const uint64_t open_flags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
				   O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE |
				   O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_SYNC |
				   O_PATH | O_TMPFILE;
static const uint64_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
static const uint64_t tmpfile_bit = O_TMPFILE & ~O_DIRECTORY;
static const uint64_t resolve_flags = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
				      RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT |
				      RESOLVE_CACHED;

static uint32_t walk_of_resolve(uint64_t resolve)
{
	static const struct {
		uint64_t resolve;
		uint32_t walk;
	} map[] = {
		{RESOLVE_NO_XDEV, WALK_NO_XDEV},
		{RESOLVE_NO_MAGICLINKS, WALK_NO_MAGICLINKS},
		{RESOLVE_NO_SYMLINKS, WALK_NO_SYMLINKS | WALK_NO_MAGICLINKS},
		{RESOLVE_BENEATH, WALK_BENEATH},
		{RESOLVE_IN_ROOT, WALK_IN_ROOT},
		{RESOLVE_CACHED, WALK_CACHED},
	};
	uint32_t walk = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (resolve & map[i].resolve)
			walk |= map[i].walk;
	return walk;
}

/* The checks that openat2 makes; open and openat have cut their arguments so that these pass. */
static int how_check(const struct abi_open_how *how)
{
	uint64_t flags = how->flags;
	bool creates = flags & (O_CREAT | tmpfile_bit);

	if ((flags & ~open_flags) || (how->resolve & ~resolve_flags))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (creates ? how->mode & ~(uint64_t)S_IALLUGO : how->mode)
		return -EINVAL;
	if ((flags & O_DIRECTORY) && (flags & O_CREAT))
		return -EINVAL;
	if (flags & tmpfile_bit) {
		if (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY)
			return -EINVAL;
	}
	if ((flags & O_PATH) && (flags & ~path_flags))
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | tmpfile_bit)))
		return -EAGAIN;
	return 0;
}

static long do_open(struct task *t, int dirfd, uaddr_t path, const struct abi_open_how *how)
{
	struct path_arg a;
	struct file *f;
	int fd, err = how_check(how);

	if (err < 0)
		return err;
	err = path_arg_get(&a, t, dirfd, path, walk_of_resolve(how->resolve));
	if (err < 0)
		return err;
	err = fd_reserve(t->fds, 1, 0, fd_limit(t), &fd);
	if (err == 0) {
		err = vfs_open(&a.walk, a.name, (uint32_t)how->flags, (uint32_t)how->mode, &f);
		if (err < 0)
			fd_unreserve(t->fds, fd);
		else
			fd_publish(t->fds, fd, f, how->flags & O_CLOEXEC);
	}
	path_arg_put(&a);
	return err < 0 ? err : fd;
}

/* open(2) ignores what it does not know. */
static struct abi_open_how how_of(int flags, uint32_t mode)
{
	struct abi_open_how how = {.flags = (uint32_t)flags & open_flags};

	if (how.flags & O_PATH)
		how.flags &= path_flags;
	if (how.flags & (O_CREAT | tmpfile_bit))
		how.mode = mode & S_IALLUGO;
	return how;
}

long sys_openat(struct task *t, int dirfd, uaddr_t path, int flags, uint32_t mode)
{
	const struct abi_open_how how = how_of(flags, mode);
	return do_open(t, dirfd, path, &how);
}

long sys_open(struct task *t, uaddr_t path, int flags, uint32_t mode)
{
	return sys_openat(t, AT_FDCWD, path, flags, mode);
}

long sys_creat(struct task *t, uaddr_t path, uint32_t mode)
{
	return sys_openat(t, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* A struct of a later kernel is fine as long as what we do not know is zero. */
static int how_copy_in(struct task *t, uaddr_t addr, uint64_t size, struct abi_open_how *out)
{
	unsigned char buf[ABI_PAGE_SIZE];

	if (size < OPEN_HOW_SIZE_VER0)
		return -EINVAL;
	if (size > sizeof buf)
		return -E2BIG;
	int err = copy_in(t->mm, buf, addr, size);
	if (err < 0)
		return err;
	for (uint64_t i = sizeof *out; i < size; i++)
		if (buf[i])
			return -E2BIG;
	memcpy(out, buf, sizeof *out);
	return 0;
}

long sys_openat2(struct task *t, int dirfd, uaddr_t path, uaddr_t how, uint64_t size)
{
	struct abi_open_how copy;
	int err = how_copy_in(t, how, size, &copy);

	return err < 0 ? err : do_open(t, dirfd, path, &copy);
}

long sys_close(struct task *t, int fd)
{
	return fd_close(t->fds, fd);
}

/* The caller's own table, if it shares one now: CLOSE_RANGE_UNSHARE. */
static int fds_unshare(struct task *t)
{
	struct fdtab *copy, *old = t->fds;

	if (!fdtab_shared(old))
		return 0;
	int err = fdtab_copy(old, &copy);
	if (err < 0)
		return err;
	lock(&kernel.tasks_lock);
	t->fds = copy;
	unlock(&kernel.tasks_lock);
	fdtab_put(old);
	return 0;
}

long sys_close_range(struct task *t, uint32_t first, uint32_t last, uint32_t flags)
{
	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	int err = flags & CLOSE_RANGE_UNSHARE ? fds_unshare(t) : 0;
	if (err < 0)
		return err;
	return fd_close_range(t->fds, first, last, flags & CLOSE_RANGE_CLOEXEC);
}
