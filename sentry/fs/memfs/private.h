/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "sentry/fs/gofer/client.h"
#include "sentry/fs/memfs/content.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/vfs/dentry.h"

/* What tmpfs counts for a directory entry. */
enum { DIRENT_SIZE = 20 };

/*
 * Where in the lower tree a file comes from: a chain of names up to the lower
 * root, shared by all files of a directory.  Immutable.
 */
struct origin {
	struct ref ref;
	struct origin *dir;	/* our reference; NULL: name is a path from the gofer's root */
	char name[];
};

struct xattr {
	struct list link;
	size_t size;
	char *name;		/* in the same allocation, behind the value */
	uint8_t value[];
};

enum { LOWER_HASH = 1024, LOWER_IDLE_MAX = 128 };

/*
 * Inode numbers of an overlay stay below 2^53, so that scripts that keep them in a double can
 * tell files apart: the lower one with its device above it, or a number of our own with OWN_INO.
 */
enum { LOWER_INO_BITS = 48, LOWER_DEVS = 15 };
#define OWN_INO (1ull << 52)

struct memfs {
	struct fs *fs;			/* I  not referenced */
	const char *name;		/* I */
	struct budget pages;
	struct budget inodes;
	uint32_t mode, uid, gid;	/* I  of the root as given, for show */
	struct gofer *gofer;		/* I  NULL: no lower tree */
	unsigned root;			/* I */
	char *lower_path;		/* I  for statfs */
	struct lock lower_lock;		/* RANK_LEAF */
	struct node *links[LOWER_HASH];	/* lower_lock: files with several names, by (dev, ino) */
	struct list idle;		/* lower_lock: node.idle, oldest first */
	unsigned idle_count;		/* lower_lock */
	uint64_t devs[LOWER_DEVS];	/* lower_lock: the host's devices, in the order they were met */
	unsigned ndevs;			/* lower_lock */
	unsigned files_ahead, dirs_ahead; /* a  how many are asked for at once, see ahead.c */
};

/* What hangs on inode->priv.  l: the inode's lock. */
struct node {
	struct memfs *m;		/* I */
	struct inode *inode;		/* I  the one we belong to */
	struct origin *origin;		/* I  NULL: made here */
	bool changed;			/* l  regular: content is ours; directory: filled */
	bool pristine;			/* a  as it was below, and can be had from there again */
	bool altered;			/* a  it, or a directory's names, may differ from below */
	uint8_t peeks;			/* l  directory: names asked for one by one before that */
	bool own_xattrs;		/* l  the list below is complete, ask nobody */
	bool capless;			/* l  the lower file has no security.capability */
	uint32_t seals;			/* l  F_SEAL_* */
	struct list xattrs;		/* l  struct xattr */
	uint32_t xattr_pages;		/* l  of the budget */
	bool charged;			/* I  made here: counts as one of the budget's inodes */
	struct content content;		/* l  regular files */
	char *target;			/* I  symlinks */
	int lower_fd;			/* l while opens > 0, else lower_lock; -1: not open */
	unsigned opens;			/* l  open files that may use lower_fd */
	union {
		/* l  regular: lower_fd was opened before anybody wanted it, and had this ctime. */
		struct {
			int64_t sec;
			uint32_t nsec;
			bool set;
		} ahead;
		/* l  directory: cookies of where in it the next are expected to be asked for. */
		struct {
			uint64_t file, dir;
		} next;
	};
	struct list idle;		/* lower_lock */
	/* Files with several names below; all lower_lock. */
	uint64_t lower_dev, lower_ino;
	struct node *hash_next;
	bool hashed;
	unsigned names;			/* names in memory */
	bool pinned;			/* no name in memory, but more may come: referenced */
};

static inline struct node *node_of(const struct inode *i)
{
	return i->priv;
}

static inline struct memfs *memfs_of(const struct inode *i)
{
	return node_of(i)->m;
}

