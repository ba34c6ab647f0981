/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that change nothing.  Each pins its object first and asks or
 * opens exactly that afterwards, whatever becomes of the name meanwhile.
 */
#include "oci/gofer/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
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
	int err = pin_path(w, w->path, out_fd);
	return err < 0 ? err : pin_attr(w->s, *out_fd, "", &w->rep.attr);
}

int gofer_op_STAT(struct worker *w)
{
	autoclose int fd = -1;
	return pin(w, &fd);
}

/*
 * Attributes and target of one entry; -ENOENT: gone meanwhile.  A name that is
 * replaced between the two questions is asked about again.
 */
static ssize_t entry_get(struct worker *w, int dir, const char *name, struct gofer_attr *attr,
			 char link[GOFER_PATH_MAX + 1])
{
	for (int i = 0; i < 8; i++) {
		int err = pin_attr(w->s, dir, name, attr);
		if (err < 0)
			return err;
		if (!S_ISLNK(attr->mode))
			return 0;
		ssize_t n = readlinkat(dir, name, link, GOFER_PATH_MAX);
		if (n > 0)
			return n;
		if (n == 0 || errno != EINVAL)
			return -ENOENT;
	}
	return -ENOENT;
}

/* Adds one entry to the packet in w->out, which holds *used bytes and is sent when full. */
static int entry_add(struct worker *w, int dir, const char *name, size_t *used)
{
	char link[GOFER_PATH_MAX + 1];
	struct gofer_dirent d = {0};
	size_t name_size = strlen(name) + 1;
	/* What cannot be asked about (gone, a dead mount) is left out: proto.h has no word for it.
	 */
	ssize_t n = entry_get(w, dir, name, &d.attr, link);
	if (n < 0 || name_size > GOFER_NAME_MAX + 1)
		return 0;
	d.name_size = (uint32_t)name_size;
	d.link_size = n > 0 ? (uint32_t)n + 1 : 0;
	link[n] = '\0';
	size_t strings = (d.name_size + d.link_size + 7ul) & ~7ul;
	if (*used + sizeof d + strings > GOFER_CHUNK) {
		int err = gofer_reply_more(w, w->out, *used);
		if (err < 0)
			return err;
		*used = 0;
	}
	uint8_t *p = w->out + *used;
	memcpy(p, &d, sizeof d);
	memset(p + sizeof d + strings - 8, 0, 8);
	memcpy(p + sizeof d, name, d.name_size);
	memcpy(p + sizeof d + d.name_size, link, d.link_size);
	*used += sizeof d + strings;
	return 0;
}

int gofer_op_LIST(struct worker *w)
{
	autoclose int pinned = -1, dir = -1;
	size_t used = 0;
	int err = pin(w, &pinned);
	if (err < 0)
		return err;
	if (!S_ISDIR(w->rep.attr.mode))
		return -ENOTDIR;
	dir = openat(AT_FDCWD, pin_name(pinned).text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (;;) {
		long n = syscall(SYS_getdents64, dir, w->scratch, sizeof w->scratch);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(w->scratch + at);
			at += e->d_reclen;
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			if ((err = entry_add(w, dir, e->d_name, &used)) < 0)
				return err;
		}
	}
	w->body = w->out;
	w->body_size = used;
	return 0;
}

int gofer_op_OPEN(struct worker *w)
{
	autoclose int pinned = -1, fd = -1;
	int flags = (int)w->req.flags;
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	int err = pin(w, &pinned);
	if (err < 0)
		return err;
	if (!S_ISREG(w->rep.attr.mode))
		return S_ISDIR(w->rep.attr.mode)   ? -EISDIR
		       : S_ISLNK(w->rep.attr.mode) ? -ELOOP
						   : -ENXIO;
	if (writes && !w->root->writable)
		return -EROFS;
	if ((err = pin_allowed(w, pinned, &w->rep.attr)) < 0)
		return err;
	/* O_NONBLOCK: a file lease that somebody holds must not hold us. */
	fd = openat(AT_FDCWD, pin_name(pinned).text, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if ((flags & O_TRUNC) && (err = pin_attr(w->s, fd, "", &w->rep.attr)) < 0)
		return err;
	w->fd = STEAL_FD(fd);
	return 0;
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
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
	return reply_bytes(w, getxattr(pin_name(fd).text, w->name, size ? w->out : NULL, size),
			   size > 0);
}

int gofer_op_LISTXATTR(struct worker *w)
{
	autoclose int fd = -1;
	size_t size = w->req.size;
	int err = pin_path(w, w->path, &fd);
	if (err < 0)
		return err;
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
	if (w->s->has_tmpfile)
		w->fd = openat(w->s->tmpfs, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (w->fd >= 0)
		return 0;
	/* Gofers of other containers may share the directory: the number is only a first guess. */
	for (int tries = 0; tries < 1000; tries++) {
		snprintf(name, sizeof name, "vedette.%x.%x", w->s->pid,
			 __atomic_fetch_add(&w->s->files, 1, __ATOMIC_RELAXED));
		int fd = openat(w->s->tmpfs, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return -errno;
		unlinkat(w->s->tmpfs, name, 0);
		w->fd = fd;
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
	w->fd = openat(AT_FDCWD, name.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return w->fd < 0 ? -errno : 0;
}
