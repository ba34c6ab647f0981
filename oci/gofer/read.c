/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that change nothing.  Each pins its object first and asks or
 * opens exactly that afterwards, whatever becomes of the name meanwhile.
 */
#include "oci/gofer/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

_Static_assert(GOFER_O_TRUNC == O_TRUNC && GOFER_O_APPEND == O_APPEND && GOFER_O_SYNC == O_SYNC &&
		       GOFER_O_DSYNC == O_DSYNC && GOFER_O_DIRECT == __O_DIRECT &&
		       GOFER_O_ACCMODE == O_ACCMODE,
	       "the protocol's flags are the host's");

static int pin(struct worker *w, int *out_fd)
{
	return pin_object(w, w->path, /*change=*/false, out_fd, &w->rep.attr);
}

int gofer_op_STAT(struct worker *w)
{
	autoclose int fd = -1;
	return pin(w, &fd);
}

int open_path(struct worker *w, int flags, int *out_fd, struct gofer_attr *out)
{
	autoclose int pinned = -1, fd = -1;
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	bool change = writes && w->root->writable;
	int err = pin_object(w, w->path, change, &pinned, out);
	if (err < 0)
		return err;
	if (!S_ISREG(out->mode))
		return S_ISDIR(out->mode)   ? -EISDIR
		       : S_ISLNK(out->mode) ? -ELOOP
					    : -ENXIO;
	if (writes && !w->root->writable)
		return -EROFS;
	if ((err = pin_allowed(w, pinned, out)) < 0)
		return err;
	/* O_NONBLOCK: a file lease that somebody holds must not hold us. */
	fd = openat(AT_FDCWD, pin_name(pinned).text, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if ((flags & O_TRUNC) && (err = pin_attr(w->s, fd, "", out)) < 0)
		return err;
	*out_fd = STEAL_FD(fd);
	return 0;
}

int gofer_op_OPEN(struct worker *w)
{
	int fd, err = open_path(w, (int)w->req.flags, &fd, &w->rep.attr);
	if (err == 0)
		gofer_reply_fd(w, fd);
	return err;
}

/* A reply of n bytes at w->out; they are only counted if the request has room for none. */
static int reply_bytes(struct worker *w, ssize_t n, bool wanted)
{
	if (n < 0)
		return -errno;
	w->rep.total = (uint64_t)n;
	w->body = w->out;
	w->body_size = wanted ? (size_t)n : 0;
	return 0;
}

int gofer_op_READLINK(struct worker *w)
{
	autoclose int fd = -1;
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
	err = reply_bytes(w, readlinkat(fd, "", (char *)w->out, GOFER_PATH_MAX), /*wanted=*/true);
	/* So says the host of an empty name that is no link. */
	return err == -ENOENT ? -EINVAL : err;
}

int gofer_op_GETXATTR(struct worker *w)
{
	autoclose int fd = -1;
	size_t size = w->req.size;
	if (w->root->layered && layers_own_xattr(w->name))
		return -EOPNOTSUPP;
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
	return reply_bytes(w, getxattr(pin_name(fd).text, w->name, size ? w->out : NULL, size),
			   size > 0);
}

/* Without the names that only the overlay uses. */
static int list_xattrs_layered(struct worker *w, int fd, size_t size)
{
	char *names = (char *)w->out;
	ssize_t n = listxattr(pin_name(fd).text, names, sizeof w->out), used = 0;
	for (ssize_t at = 0, step; at < n; at += step) {
		step = (ssize_t)strlen(names + at) + 1;
		if (layers_own_xattr(names + at))
			continue;
		memmove(names + used, names + at, (size_t)step);
		used += step;
	}
	if (n >= 0 && size > 0 && (size_t)used > size)
		return -ERANGE;
	return reply_bytes(w, n < 0 ? n : used, size > 0);
}

int gofer_op_LISTXATTR(struct worker *w)
{
	autoclose int fd = -1;
	size_t size = w->req.size;
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
	if (w->root->layered)
		return list_xattrs_layered(w, fd, size);
	return reply_bytes(w, listxattr(pin_name(fd).text, size ? (char *)w->out : NULL, size),
			   size > 0);
}

int gofer_op_STATFS(struct worker *w)
{
	autoclose int fd = -1;
	struct gofer_statfs out;
	struct statfs fs;
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
	if (statfs(pin_name(fd).text, &fs) < 0)
		return -errno;
	out = (struct gofer_statfs){
		.type = (uint64_t)fs.f_type,
		.bsize = (uint64_t)fs.f_bsize,
		.frsize = (uint64_t)fs.f_frsize,
		.blocks = fs.f_blocks,
		.bfree = fs.f_bfree,
		.bavail = fs.f_bavail,
		.files = fs.f_files,
		.ffree = fs.f_ffree,
		.namelen = (uint64_t)fs.f_namelen,
		.flags = (uint64_t)fs.f_flags,
	};
	memcpy(&out.fsid, &fs.f_fsid, sizeof out.fsid);
	memcpy(w->out, &out, sizeof out);
	w->body = w->out;
	w->body_size = sizeof out;
	return 0;
}

int gofer_op_SYNC(struct worker *w)
{
	autoclose int pinned = -1, fd = -1;
	struct gofer_attr attr;
	int err = pin_path(w, w->path, &pinned);
	if (err == 0)
		err = pin_attr(w->s, pinned, "", &attr);
	if (err < 0)
		return err;
	if (!S_ISDIR(attr.mode) && !S_ISREG(attr.mode))
		return -EINVAL;
	if ((err = pin_allowed(w, pinned, &attr)) < 0)
		return err;
	fd = openat(AT_FDCWD, pin_name(pinned).text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int gofer_op_MEMFILE(struct worker *w)
{
	char name[32];
	if (w->s->tmpfs < 0)
		return -ENOSYS;
	/* 3.11: no name that a sudden end could leave behind.  Older hosts say EISDIR. */
	int fd = -1;
	if (w->s->has_tmpfile)
		fd = openat(w->s->tmpfs, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0) {
		gofer_reply_fd(w, fd);
		return 0;
	}
	/* Gofers of other containers may share the directory: the number is only a first guess. */
	for (int tries = 0; tries < 1000; tries++) {
		snprintf(name, sizeof name, "vedette.%x.%x", w->s->pid,
			 __atomic_fetch_add(&w->s->files, 1, __ATOMIC_RELAXED));
		fd = openat(w->s->tmpfs, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return -errno;
		unlinkat(w->s->tmpfs, name, 0);
		gofer_reply_fd(w, fd);
		return 0;
	}
	return -EEXIST;
}

/*
 * The same file, to be read only: for those who must not write it, by way of whom the sentry's
 * own descriptor would go.  How it was opened is in the mode of its link in /proc.
 */
int gofer_op_READONLY(struct worker *w)
{
	struct stat link, file;
	const struct pin_name name = pin_name(w->given);
	if (fstatat(AT_FDCWD, name.text, &link, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(AT_FDCWD, name.text, &file, 0) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode) || !(link.st_mode & S_IRUSR))
		return -EACCES;
	int fd = openat(AT_FDCWD, name.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	gofer_reply_fd(w, fd);
	return 0;
}
