/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that change a root.  request.c has refused them on a
 * read-only one already.
 *
 * New objects are made with no rights for others, then get their owner and
 * only then their mode, so that nobody on the host can use them half done.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

_Static_assert(GOFER_TIME_NOW == UTIME_NOW && GOFER_KEEP_ID == (uid_t)-1 &&
		       (int)GOFER_XATTR_CREATE == (int)XATTR_CREATE &&
		       (int)GOFER_XATTR_REPLACE == (int)XATTR_REPLACE,
	       "the protocol's numbers are the host's");

static int set_owner(const struct worker *w, int fd)
{
	uint32_t uid = w->req.uid, gid = w->req.gid;
	if ((uid != GOFER_KEEP_ID && !id_outside(&w->s->uids, uid, &uid)) ||
	    (gid != GOFER_KEEP_ID && !id_outside(&w->s->gids, gid, &gid)))
		return -EINVAL;
	if (uid == GOFER_KEEP_ID && gid == GOFER_KEEP_ID)
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Owner, mode and attributes of what fd was opened on, which must still be of that type. */
static int settle(struct worker *w, int fd, mode_t type)
{
	int err = pin_attr(w->s, fd, "", &w->rep.attr);
	if (err < 0)
		return err;
	if ((w->rep.attr.mode & S_IFMT) != type)
		return -ESTALE;
	if ((err = set_owner(w, fd)) < 0)
		return err;
	if (type != S_IFLNK &&
	    fchmodat(AT_FDCWD, pin_name(fd).text, w->req.mode & 07777, /*flags=*/0) < 0)
		return -errno;
	return pin_attr(w->s, fd, "", &w->rep.attr);
}

/* The same by name; what cannot be settled is removed again, unless it is not ours. */
static int settle_name(struct worker *w, int dir, const char *name, mode_t type)
{
	autoclose int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = settle(w, fd, type);
	if (err < 0 && err != -ESTALE)
		unlinkat(dir, name, type == S_IFDIR ? AT_REMOVEDIR : 0);
	return err;
}

int gofer_op_CREATE(struct worker *w)
{
	autoclose int dir = -1, fd = -1;
	const char *name;
	int err = pin_parent(w, w->path, &dir, &name);
	if (err < 0)
		return err;
	fd = openat(dir, name,
		    (int)w->req.flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);
	if (fd < 0)
		return -errno;
	if ((err = settle(w, fd, S_IFREG)) < 0) {
		unlinkat(dir, name, 0);
		return err;
	}
	w->fd = STEAL_FD(fd);
	return 0;
}

int gofer_op_MKDIR(struct worker *w)
{
	autoclose int dir = -1;
	const char *name;
	int err = pin_parent(w, w->path, &dir, &name);
	if (err < 0)
		return err;
	return mkdirat(dir, name, 0700) < 0 ? -errno : settle_name(w, dir, name, S_IFDIR);
}

int gofer_op_MKNOD(struct worker *w)
{
	autoclose int dir = -1;
	const char *name;
	mode_t type = w->req.mode & S_IFMT;
	/* A character device 0:0 drives nothing: it is how overlay says "removed". */
	if (type != S_IFIFO && !(type == S_IFCHR && w->req.rdev == 0))
		return -EPERM;
	int err = pin_parent(w, w->path, &dir, &name);
	if (err < 0)
		return err;
	return mknodat(dir, name, type | 0600, 0) < 0 ? -errno : settle_name(w, dir, name, type);
}

int gofer_op_SYMLINK(struct worker *w)
{
	autoclose int dir = -1;
	const char *name;
	int err = pin_parent(w, w->path, &dir, &name);
	if (err < 0)
		return err;
	return symlinkat(w->name, dir, name) < 0 ? -errno : settle_name(w, dir, name, S_IFLNK);
}

int gofer_op_LINK(struct worker *w)
{
	autoclose int from = -1, to = -1;
	const char *from_name, *to_name;
	int err = pin_parent(w, w->path, &from, &from_name);
	if (err == 0)
		err = pin_parent(w, w->name, &to, &to_name);
	if (err < 0)
		return err;
	if (linkat(from, from_name, to, to_name, /*flags=*/0) < 0)
		return -errno;
	return pin_attr(w->s, to, to_name, &w->rep.attr);
}

static int remove_name(struct worker *w, int flags)
{
	autoclose int dir = -1;
	const char *name;
	int err = pin_parent(w, w->path, &dir, &name);
	if (err < 0)
		return err;
	return unlinkat(dir, name, flags) < 0 ? -errno : 0;
}

int gofer_op_UNLINK(struct worker *w)
{
	return remove_name(w, 0);
}

int gofer_op_RMDIR(struct worker *w)
{
	return remove_name(w, AT_REMOVEDIR);
}

static int rename_flags(struct worker *w, int from, const char *from_name, int to,
			const char *to_name)
{
	struct stat st;
	if (w->s->has_renameat2)
		return syscall(SYS_renameat2, from, from_name, to, to_name, w->req.flags) < 0
			       ? -errno
			       : 0;
	if (w->req.flags != GOFER_RENAME_NOREPLACE)
		return -EINVAL;
	/* Not atomic: a name made between the two calls is lost.  Hosts before 3.15 only. */
	if (fstatat(to, to_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(from, from_name, to, to_name) < 0 ? -errno : 0;
}

int gofer_op_RENAME(struct worker *w)
{
	autoclose int from = -1, to = -1;
	const char *from_name, *to_name;
	int err = pin_parent(w, w->path, &from, &from_name);
	if (err == 0)
		err = pin_parent(w, w->name, &to, &to_name);
	if (err < 0)
		return err;
	if (w->req.flags != 0)
		return rename_flags(w, from, from_name, to, to_name);
	return renameat(from, from_name, to, to_name) < 0 ? -errno : 0;
}

static int set_size(const struct worker *w, int fd)
{
	if (!S_ISREG(w->rep.attr.mode))
		return S_ISDIR(w->rep.attr.mode) ? -EISDIR : -EINVAL;
	return truncate(pin_name(fd).text, (off_t)w->req.size) < 0 ? -errno : 0;
}

static int set_times(const struct worker *w, int fd)
{
	const struct gofer_req *r = &w->req;
	struct timespec ts[2] = {
		{.tv_sec = r->atime_sec, .tv_nsec = r->atime_nsec},
		{.tv_sec = r->mtime_sec, .tv_nsec = r->mtime_nsec},
	};
	if (!(r->mask & GOFER_SET_ATIME))
		ts[0].tv_nsec = UTIME_OMIT;
	if (!(r->mask & GOFER_SET_MTIME))
		ts[1].tv_nsec = UTIME_OMIT;
	return utimensat(AT_FDCWD, pin_name(fd).text, ts, /*flags=*/0) < 0 ? -errno : 0;
}

static int set_mode(const struct worker *w, int fd)
{
	if (S_ISLNK(w->rep.attr.mode))
		return -EOPNOTSUPP;
	return fchmodat(AT_FDCWD, pin_name(fd).text, w->req.mode, /*flags=*/0) < 0 ? -errno : 0;
}

/* Pinned, and not on a file system that we must leave alone. */
static int pin_change(struct worker *w, int *out_fd)
{
	int err = pin_path(w, w->path, out_fd);
	if (err == 0)
		err = pin_attr(w->s, *out_fd, "", &w->rep.attr);
	return err < 0 ? err : pin_allowed(w, *out_fd, &w->rep.attr);
}

int gofer_op_SETATTR(struct worker *w)
{
	autoclose int fd = -1;
	uint32_t mask = w->req.mask;
	int err = pin_change(w, &fd);
	if (err == 0 && (mask & GOFER_SET_SIZE))
		err = set_size(w, fd);
	if (err == 0 && (mask & (GOFER_SET_UID | GOFER_SET_GID)))
		err = set_owner(w, fd);
	if (err == 0 && (mask & GOFER_SET_MODE))
		err = set_mode(w, fd);
	if (err == 0 && (mask & (GOFER_SET_ATIME | GOFER_SET_MTIME)))
		err = set_times(w, fd);
	return err < 0 ? err : pin_attr(w->s, fd, "", &w->rep.attr);
}

/* The attributes that pin_change() asked for are no part of these replies. */
static int done(struct worker *w, int ret)
{
	int err = ret < 0 ? -errno : 0;
	w->rep.attr = (struct gofer_attr){0};
	return err;
}

int gofer_op_SETXATTR(struct worker *w)
{
	autoclose int fd = -1;
	int err = pin_change(w, &fd);
	if (err < 0)
		return err;
	return done(w, setxattr(pin_name(fd).text, w->name, w->data, w->req.data_size,
				(int)w->req.flags));
}

int gofer_op_REMOVEXATTR(struct worker *w)
{
	autoclose int fd = -1;
	int err = pin_change(w, &fd);
	return err < 0 ? err : done(w, removexattr(pin_name(fd).text, w->name));
}
