/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes, names and file systems.
 *
 * An *inode* is a file; a *dentry* is a name of one in a directory.  The
 * dentries of a file system form a tree; a dentry holds a reference to its
 * parent and (if positive) to its inode.  Children of a directory are found
 * through the parent's table, under the directory inode's lock.
 *
 *  - Memory file systems (memfs: tmpfs, overlay, devtmpfs) keep every child
 *    dentry in the table: the table is the directory ("pinned").
 *  - Others (proc, gofer) fill it by ops->lookup; such dentries may be dropped
 *    when unused, and dentry->fs->revalidate says each time if one still holds.
 *
 * Lock order: fs->rename_lock, then directory inodes parent before child (two
 * unrelated ones by address), then the inode of the file, then dentry->lock.
 * dentry name and parent change only with rename_lock and dentry->lock held.
 */
#pragma once

#include "platform/base/list.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/base/cleanup.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/stat.h"

struct cred;
struct fs;
struct user_ns;

struct ktime {
	int64_t sec;
	uint32_t nsec;
};

struct flock_list;	/* vfs/lock.c */
struct notify_marks;	/* inotify */

struct inode {
	struct ref ref;			/* a */
	const struct inode_ops *ops;	/* I */
	struct fs *fs;			/* I  our reference */
	uint64_t ino;			/* I */
	uint64_t rdev;			/* I  of devices, Linux encoding (makedev of the guest's ABI) */
	struct lock lock;		/* RANK_INODE */
	uint32_t mode;			/* l  S_IF* and permission bits; type bits are I */
	uint32_t uid, gid;		/* l */
	uint32_t nlink;			/* l */
	uint64_t size;			/* l */
	struct ktime atime, mtime, ctime, btime; /* l */
	void *priv;			/* I  the file system's */
	struct flock_list *locks;	/* vfs/lock.c, made on first use */
	struct notify_marks *marks;	/* inotify, made on first use */
	void *bound;			/* l  AF_UNIX: the socket bound to this inode; FIFO: its pipe */
	int32_t writers;		/* l  > 0 open for writing, < 0 being executed (ETXTBSY) */
	uint32_t writable_maps;		/* a  shared mappings that are or may become writable */
	uint64_t generation;		/* a  content changes; for caches of others */
	char *label;			/* I  objects without a name: see file_new_anon; malloc'ed */
	bool linkable;			/* l  O_TMPFILE: link(2) may give it a name though nlink is 0 */
	bool looked_at;			/* l  somebody has asked for ctime since it changed */
	/* a  How often it was given capabilities; 1 + when it was seen to have none. */
	uint32_t caps_given, capless_at;
};

enum { DENTRY_HASH_MIN = 8 };

struct dentry {
	struct ref ref;			/* a */
	struct fs *fs;			/* I */
	struct lock lock;		/* RANK_DENTRY */
	struct dentry *parent;		/* lock; our reference; the root is its own parent, unreferenced */
	char *name;			/* lock; malloc'ed, NUL-terminated */
	struct inode *inode;		/* dir inode lock of parent; our reference; NULL: negative */
	bool deleted;			/* lock to change, a: unlinked, shown as " (deleted)" */
	uint32_t mounts;		/* a: mounts on top of this dentry (in any mount) */
	uint32_t hash;			/* I of the name while hashed */
	struct dentry *hash_next;	/* parent's inode lock */
	struct dentry **table;		/* own inode's lock: children by name (directories) */
	uint32_t table_size, children;	/* own inode's lock; negative names are counted too */
	struct list siblings;		/* parent's inode lock: order of creation, for readdir */
	struct list child_list;		/* own inode's lock; positive children only */
	uint64_t cookie;		/* I: readdir position, increasing within the directory, >= 2 */
	void *priv;
	bool hashed;			/* parent's inode lock: in its table, which holds a reference */
	bool used;			/* a: found since the shrinker last looked */
	uint64_t next_cookie;		/* own inode's lock */
	struct dentry *cursor;		/* own inode's lock: where readdir was; not referenced */
	struct list lru;		/* shrinker's lock: droppable dentries, foldable directories */
	uint32_t foldable;		/* shrinker's lock: names in it that folding would free */
};

/* What setattr changes. */
enum {
	ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8,
	ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_CTIME = 64,
	ATTR_ATIME_NOW = 128, ATTR_MTIME_NOW = 256,
	ATTR_KILL_PRIV = 512,	/* drop set-id bits as chown(2) does; the VFS makes it ATTR_MODE */
};

struct iattr {
	uint32_t mask;
	uint32_t mode, uid, gid;
	uint64_t size;
	struct ktime atime, mtime;
};

/* What stat and statx report beyond the inode's own fields. */
struct kstat {
	uint64_t dev, ino, rdev, size, blocks;
	uint32_t mode, nlink, uid, gid, blksize;
	struct ktime atime, mtime, ctime, btime;
	uint64_t attributes;
};

