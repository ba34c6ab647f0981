/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry's hand on host files: every call asks the gofer, and waits.
 *
 * A struct gofer is a pool of connections to one gofer process; any thread may
 * call, and sleeps while all connections are busy.  Roots are numbered as in
 * the gofer's configuration; paths are as proto.h says (relative, no ".",
 * no "..", no link but the last).  The gofer keeps no state between calls, so
 * there is nothing to release but the descriptors that it returns, which the
 * caller owns.
 *
 * All return >= 0 or -errno as the host kernel gave it.  Once the gofer is
 * gone, or has answered nonsense, every call returns -EIO for ever: a gofer
 * that breaks the protocol is not trusted with another request.
 *
 * These calls sleep in the host; do not hold a lock that an interrupt or
 * another task's progress depends on.
 */
#pragma once

#include "platform/base/types.h"
#include "sentry/fs/gofer/proto.h"

struct gofer;

/* Takes over the n descriptors (the gofer must hold the only other ends) on success. */
int gofer_client_new(const int *conn_fds, size_t n, struct gofer **out);
/* Another reference, as each file system has one. */
struct gofer *gofer_client_get(struct gofer *g);
/* How many requests were sent so far: what a test wants few of. */
uint64_t gofer_client_asked(struct gofer *g);
/* The last one closes the connections, which ends the gofer.  No call may be running. */
void gofer_client_free(struct gofer *g);

/* One entry of a directory: valid during the callback only. */
struct gofer_entry {
	const char *name;
	const char *link; /* target of a symbolic link, else NULL */
	const struct gofer_attr *attr;
};

/* lstat(2). */
int gofer_stat(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out);
/*
 * A whole directory in one round trip, attributes and link targets included.
 * `each` is called without locks, in the host's order; if it returns < 0 that
 * is the result and it is not called again.  It must not call the gofer: it
 * runs while a connection is taken.  out_self may be NULL.
 */
int gofer_list(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out_self,
	       int (*each)(void *arg, const struct gofer_entry *e), void *arg);
/* Names in one directory, or paths below it, to be asked about together; count and size 0: none. */
struct gofer_names {
	char text[8192]; /* each with its NUL */
	size_t size;
	unsigned count;
};
/* False if there is no room for one more. */
bool gofer_names_add(struct gofer_names *names, const char *name);

/*
 * Several directories below the directory `dir`.  `each` is called with each entry of names[i], and then
 * with e NULL and status: 0, or why some or all are missing (-E2BIG, but not of the first: GOFER_AHEAD_MAX
 * are enough at a time).  It must not call the gofer.
 */
typedef void (*gofer_lists_fn)(void *arg, unsigned i, const struct gofer_entry *e, int status);
int gofer_lists(struct gofer *g, unsigned root, const char *dir, const struct gofer_names *names,
		gofer_lists_fn each, void *arg);
/*
 * Opens several files below the directory `dir` for reading: out_fds[i] is the caller's, or -errno, as
 * gofer_open would have it, or -EMFILE.
 */
int gofer_opens(struct gofer *g, unsigned root, const char *dir, const struct gofer_names *names,
		struct gofer_opened out[GOFER_MANY_MAX], int out_fds[GOFER_MANY_MAX]);
/*
 * Opens a regular file: flags are an access mode and any of GOFER_O_TRUNC,
 * APPEND, DSYNC, SYNC, DIRECT.  -EISDIR for a directory (none leaves the
 * gofer), -ELOOP for a link, -ENXIO for anything else; -EACCES for a file of
 * proc, sysfs and their like unless the root itself is on that mount.
 * The descriptor is close-on-exec and O_NONBLOCK (which a regular file ignores).
 */
int gofer_open(struct gofer *g, unsigned root, const char *path, int flags, struct gofer_attr *out,
	       int *out_fd);
/* Bytes written to buf, cut at size as readlink(2) does; no terminator. */
ssize_t gofer_readlink(struct gofer *g, unsigned root, const char *path, char *buf, size_t size);
/* As getxattr(2), listxattr(2) on the object itself, links too: size 0 asks for the length. */
ssize_t gofer_getxattr(struct gofer *g, unsigned root, const char *path, const char *name,
		       void *buf, size_t size);
