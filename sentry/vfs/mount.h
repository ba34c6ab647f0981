/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount tree: which file system is seen where.
 *
 * A mount shows (part of) a file system at a dentry of its parent mount.
 * The tree of a mount namespace is guarded by its lock; a mount found there
 * is referenced before the lock is given back.
 */
#pragma once

#include "sentry/cred/userns.h"
#include "sentry/vfs/inode.h"

enum {
	MNT_READONLY = 1,
	MNT_NOSUID = 2,
	MNT_NODEV = 4,
	MNT_NOEXEC = 8,
	MNT_NOATIME = 16,
	MNT_RELATIME = 32,
	MNT_NODIRATIME = 64,
	MNT_NOSYMFOLLOW = 128,
	MNT_ATIME_MASK = MNT_NOATIME | MNT_RELATIME | MNT_NODIRATIME,
	/*
	 * What who owns only a copy of the tree, in a user namespace below, must not change:
	 * mount_namespaces(7), "Restrictions on mount namespaces".
	 */
	MNT_LOCK_READONLY = 1 << 16,
	MNT_LOCK_NOSUID = 1 << 17,
	MNT_LOCK_NODEV = 1 << 18,
	MNT_LOCK_NOEXEC = 1 << 19,
	MNT_LOCK_ATIME = 1 << 20,
	MNT_LOCKED = 1 << 21, /* it does not come off, because of what is below it */
	MNT_LOCKS = MNT_LOCK_READONLY | MNT_LOCK_NOSUID | MNT_LOCK_NODEV | MNT_LOCK_NOEXEC |
		    MNT_LOCK_ATIME | MNT_LOCKED,
};

struct fsctx;

/* What a mount that was taken out of the tree referenced. */
struct detached {
	struct mount *parent;
	struct dentry *point;
};

struct mount {
	struct ref ref;
	struct fs *fs;			/* I  our reference */
	struct dentry *root;		/* I  what is shown; our reference */
	struct mount_ns *ns;		/* ns->lock; NULL once unmounted; not referenced */
	struct mount *parent;		/* ns->lock; our reference; NULL for the namespace's root */
	struct dentry *point;		/* ns->lock; where in parent; our reference */
	struct list link;		/* ns->lock; in ns->mounts, mount order */
	bool leaving;			/* ns->lock; being unmounted with the tree it is in */
	struct detached left;		/* then: the unmounting thread's */
	uint32_t flags;			/* a  MNT_* */
	uint32_t writers;		/* a  regular files open for writing through it */
	int id;				/* I  mountinfo's */
	char *source;			/* I  first field of /proc/mounts */
	struct mount_ns *home;		/* I  where it was mounted first; keeps its memory, not its life */
};

struct mount_ns {
	struct ns ns;
	struct lock lock;		/* RANK_MOUNT */
	struct mount *root;		/* lock; pivot_root changes it */
	struct list mounts;		/* lock */
	unsigned count;			/* lock: of them */
	struct waitq changed;		/* woken when the tree changes (poll on /proc/mounts) */
	uint64_t sequence;		/* lock */
	struct ref memory;    /* a: mounts (home), and one for all of ns.ref */
};

/* Takes over fs; source is copied. */
int mount_ns_new(struct fs *rootfs, const char *source, uint32_t flags, struct mount_ns **out);
/* A new one with a copy of the tree, from whose paths p[0..n-1] are moved into it.  -ENOMEM. */
int mount_ns_copy(struct mount_ns *from, struct user_ns *owner, struct path *p[], size_t n,
		  struct mount_ns **out);
static inline struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	ns_get(&ns->ns);
	return ns;
}
static inline void mount_ns_put(struct mount_ns *ns)
{
	ns_put(&ns->ns);
}
/* The namespace's root directory, referenced. */
void mount_ns_root(struct mount_ns *ns, struct path *out);
struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
DEFINE_AUTOPUT(mount)

/* Mounts fs (taken over) with `root` of it (borrowed, NULL: fs->root) on `where`. */
int mount_add(struct mount_ns *ns, struct fs *fs, struct dentry *root, const struct path *where,
	      const char *source, uint32_t flags);
/* -EBUSY while used unless detach; -EINVAL if `p` is not the root of a mount, or it is locked. */
int mount_remove(struct mount_ns *ns, const struct path *p, bool detach);
/* A mount of fs that is in no tree: for files that are not opened by a path.  -ENOMEM. */
int mount_alone(struct fs *fs, const char *source, struct mount **out);
/* If something is mounted on p, p becomes its root (repeatedly).  References are swapped. */
void mount_down(struct path *p);
/* If p is a mount's root, p becomes the mount point in the parent; false at the namespace root. */
bool mount_up(struct path *p);
/* Calls fn for each mount in order with the namespace locked. */
void mount_for_each(struct mount_ns *ns, void (*fn)(struct mount *m, void *arg), void *arg);
/* Moves a mount (p is its root) to `where`: MS_MOVE.  -EINVAL, -ELOOP, -ENOTDIR, -EBUSY. */
int mount_move(struct mount_ns *ns, const struct path *p, const struct path *where);
/*
 * Mount `om`, the caller's root, goes to put_old, and new_root's mount to where om was:
 * pivot_root(2).
 */
int mount_pivot(struct mount_ns *ns, struct mount *om, const struct path *new_root,
		const struct path *put_old);
/*
 * True if something is mounted on d in the namespace of fs: that keeps its name from going, while
 * a mount of another namespace goes with it.
 */
bool mount_is_point(struct fsctx *fs, const struct dentry *d);
/*
 * Changes the MNT_* flags but the locks: MS_REMOUNT.  -EBUSY if it cannot become read-only: files
 * are written; -EPERM: locked.
 */
int mount_set_flags(struct mount *m, uint32_t flags);
/* A file is opened for writing through m, or was: 0 or -EROFS. */
int mount_get_write(struct mount *m);
void mount_put_write(struct mount *m);
/* Binds what `from` names (with recursive: the mounts below it too) on `where`. */
int mount_bind(struct mount_ns *ns, const struct path *from, const struct path *where,
	       bool recursive);

/*
 * File system types by name.  boot registers them; make gets mount(2)'s source
 * and data, both copied in and NUL-terminated, data "" if there was none, and who mounts.
 */
struct fs_source {
	const char *source, *data;
	const struct cred *cred;
};
/* A file system that is not (or not only) of cred's user namespace is given to its own (fs_own). */
typedef int (*fs_make_fn)(const struct fs_source *s, struct fs **out);
enum {
	FS_ROOT_ONLY,
	FS_USERNS, /* who owns the user namespace that it is of */
	FS_SHARED, /* ... any: all mounts are of the same */
};
int fs_register(const char *type, fs_make_fn make, int who);
/* -ENODEV for a type nobody registered; -EPERM. */
int fs_mount_new(const char *type, const struct fs_source *s, struct fs **out);
/*
 * May a new file system that tells of the machine (fs_ops.bare) be mounted in ns, with *flags?
 * In the namespace of less than root only what is seen there in full already; *flags gets the
 * locks of that.  -EPERM.
 */
int mount_reveals(struct mount_ns *ns, const struct fs *fs, uint32_t *flags);
/* Has set-user-ID any meaning for c there?  Not in other mount namespaces, or above c's. */
bool mount_may_suid(const struct mount *m, const struct mount_ns *ns, const struct cred *c);
/* The i-th registered type, or NULL: /proc/filesystems. */
const char *fs_type_name(unsigned i);

/* True when writes through this mount are refused. */
bool mount_readonly(const struct mount *m);