/* A node to create. */
struct node_spec {
	uint32_t mode;		/* S_IF* | permissions, umask already applied */
	uint32_t uid, gid;
	uint64_t rdev;
	const char *target;	/* symlinks */
};

/*
 * None is NULL: inode_no* below.  "dir" operations run with the directory's
 * inode lock held by the caller; permissions, EEXIST, ENOENT, sticky bits and
 * mount points are already checked, the dentry is hashed negative or positive
 * as the operation needs.  create and link make the child positive
 * (dentry_set_inode_locked).  After unlink and rename the VFS drops or moves
 * the dentries.  unlink and rename check that a directory that goes is empty.  For O_TMPFILE (pinned file
 * systems only) create gets a child that is not hashed: no name appears.
 */
struct inode_ops {
	/*
	 * Fills in the name: *out_inode NULL for "not there", which is cached, and may be
	 * created.  -ENOENT: not there, and no name can be made either (proc).
	 */
	int (*lookup)(struct dentry *dir, const char *name, size_t size, struct inode **out_inode);
	int (*create)(struct dentry *dir, struct dentry *child, const struct node_spec *spec);
	int (*link)(struct dentry *dir, struct dentry *child, struct inode *inode);
	/* unlink and rmdir (the victim's inode says which). */
	int (*unlink)(struct dentry *dir, struct dentry *child);
	/* Both directories locked; target may be negative; flags: RENAME_NOREPLACE, _EXCHANGE. */
	int (*rename)(struct dentry *odir, struct dentry *ochild, struct dentry *ndir,
		      struct dentry *nchild, uint32_t flags);
	/* Copies the target, NUL-terminated, into buf; its length.  Magic links: see `follow`. */
	ssize_t (*readlink)(struct inode *i, char *buf, size_t size);
	/* proc's magic links: *out gets referenced; -EOPNOTSUPP: an ordinary link, use readlink. */
	int (*follow)(struct inode *i, struct path *out);
	/* Inode lock held.  Checked by the VFS already. */
	int (*setattr)(struct inode *i, const struct iattr *a);
	/* Refreshes and reports. */
	int (*getattr)(struct inode *i, struct kstat *out);
	/* Opens: the file is made by file_new with this path (references taken over on success). */
	int (*open)(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out);
	/* xattr: value size or -ENODATA/-ERANGE/-EOPNOTSUPP; size 0 asks for the size. */
	ssize_t (*getxattr)(struct inode *i, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *i, const char *name, const void *buf, size_t size, int flags);
	int (*removexattr)(struct inode *i, const char *name);
	ssize_t (*listxattr)(struct inode *i, char *buf, size_t size);
	/*
	 * The last reference and name are gone: free priv.  May run under the lock of a
	 * directory's inode, so it takes no inode lock (nobody else can see this one).
	 */
	void (*evict)(struct inode *i);
};

struct kstatfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	uint64_t fsid;
};

struct fs_ops {
	const char *name;		/* as in /proc/mounts */
	/*
	 * False: the cached dentry no longer holds, look it up again.  Directory lock held.
	 * Also asked for negative dentries (d->inode NULL).  NULL: they always hold.
	 */
	bool (*revalidate)(struct dentry *d);
	/*
	 * What must hold before mode bits and capabilities are looked at; may: MAY_*, none for
	 * "is it there".  Inode's lock held.  NULL: nothing.
	 */
	int (*permission)(struct inode *i, const struct cred *cred, unsigned may);
	/* mount(2) with MS_REMOUNT and options, by who may: 0 or -EINVAL.  NULL: it takes none. */
	int (*remount)(struct fs *fs, const char *data, const struct cred *cred);
	int (*statfs)(struct fs *fs, struct kstatfs *out);
	/* Options as in /proc/mounts beyond ro/rw (",size=..."), into buf. */
	void (*show)(struct fs *fs, char *buf, size_t size);
	void (*destroy)(struct fs *fs);
	/*
	 * Forgets the names in a directory, which can be had again (dentry_foldable_locked), if
	 * nobody uses them.  Directory lock held.  NULL: never.
	 */
	bool (*fold)(struct dentry *dir);
	/*
	 * What is mounted over i hides nothing.  Not NULL: the file system tells of the machine, so
	 * that who owns only a user namespace may mount it where it can be seen in full already.
	 */
	bool (*bare)(const struct inode *i);
	bool pinned;			/* children are kept (memfs) unless folded */
	bool nodev_listed;		/* "nodev" in /proc/filesystems */
};

struct fs {
	struct ref ref;
	const struct fs_ops *ops;
	uint64_t dev;			/* I  st_dev */
	struct dentry *root;		/* I  our reference */
	struct lock rename_lock;	/* RANK_RENAME */
	uint64_t next_ino;		/* a */
	bool readonly;			/* a */
	struct user_ns
		*user_ns; /* I once mounted  our reference: whose capabilities count over it */
	void *priv;
	struct ref memory;		/* a: inodes, and one for all of `ref` */
};

