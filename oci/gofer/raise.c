/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying up: an object of the lower layer becomes one of the upper layer, with
 * its data, owner, mode, attributes and times.  It is made in the work directory
 * and moved when it is complete, so that a sudden end leaves the lower one in sight.
 *
 * Runs of zeros become holes: the host calls that would tell of holes are not
 * worth a row in the filter.
 */
#include "oci/gofer/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

static int remove_whiteout(void *arg, int dir, const char *name)
{
	(void)arg;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

void work_clear(struct worker *w)
{
	int work = w->root->work;
	if (unlinkat(work, WORK_NAME, 0) == 0 || errno == ENOENT)
		return;
	autoclose int fd = openat(work, WORK_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)dir_each(w, fd, remove_whiteout, NULL);
	unlinkat(work, WORK_NAME, AT_REMOVEDIR);
}

/* The second kind of whiteout, for who may not make devices. */
static int whiteout_by_xattr(int up, const char *name)
{
	autoclose int dir = openat(up, ".", O_PATH | O_CLOEXEC), fd = -1;
	fd = openat(up, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (dir < 0 || fd < 0)
		return -errno;
	if (setxattr(pin_name(dir).text, "user.overlay.opaque", "x", 1, 0) == 0 &&
	    setxattr(pin_name(fd).text, "user.overlay.whiteout", "y", 1, 0) == 0)
		return 0;
	int err = -errno;
	unlinkat(up, name, 0);
	return err;
}

int whiteout_put(struct worker *w, int up, const char *name)
{
	(void)w;
	if (mknodat(up, name, S_IFCHR, 0) == 0)
		return 0;
	return errno == EPERM ? whiteout_by_xattr(up, name) : -errno;
}

struct covering {
	struct worker *w;
	int fd;
};

static int cover_one(void *arg, int dir, const char *name)
{
	const struct covering *c = arg;
	struct gofer_attr a;
	if (pin_attr(c->w->s, dir, name, &a) < 0 || is_whiteout(dir, name, &a))
		return 0;
	int err = whiteout_put(c->w, c->fd, name);
	/* There is one of the directory's own. */
	return err == -EEXIST ? 0 : err;
}

int opaque_make(struct worker *w, int fd, int low)
{
	struct covering c = {w, fd};
	return dir_each(w, low, cover_one, &c);
}

static bool is_zero(const uint8_t *p, size_t size)
{
	return size > 0 && p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

static int put_all(int fd, const uint8_t *p, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, at);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int copy_data(struct worker *w, int from, int to)
{
	enum { BLOCK = 4096 };
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, w->out, sizeof w->out, at)) > 0) {
		for (size_t i = 0; i < (size_t)n; i += BLOCK) {
			size_t size = min_u64(BLOCK, (size_t)n - i);
			int err = is_zero(w->out + i, size)
					  ? 0
					  : put_all(to, w->out + i, size, at + (off_t)i);
			if (err < 0)
				return err;
		}
		at += n;
	}
	if (n < 0)
		return -errno;
	return truncate(pin_name(to).text, at) < 0 ? -errno : 0;
}

/* What the upper file system cannot store, or we may not set, is lost, as overlayfs has it. */
static int copy_xattr(struct worker *w, int from, int to, const char *name)
{
	ssize_t n = getxattr(pin_name(from).text, name, w->out, sizeof w->out);
	if (n < 0)
		return errno == ENODATA ? 0 : -errno;
	if (setxattr(pin_name(to).text, name, w->out, (size_t)n, 0) == 0)
		return 0;
	return errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
}

static int copy_xattrs(struct worker *w, int from, int to)
{
	char *names = (char *)w->scratch;
	ssize_t n = listxattr(pin_name(from).text, names, sizeof w->scratch);
	int err = 0;
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (ssize_t at = 0; at < n && err == 0; at += (ssize_t)strlen(names + at) + 1)
		if (!layers_own_xattr(names + at))
			err = copy_xattr(w, from, to, names + at);
	return err;
}

static int set_times(int fd, const struct gofer_attr *a)
{
	const struct timespec ts[2] = {
		{.tv_sec = a->atime_sec, .tv_nsec = (long)a->atime_nsec},
		{.tv_sec = a->mtime_sec, .tv_nsec = (long)a->mtime_nsec},
	};
	return utimensat(AT_FDCWD, pin_name(fd).text, ts, /*flags=*/0) < 0 ? -errno : 0;
}

/* Owner before mode and capabilities, which it would clear. */
static int copy_meta(struct worker *w, int from, const struct gofer_attr *a, int to)
{
	struct gofer_attr is;
	int err = pin_attr_host(w->s, to, "", &is);
	if (err < 0)
		return err;
	/* An owner without an id inside cannot be kept. */
	if (is.uid != a->uid || is.gid != a->gid)
		err = pin_give(w->s, to, (uint32_t)a->uid, (uint32_t)a->gid);
	if (err < 0)
		return err == -EINVAL ? -EOVERFLOW : err;
	if (S_ISLNK(a->mode))
		return 0;
	if (fchmodat(AT_FDCWD, pin_name(to).text, a->mode & 07777, /*flags=*/0) < 0)
		return -errno;
	err = copy_xattrs(w, from, to);
	return err < 0 ? err : set_times(to, a);
}

static int make_file(struct worker *w, int low)
{
	autoclose int from =
		openat(AT_FDCWD, pin_name(low).text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (from < 0)
		return -errno;
	autoclose int to = openat(w->root->work, WORK_NAME,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return to < 0 ? -errno : copy_data(w, from, to);
}

static int make_link(struct worker *w, int low)
{
	char target[GOFER_PATH_MAX + 1];
	ssize_t n = readlinkat(low, "", target, GOFER_PATH_MAX);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, w->root->work, WORK_NAME) < 0 ? -errno : 0;
}

/* WORK_NAME, of the same kind. */
static int make_same(struct worker *w, int low, const struct gofer_attr *a)
{
	int work = w->root->work;
	switch (a->mode & S_IFMT) {
	case S_IFREG:
		return make_file(w, low);
	case S_IFDIR:
		return mkdirat(work, WORK_NAME, 0700) < 0 ? -errno : 0;
	case S_IFLNK:
		return make_link(w, low);
	case S_IFIFO:
		return mknodat(work, WORK_NAME, S_IFIFO | 0600, 0) < 0 ? -errno : 0;
	default:
		/* Devices and sockets of the host are looked at only. */
		return -EPERM;
	}
}

/* Into its place; the directory does not show that a name was copied. */
static int move_up(struct worker *w, int up, const char *name)
{
	struct gofer_attr dir;
	int err = pin_attr(w->s, up, "", &dir);
	if (err == 0)
		err = rename_host(w->s, w->root->work, WORK_NAME, up, name, 0);
	if (err == 0)
		(void)set_times(up, &dir);
	return err;
}

int raise_object(struct worker *w, int up, const char *name, int low)
{
	autoclose int made = -1;
	struct gofer_attr a;
	int err = pin_attr_host(w->s, low, "", &a);
	if (err == 0)
		err = pin_allowed(w, low, &a);
	if (err < 0)
		return err;
	work_clear(w);
	err = make_same(w, low, &a);
	if (err == 0) {
		made = openat(w->root->work, WORK_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		err = made < 0 ? -errno : copy_meta(w, low, &a, made);
	}
	if (err == 0)
		err = move_up(w, up, name);
	if (err < 0)
		work_clear(w);
	return err;
}
