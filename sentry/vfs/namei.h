/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path walk and everything that is done to a name: path_resolution(7).
 *
 * Paths come as strings in sentry memory (already copied from the guest).  A
 * struct walk says from where and by whose rights.  All calls return 0 or the
 * errno Linux gives for that path in that situation.
 */
#pragma once

#include "sentry/vfs/dentry.h"
#include "sentry/vfs/mount.h"

/* Where a task stands: shared by threads (CLONE_FS). */
struct fsctx {
	struct ref ref;
	struct lock lock;		/* RANK_FS */
	struct path root, cwd;		/* lock; our references */
	uint32_t umask;			/* lock */
	struct mount_ns *mounts;	/* lock; our reference */
};

/* root and cwd are borrowed. */
int fsctx_new(struct mount_ns *ns, struct path root, struct path cwd, struct fsctx **out);
int fsctx_copy(struct fsctx *from, struct fsctx **out);
struct fsctx *fsctx_get(struct fsctx *fs);
void fsctx_put(struct fsctx *fs);
DEFINE_AUTOPUT(fsctx)
/* The mount namespace, referenced: that of another task may change. */
struct mount_ns *fsctx_mounts(struct fsctx *fs);
/* fs, which nobody shares, gets a copy of its mount namespace, owned by cred's user namespace. */
int fsctx_unshare_mounts(struct fsctx *fs, const struct cred *cred);
/* ... or stands at the root of another one. */
void fsctx_enter_mounts(struct fsctx *fs, struct mount_ns *ns);

enum {
	WALK_NOFOLLOW = 1,	/* the last component is not followed if it is a symlink */
	WALK_EMPTY = 2,		/* AT_EMPTY_PATH: "" means the start itself */
	WALK_DIRECTORY = 4,	/* the result must be a directory */
	WALK_BENEATH = 8, WALK_IN_ROOT = 16, WALK_NO_SYMLINKS = 32,	/* RESOLVE_* */
	WALK_NO_MAGICLINKS = 64, WALK_NO_XDEV = 128, WALK_CACHED = 256,
	WALK_NO_AUTOMOUNT = 512,
};

struct walk {
	struct fsctx *fs;		/* root, cwd; borrowed */
	const struct cred *cred;	/* borrowed */
	struct file *dir;		/* dirfd's file, or NULL for the cwd; borrowed */
	uint32_t flags;
};

void path_get(struct path *p);
/* Puts and clears; NULL members are fine. */
void path_put(struct path *p);

/* True for what a file of inode_new_ns has as its path. */
bool nsfs_path_is(const struct path *p);

/* The file a path names, referenced in *out. */
int path_walk(const struct walk *w, const char *name, struct path *out);
/*
 * The directory of the last component, and that component (copied into last,
 * NAME_MAX + 2 bytes, with its trailing slash noted).  For create, unlink, rename.
 */
struct last {
	char name[256];
	size_t size;
	bool slash;		/* the path ended in '/' */
	uint8_t kind;		/* LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT */
};
enum { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
int path_walk_parent(const struct walk *w, const char *name, struct path *out, struct last *last);

/* open(2) without the descriptor: flags O_*, mode with umask not yet applied. */
int vfs_open(const struct walk *w, const char *name, uint32_t flags, uint32_t mode,
	     struct file **out);
/* Opens what a path already names (exec, /proc/PID/fd reopen). */
int vfs_open_path(const struct path *p, const struct cred *cred, uint32_t flags,
		  struct file **out);
int vfs_mknod(const struct walk *w, const char *name, uint32_t mode, uint64_t rdev);
int vfs_mkdir(const struct walk *w, const char *name, uint32_t mode);
int vfs_symlink(const struct walk *w, const char *target, const char *name);
int vfs_link(const struct path *old, const struct walk *w, const char *name);
int vfs_unlink(const struct walk *w, const char *name);
int vfs_rmdir(const struct walk *w, const char *name);
int vfs_rename(const struct walk *ow, const char *oname, const struct walk *nw, const char *nname,
	       uint32_t flags);
/* By path, already resolved; permission checks and notifications included. */
int vfs_setattr(const struct path *p, const struct cred *cred, const struct iattr *a);
int vfs_truncate(const struct path *p, const struct cred *cred, uint64_t size);
int vfs_getattr(const struct path *p, struct kstat *out);
ssize_t vfs_readlink(const struct path *p, char *buf, size_t size);
/*
 * AF_UNIX bind: a socket inode at name (mode with umask applied), -EADDRINUSE if it exists;
 * `bound` is stored in inode->bound.  vfs_lookup_socket: connect's side, needs write permission.
 */
int vfs_bind_socket(const struct walk *w, const char *name, uint32_t mode, void *bound,
		    struct path *out);
/* -ECONNREFUSED if it is no socket.  The caller reads inode->bound under the inode lock. */
int vfs_lookup_socket(const struct walk *w, const char *name, struct path *out);

/* Extended attributes, namespaces and their permissions checked.  size 0 asks for the size. */
ssize_t vfs_getxattr(const struct path *p, const struct cred *cred, const char *name, void *buf,
		     size_t size);
int vfs_setxattr(const struct path *p, const struct cred *cred, const char *name, const void *buf,
		 size_t size, int flags);
int vfs_removexattr(const struct path *p, const struct cred *cred, const char *name);
ssize_t vfs_listxattr(const struct path *p, const struct cred *cred, char *buf, size_t size);

/*
 * What write(2) does to capabilities, which go, and to set-id bits: cleared unless cred has
 * CAP_FSETID.  Before the write.
 */
void file_remove_privs(struct file *f, const struct cred *cred);

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
/* Mode bits, ACL-less, capabilities: -EACCES, or -EROFS for writes on a read-only mount. */
int inode_permission(struct inode *i, const struct cred *cred, unsigned may);
int inode_permission_locked(struct inode *i, const struct cred *cred, unsigned may);
int path_permission(const struct path *p, const struct cred *cred, unsigned may);
/* True if cred owns the inode or has CAP_FOWNER. */
bool inode_owner_or_capable(struct inode *i, const struct cred *cred);

/*
 * The path as seen from root ("/a/b", " (deleted)" appended, "(unreachable)"
 * in front when it is outside root; root NULL: never outside); objects without
 * a name are shown by their label ("pipe:[5]").  Its length, or -ENAMETOOLONG.
 */
ssize_t path_format(const struct path *p, const struct path *root, char *buf, size_t size);
