/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that change a root.  request.c has refused them on a
 * read-only one already.
 *
 * New objects are made with no rights for others, then get their owner and
 * only then their mode, so that nobody on the host can use them half done.
 */
#include "oci/gofer/layers.h"

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

int pin_give(const struct server *s, int fd, uint32_t uid, uint32_t gid)
{
	if ((uid != GOFER_KEEP_ID && !id_outside(&s->uids, uid, &uid)) ||
	    (gid != GOFER_KEEP_ID && !id_outside(&s->gids, gid, &gid)))
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
	if ((err = pin_give(w->s, fd, w->req.uid, w->req.gid)) < 0)
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

/*
 * Where a new object is made.  In a root of two layers a whiteout may be in its
 * place: then it is made in the work directory, and moved over that.
 */
struct target {
	int dir;
	const char *name;
	int over; /* -1, or the directory with the whiteout */
	const char *over_name;
	int low; /* what the whiteout hides, or -1 */
};
#define TARGET_NONE ((struct target){.dir = -1, .over = -1, .low = -1})

static void target_close(struct target *t)
{
	cleanup_close(&t->dir);
	cleanup_close(&t->over);
	cleanup_close(&t->low);
}
#define autotarget __attribute__((cleanup(target_close)))

static int target_over(struct worker *w, struct target *t, int low)
{
	struct layers dir = {-1, low}, it;
	bool white;
	t->over = t->dir;
	t->over_name = t->name;
	t->name = WORK_NAME;
	t->dir = openat(AT_FDCWD, pin_name(w->root->work).text, O_PATH | O_CLOEXEC);
	if (t->dir < 0)
		return -errno;
	work_clear(w);
	int err = low >= 0 ? layers_child(w, &dir, t->over_name, &it, &white) : 0;
	if (low >= 0 && err == 0)
		t->low = it.low;
	return err;
}

static int target_open(struct worker *w, const char *path, struct target *t)
{
	autolayers struct layers dir = LAYERS_NONE, it = LAYERS_NONE;
	struct gofer_attr attr;
	bool white;
	if (!w->root->layered)
		return pin_parent(w, path, &t->dir, &t->name);
	int err = layers_parent(w, path, &dir, &t->name);
	if (err == 0)
		err = pin_attr(w->s, dir.up, "", &attr);
	if (err == 0)
		err = pin_allowed(w, dir.up, &attr);
	if (err == 0)
		err = layers_child(w, &dir, t->name, &it, &white);
	if (err < 0)
		return err;
	if (layers_seen(&it) >= 0)
		return -EEXIST;
	t->dir = STEAL_FD(dir.up);
	return white ? target_over(w, t, dir.low) : 0;
}

/* A directory goes where the whiteout was by exchange, or, before 3.15, after it. */
static int target_move_dir(struct worker *w, const struct target *t)
{
	struct gofer_attr attr;
	autoclose int made = openat(t->dir, t->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err = made < 0 ? -errno : 0;
	if (err == 0 && t->low >= 0 && pin_attr(w->s, t->low, "", &attr) == 0 && S_ISDIR(attr.mode))
		err = opaque_make(w, made, t->low);
	if (err < 0)
		return err;
	if (rename_host(w->s, t->dir, t->name, t->over, t->over_name, GOFER_RENAME_EXCHANGE) == 0)
		return unlinkat(t->dir, t->name, 0) < 0 ? -errno : 0;
	if (unlinkat(t->over, t->over_name, 0) < 0)
		return -errno;
	return rename_host(w->s, t->dir, t->name, t->over, t->over_name, 0);
}

static int target_finish(struct worker *w, const struct target *t, bool is_dir)
{
	if (t->over < 0)
		return 0;
	int err = is_dir ? target_move_dir(w, t)
			 : rename_host(w->s, t->dir, t->name, t->over, t->over_name, 0);
	if (err < 0)
		work_clear(w);
	return err;
}

int gofer_op_CREATE(struct worker *w)
{
	autotarget struct target t = TARGET_NONE;
	autoclose int fd = -1;
	int err = target_open(w, w->path, &t);
	if (err < 0)
		return err;
	fd = openat(t.dir, t.name,
		    (int)w->req.flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);
	if (fd < 0)
		return -errno;
	if ((err = settle(w, fd, S_IFREG)) < 0) {
		unlinkat(t.dir, t.name, 0);
		return err;
	}
	if ((err = target_finish(w, &t, /*is_dir=*/false)) == 0)
		gofer_reply_fd(w, STEAL_FD(fd));
	return err;
}

/* What ret says was made gets its owner and mode, then its place. */
static int settle_target(struct worker *w, const struct target *t, int ret, mode_t type)
{
	int err = ret < 0 ? -errno : settle_name(w, t->dir, t->name, type);
	return err < 0 ? err : target_finish(w, t, type == S_IFDIR);
}

int gofer_op_MKDIR(struct worker *w)
{
	autotarget struct target t = TARGET_NONE;
	int err = target_open(w, w->path, &t);
	return err < 0 ? err : settle_target(w, &t, mkdirat(t.dir, t.name, 0700), S_IFDIR);
}

int gofer_op_MKNOD(struct worker *w)
{
	autotarget struct target t = TARGET_NONE;
	mode_t type = w->req.mode & S_IFMT;
	/*
	 * A character device 0:0 drives nothing: it is how overlay says "removed".  In a root of
	 * two layers that is ours to say.
	 */
	if (type != S_IFIFO && !(type == S_IFCHR && w->req.rdev == 0 && !w->root->layered))
		return -EPERM;
	int err = target_open(w, w->path, &t);
	return err < 0 ? err : settle_target(w, &t, mknodat(t.dir, t.name, type | 0600, 0), type);
}

int gofer_op_SYMLINK(struct worker *w)
{
	autotarget struct target t = TARGET_NONE;
	int err = target_open(w, w->path, &t);
	return err < 0 ? err : settle_target(w, &t, symlinkat(w->name, t.dir, t.name), S_IFLNK);
}

int gofer_op_LINK(struct worker *w)
{
	autotarget struct target t = TARGET_NONE;
	autoclose int from = -1, pinned = -1;
	const char *from_name;
	struct gofer_attr attr;
	int err = w->root->layered ? pin_object(w, w->path, /*change=*/true, &pinned, &attr) : 0;
	if (err == 0)
		err = pin_parent(w, w->path, &from, &from_name);
	if (err == 0)
		err = target_open(w, w->name, &t);
	if (err < 0)
		return err;
	if (linkat(from, from_name, t.dir, t.name, /*flags=*/0) < 0)
		return -errno;
	if ((err = target_finish(w, &t, /*is_dir=*/false)) < 0)
		return err;
	return t.over >= 0 ? pin_attr(w->s, t.over, t.over_name, &w->rep.attr)
			   : pin_attr(w->s, t.dir, t.name, &w->rep.attr);
}

static int remove_name(struct worker *w, int flags)
{
	autoclose int dir = -1;
	const char *name;
	if (w->root->layered)
		return layered_remove(w, flags);
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

int rename_host(const struct server *s, int from, const char *from_name, int to,
		const char *to_name, unsigned flags)
{
	long ret = -1;
	errno = EINVAL;
	if (s->has_renameat2)
		ret = syscall(SYS_renameat2, from, from_name, to, to_name, flags);
	else if (flags == 0)
		ret = renameat(from, from_name, to, to_name);
	return ret < 0 ? -errno : 0;
}

static int rename_flags(struct worker *w, int from, const char *from_name, int to,
			const char *to_name)
{
	struct stat st;
	if (w->s->has_renameat2 || w->req.flags != GOFER_RENAME_NOREPLACE)
		return rename_host(w->s, from, from_name, to, to_name, w->req.flags);
	/* Not atomic: a name made between the two calls is lost.  Hosts before 3.15 only. */
	if (fstatat(to, to_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return rename_host(w->s, from, from_name, to, to_name, 0);
}

int gofer_op_RENAME(struct worker *w)
{
	autoclose int from = -1, to = -1;
	const char *from_name, *to_name;
	if (w->root->layered)
		return layered_rename(w);
	int err = pin_parent(w, w->path, &from, &from_name);
	if (err == 0)
		err = pin_parent(w, w->name, &to, &to_name);
	if (err < 0)
		return err;
	return rename_flags(w, from, from_name, to, to_name);
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
	int err = pin_object(w, w->path, /*change=*/true, out_fd, &w->rep.attr);
	return err < 0 ? err : pin_allowed(w, *out_fd, &w->rep.attr);
}

int gofer_op_COPYUP(struct worker *w)
{
	autoclose int fd = -1;
	return pin_change(w, &fd);
}

/* The attributes as they are now; what the directory's layers say of its number stays. */
static int pin_again(struct worker *w, int fd)
{
	struct gofer_attr was = w->rep.attr, *a = &w->rep.attr;
	int err = pin_attr(w->s, fd, "", a);
	if (err == 0 && w->root->layered && S_ISDIR(a->mode)) {
		a->ino = was.ino;
		a->dev = was.dev;
		a->btime_sec = was.btime_sec;
		a->btime_nsec = was.btime_nsec;
		a->nlink = was.nlink;
	}
	return err;
}

int gofer_op_SETATTR(struct worker *w)
{
	autoclose int fd = -1;
	uint32_t mask = w->req.mask;
	int err = pin_change(w, &fd);
	if (err == 0 && (mask & GOFER_SET_SIZE))
		err = set_size(w, fd);
	if (err == 0 && (mask & (GOFER_SET_UID | GOFER_SET_GID)))
		err = pin_give(w->s, fd, w->req.uid, w->req.gid);
	if (err == 0 && (mask & GOFER_SET_MODE))
		err = set_mode(w, fd);
	if (err == 0 && (mask & (GOFER_SET_ATIME | GOFER_SET_MTIME)))
		err = set_times(w, fd);
	return err < 0 ? err : pin_again(w, fd);
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
	if (w->root->layered && layers_own_xattr(w->name))
		return -EOPNOTSUPP;
	int err = pin_change(w, &fd);
	if (err < 0)
		return err;
	return done(w, setxattr(pin_name(fd).text, w->name, w->data, w->req.data_size,
				(int)w->req.flags));
}

int gofer_op_REMOVEXATTR(struct worker *w)
{
	autoclose int fd = -1;
	if (w->root->layered && layers_own_xattr(w->name))
		return -EOPNOTSUPP;
	int err = pin_change(w, &fd);
	return err < 0 ? err : done(w, removexattr(pin_name(fd).text, w->name));
}