extern const struct inode_ops memfs_dir_inode_ops, memfs_file_inode_ops, memfs_link_inode_ops,
	memfs_special_inode_ops;
extern const struct file_ops memfs_dir_ops, memfs_file_ops;

/* fs.c: a new inode (mode says which kind); charged, unless it only stands for a lower one. */
int node_new(struct memfs *m, uint32_t mode, bool charged, struct inode **out);
void node_evict(struct inode *i);
int node_getattr(struct inode *i, struct kstat *out);
int node_setattr(struct inode *i, const struct iattr *a);

/* origin.c */
struct origin *origin_new(struct origin *dir, const char *name);
void origin_put(struct origin *o);
/* The path below the gofer's root; -ENAMETOOLONG. */
int origin_path(const struct origin *o, char buf[GOFER_PATH_MAX + 1]);
void node_set_attr(struct inode *i, const struct gofer_attr *a);
/* Fills a directory (its inode lock held) from its origin, if that was not done yet. */
int dir_fill_locked(struct dentry *dir);
/*
 * One name.  The first few of a directory are asked for singly: a program that
 * opens one library of a directory with thousands should not wait for all of
 * them.  *out is NULL if there is none, or if it is in memory now.
 */
enum { PEEKS_MAX = 16 };
int dir_peek_locked(struct dentry *dir, const char *name, size_t size, struct inode **out);

/* Some entries of a directory that is being filled. */
struct fill {
	struct dentry *dir;
	uint32_t subdirs, fresh;
};
/* Its inode's lock is held from begin, false: it was filled already, to end; err: not all came. */
bool fill_begin_locked(struct fill *f, struct dentry *dir);
int fill_entry_locked(struct fill *f, const struct gofer_entry *e);
void fill_end_locked(struct fill *f, int err);

/* ahead.c: what is likely to be asked for next comes with d.  No lock held. */
void files_ahead(struct dentry *d);
void dirs_ahead(struct dentry *d);

/* fold.c: fs_ops.fold; a file or directory differs from below from now on. */
bool memfs_fold(struct dentry *dir);
void node_altered(struct inode *i);
void node_identify(struct inode *i, const struct gofer_attr *a);

/* links.c: one inode for all names of a lower file. */
struct inode *links_find(struct memfs *m, uint64_t dev, uint64_t ino);
void links_add(struct memfs *m, struct inode *i, uint64_t dev, uint64_t ino);
void links_named(struct inode *i);
/* i has several names below, and is that file. */
bool links_is(struct inode *i, uint64_t dev, uint64_t ino);
void links_unnamed(struct inode *i);
/* The name is not gone, only no longer in memory. */
void links_forgotten(struct inode *i);
void links_remove(struct node *n);

/* lower.c: content of files with an origin.  All with the inode's lock held. */
/* Nobody has a descriptor of the lower file, and somebody may want one. */
bool lower_unopened_locked(struct inode *i);
/* Takes over fd, which was opened ahead when the file was like that. */
void lower_give_locked(struct inode *i, int fd, const struct gofer_attr *attr);
int lower_open_locked(struct inode *i);
void lower_close_locked(struct inode *i);
void lower_forget(struct node *n);
int lower_copy_up_locked(struct inode *i, uint64_t length);
/* Lower files are read without the inode's lock; f keeps the descriptor open. */
ssize_t lower_read(struct inode *i, struct uio *u, uint64_t off);

/* file.c */
int file_resize_locked(struct inode *i, uint64_t length);
int memfs_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	       struct file **out);

/* xattr.c */
ssize_t memfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int memfs_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags);
int memfs_removexattr(struct inode *i, const char *name);
ssize_t memfs_listxattr(struct inode *i, char *buf, size_t size);
void xattrs_free(struct node *n);
/* Content or owner changed: file capabilities no longer hold.  Inode lock held. */
void xattrs_drop_caps_locked(struct inode *i);