/* Of the first user namespace, unless fs_own gives it to another before anybody sees it. */
void fs_own(struct fs *fs, struct user_ns *owner);
/*
 * A new file system with no root yet; -ENOMEM.  When the last reference (mounts,
 * mostly) is put its tree is dropped; ops->destroy runs after the last inode.
 */
int fs_new(const struct fs_ops *ops, void *priv, struct fs **out);
void fs_noshow(struct fs *fs, char *buf, size_t size); /* no options */
struct fs *fs_get(struct fs *fs);
void fs_put(struct fs *fs);
DEFINE_AUTOPUT(fs)
uint64_t fs_next_ino(struct fs *fs);

/* A new inode, ref 1, nlink 1, times now; takes a reference to fs. */
int inode_new(struct fs *fs, const struct inode_ops *ops, uint32_t mode, void *priv,
	      struct inode **out);
/* The end of the sandbox: nothing without a name exists, and nothing will. */
void anon_release(void);
/* One that has no name (pipe, socket, ...): label as for file_new_anon.  For shared ones. */
int inode_new_anon(const struct inode_ops *ops, uint32_t mode, const char *label, void *priv,
		   struct inode **out);
/* A namespace as a file, which can be bound to a name: nsfs_path_is in namei.h. */
int inode_new_ns(const struct inode_ops *ops, const char *label, void *priv, struct inode **out);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
DEFINE_AUTOPUT(inode)
void inode_touch_locked(struct inode *i, uint32_t attr_times);	/* ATTR_ATIME|MTIME|CTIME to now */
/* Fills the fields every file system shares from the inode; lock not held, but for _locked. */
void inode_fill_stat(struct inode *i, struct kstat *out);
void inode_fill_stat_locked(struct inode *i, struct kstat *out);
int inode_generic_setattr(struct inode *i, const struct iattr *a); /* all but size */

/*
 * ETXTBSY: a file is written or executed, not both.  exec denies writes for as
 * long as it reads or maps the program; vfs_open takes a write for each file
 * opened for writing.  0 or -ETXTBSY.
 */
int inode_get_write(struct inode *i);
void inode_put_write(struct inode *i);
int inode_deny_write(struct inode *i);
void inode_allow_write(struct inode *i);

/*
 * A mapping of i that may be written exists, from before ops->mmap is asked on; F_SEAL_WRITE
 * looks for them under i->lock, and ops->mmap looks for the seal there.
 */
static inline void inode_map_writable(struct inode *i)
{
	__atomic_fetch_add(&i->writable_maps, 1, __ATOMIC_RELAXED);
}

static inline void inode_unmap_writable(struct inode *i)
{
	__atomic_fetch_sub(&i->writable_maps, 1, __ATOMIC_RELAXED);
}

/* Made just now: without capabilities. */
static inline void inode_is_bare(struct inode *i)
{
	__atomic_store_n(&i->capless_at, 1, __ATOMIC_RELAXED);
}

static inline bool mode_is(uint32_t mode, uint32_t type)
{
	return (mode & 0170000) == type;
}

/* The type bits never change, but permissions beside them do: for readers without the lock. */
static inline bool inode_is(const struct inode *i, uint32_t type)
{
	return mode_is(__atomic_load_n(&i->mode, __ATOMIC_RELAXED), type);
}

/* Shared refusals. */
int inode_nolookup(struct dentry *dir, const char *name, size_t size, struct inode **out); /* ENOTDIR */
int inode_nocreate(struct dentry *dir, struct dentry *child, const struct node_spec *s);   /* EPERM */
int inode_nolink(struct dentry *dir, struct dentry *child, struct inode *inode);
int inode_nounlink(struct dentry *dir, struct dentry *child);
int inode_norename(struct dentry *od, struct dentry *oc, struct dentry *nd, struct dentry *nc,
		   uint32_t flags);
ssize_t inode_noreadlink(struct inode *i, char *buf, size_t size);			/* EINVAL */
int inode_nofollow(struct inode *i, struct path *out);					/* EOPNOTSUPP */
int inode_nosetattr(struct inode *i, const struct iattr *a);				/* EPERM */
int inode_getattr(struct inode *i, struct kstat *out);	/* = inode_fill_stat */
int inode_noopen(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		 struct file **out);							/* ENXIO */
ssize_t inode_nogetxattr(struct inode *i, const char *name, void *buf, size_t size); /* EOPNOTSUPP */
int inode_nosetxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags);
int inode_noremovexattr(struct inode *i, const char *name);
ssize_t inode_nolistxattr(struct inode *i, char *buf, size_t size);	/* 0 */
void inode_noevict(struct inode *i);
/* Tables of what is no directory, and of what keeps no attributes. */
#define INODE_NO_NAMES                                                                             \
	.lookup = inode_nolookup, .create = inode_nocreate, .link = inode_nolink,                  \
	.unlink = inode_nounlink, .rename = inode_norename
#define INODE_NO_XATTRS                                                                            \
	.getxattr = inode_nogetxattr, .setxattr = inode_nosetxattr,                                \
	.removexattr = inode_noremovexattr, .listxattr = inode_nolistxattr