ssize_t gofer_listxattr(struct gofer *g, unsigned root, const char *path, char *buf, size_t size);
int gofer_statfs(struct gofer *g, unsigned root, const char *path, struct gofer_statfs *out);
/*
 * An inotify queue, to be read without waiting: what others (and we) change in watched directories.
 * -ENOSYS: the gofer watches nothing.
 */
int gofer_notify(struct gofer *g);
/* From now on events tell of names in this directory: its number in them.  -ENOSPC, ... */
int gofer_watch(struct gofer *g, unsigned root, const char *path);
/* fsync(2) of a directory or a regular file by path: directories have no descriptor. */
int gofer_sync(struct gofer *g, unsigned root, const char *path);

/*
 * From here on -EROFS on a read-only root.  Modes are used as they are (no
 * umask); uid and gid may be GOFER_KEEP_ID.  If the owner cannot be set the
 * new object is removed again and the error returned.
 */

/* A new regular file, always O_EXCL; flags as gofer_open without GOFER_O_TRUNC. */
int gofer_create(struct gofer *g, unsigned root, const char *path, int flags, uint32_t mode,
		 uint32_t uid, uint32_t gid, struct gofer_attr *out, int *out_fd);
int gofer_mkdir(struct gofer *g, unsigned root, const char *path, uint32_t mode, uint32_t uid,
		uint32_t gid, struct gofer_attr *out);
/* mode with type: a fifo, or a character device 0:0 (overlay's whiteout); else -EPERM. */
int gofer_mknod(struct gofer *g, unsigned root, const char *path, uint32_t mode, uint64_t rdev,
		uint32_t uid, uint32_t gid, struct gofer_attr *out);
int gofer_symlink(struct gofer *g, unsigned root, const char *path, const char *target,
		  uint32_t uid, uint32_t gid, struct gofer_attr *out);
/* A second name `to` of what `from` names (a link itself, not its target). */
int gofer_link(struct gofer *g, unsigned root, const char *from, const char *to,
	       struct gofer_attr *out);
int gofer_unlink(struct gofer *g, unsigned root, const char *path);
int gofer_rmdir(struct gofer *g, unsigned root, const char *path);
/*
 * flags: 0, GOFER_RENAME_NOREPLACE or GOFER_RENAME_EXCHANGE.  On a host older
 * than 3.15 NOREPLACE is a check and then a rename, EXCHANGE is -EINVAL.
 */
int gofer_rename(struct gofer *g, unsigned root, const char *from, const char *to, unsigned flags);

/* What gofer_setattr shall change, by `mask` (GOFER_SET_*); the rest is ignored. */
struct gofer_change {
	uint32_t mask;
	uint32_t mode; /* permission bits only */
	uint32_t uid, gid;
	uint64_t size;
	int64_t atime_sec, mtime_sec;
	uint32_t atime_nsec, mtime_nsec; /* or GOFER_TIME_NOW */
};
/*
 * In the order size, owner, mode, times; the first failure ends it and what
 * came before stays.  Size: regular files only (-EISDIR, -EINVAL).  Mode of a
 * link: -EOPNOTSUPP.  out may be NULL.
 */
int gofer_setattr(struct gofer *g, unsigned root, const char *path, const struct gofer_change *c,
		  struct gofer_attr *out);
/*
 * In a root of two layers: what is only in the lower one gets into the upper one; nothing happens
 * to what is there already.
 */
int gofer_copyup(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out);
/* flags: 0, GOFER_XATTR_CREATE or GOFER_XATTR_REPLACE.  -E2BIG above GOFER_XATTR_MAX bytes. */
int gofer_setxattr(struct gofer *g, unsigned root, const char *path, const char *name,
		   const void *value, size_t size, int flags);
int gofer_removexattr(struct gofer *g, unsigned root, const char *path, const char *name);

/*
 * A new unlinked read-write file on tmpfs: the descriptor, or -ENOSYS where the
 * gofer has no tmpfs.  Has the type that host_set_memfile() wants.
 */
int gofer_memfile(void *gofer, const char *name);
/*
 * The regular file behind fd, which must be readable, opened once more to be read only: the
 * descriptor or -errno.  Has the type that host_set_readonly() wants.
 */
int gofer_readonly(void *gofer, int fd);
