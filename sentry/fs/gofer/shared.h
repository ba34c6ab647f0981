/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the shared file system share (goferfs.h).
 *
 * The gofer wants a path for everything, so each node knows one name of its
 * file: a *place*, a name in another place.  Renaming a directory changes its
 * place, and thereby the paths of all below.  `moves` is held for reading from
 * the making of a path until the gofer has answered, and for writing by unlink
 * and rename: a path never leads elsewhere on its way.  It is taken after the
 * locks of inodes and dentries, and below it only `lock` and the gofer's own.
 */
#pragma once

#include <pthread.h>

#include "sentry/fs/gofer/client.h"
#include "sentry/fs/gofer/watch.h"
#include "sentry/vfs/dentry.h"

enum { SHARED_HASH = 1024 };

struct place {
	struct ref ref;
	struct place *dir;	/* lock; our reference; NULL: the root */
	char *name;		/* lock; malloc'ed */
	bool gone;		/* lock; the name was removed: nothing can be below */
};

struct shared {
	struct fs *fs;			/* I  not referenced */
	struct gofer *gofer;		/* I */
	unsigned root;			/* I */
	uint64_t root_dev;		/* I  the host's */
	struct watches *watches;	/* I  NULL: nobody tells what others change */
	bool own;			/* I  nobody else changes it: what is known stays true */
	pthread_rwlock_t moves;
	struct lock lock;		/* RANK_LEAF: places, nodes by host number */
	struct snode *nodes[SHARED_HASH]; /* lock */
	struct list locals;		/* lock; names of sockets, see shared_local.c */
	unsigned local_count;		/* lock */
};

/* A host descriptor that open files share: it has no offset that anybody uses. */
struct sfd {
	struct list link;	/* node's fds */
	unsigned users;		/* inode lock */
	int fd;			/* a, inode lock to change: the copy's once there is one */
	int lower_fd;		/* inode lock; -1, or what fd was before, which may be in use yet */
	int flags;		/* I  GOFER_O_* */
};

/* What hangs on inode->priv. */
struct snode {
	struct shared *m;	/* I */
	struct inode *inode;	/* I  the one we belong to */
	bool local;		/* I  a socket: the host does not know it */
	bool is_root;		/* I  its end is the end of local names */
	struct place *place;	/* lock; our reference; NULL: no name is known */
	bool lower;		/* inode lock; of the lower layer: copied up before a change */
	uint64_t dev, ino;	/* I, but lock when it is copied up: the host's */
	int64_t btime_sec;	/* the same; tells a file from an older one with its number */
	uint64_t btime_nsec;	/* the same */
	struct snode *hash_next; /* lock; all but directories */
	bool hashed;		/* lock */
	struct list fds;	/* inode lock; struct sfd */
	uint32_t changes;	/* a: of what stat says */
	uint32_t known;		/* inode lock; the inode is as it was after so many of them */
	/*
	 * Inode lock; who tells of changes: a directory's own watch, or that of the directory where
	 * a file was found.  The inode is as it was when that had this stamp.
	 */
	struct watch *told;
	uint64_t stamp;
	bool unwatched;		/* inode lock; a directory that cannot be watched */
	bool mapped;		/* a: somebody may write without our knowing */
	uint32_t blksize;	/* inode lock */
	uint64_t blocks;	/* inode lock */
	char *target;		/* inode lock; of a link, once it was read: it never changes */
	struct sfd *spare;	/* inode lock; from the creation, for the open that follows */
};

static inline struct snode *snode_of(const struct inode *i)
{
	return i->priv;
}

/* A path for the gofer, built from its end. */
struct spath {
	char *at;
	char buf[GOFER_PATH_MAX + 1];
};

/* shared_place.c */
struct place *place_new(struct place *dir, const char *name);
struct place *place_get(struct place *p);
void place_put(struct place *p);
/* The node's place, referenced, or NULL. */
struct place *node_place(struct snode *n);
/* Takes over p (may be NULL): now this is where the node is. */
void node_set_place(struct snode *n, struct place *p);
/* dir/name is a name of the node: it becomes its place if another one is.  -ENOMEM. */
int node_seen(struct snode *n, struct snode *dir, const char *name);
/* dir/name is gone: a node that is there has no place any more. */
void node_unnamed(struct snode *n, struct snode *dir, const char *name);
/* Takes over name: the place moves; a node that was elsewhere stays there. */
void node_moved(struct snode *n, struct snode *odir, const char *oname, struct snode *ndir,
		char *name);
/*
 * Paths, with `moves` held from begin to end: for reading, or writing.  name
 * may be NULL.  -ESTALE: the node has no name; -ENAMETOOLONG.
 */
void moves_begin(struct shared *m, bool write);
void moves_end(struct shared *m);
int node_path(struct snode *n, const char *name, struct spath *out);

/* shared_fs.c */
/*
 * The inode for what attr describes, found as dir/name (dir NULL: the root) when dir's watch had that
 * stamp (or 0); referenced.
 */
int node_make(struct shared *m, const struct gofer_attr *attr, struct snode *dir, const char *name,
	      uint64_t stamp, struct inode **out);
/* The inode of a socket; referenced. */
int node_make_local(struct shared *m, const struct node_spec *spec, struct inode **out);
/* True if attr is of the same file. */
bool node_is(const struct snode *n, const struct gofer_attr *attr);
/* The number a guest sees. */
uint64_t shared_ino(const struct shared *m, uint64_t dev, uint64_t ino);
/* Inode lock held: what the host says now. */
void node_refresh_locked(struct inode *i, const struct gofer_attr *attr);
/* Inode lock held: the stamp that what the host says now will have; 0: nobody tells of changes. */
uint64_t node_stamp_locked(const struct snode *n);
/* The watch of a directory, whose inode lock is held; NULL: none. */
struct watch *dir_watch_locked(struct snode *d);
/* What stat says has changed, and nobody has asked how. */
void node_forget(struct snode *n);
/* Inode lock held: the inode is as the host has it. */
bool node_known_locked(const struct snode *n);
/*
 * Inode lock held: before a change.  A file of the lower layer is copied up, and open files go on
 * with the copy.  -ESTALE: it has no name any more.
 */
int node_raise_locked(struct snode *n);

/* shared_local.c: dir's lock held, so a name is added and removed by one at a time. */
struct inode *local_find(struct snode *dir, const char *name);	/* referenced, or NULL */
bool local_any(struct snode *dir);
/* Takes the place of another local name.  -ENOMEM, -ENOSPC. */
int local_add(struct snode *dir, const char *name, struct inode *i);
void local_remove(struct snode *dir, const char *name);
int local_each(struct snode *dir, int (*fn)(void *arg, const char *name, const struct inode *i),
	       void *arg);
void locals_free(struct shared *m);

/* shared_attr.c */
int shared_getattr(struct inode *i, struct kstat *out);
int shared_setattr(struct inode *i, const struct iattr *a);
ssize_t shared_readlink(struct inode *i, char *buf, size_t size);
ssize_t shared_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int shared_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags);
int shared_removexattr(struct inode *i, const char *name);
ssize_t shared_listxattr(struct inode *i, char *buf, size_t size);
int shared_sync(struct inode *i);

/* shared_file.c */
int shared_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		struct file **out);
/* Takes over the host descriptor of a new file; inode lock not needed yet. */
int node_set_spare(struct snode *n, int fd, int flags);
void node_drop_spare_locked(struct snode *n);
/* Inode lock held: open files of what was copied up to path get descriptors of the copy. */
int node_reopen_locked(struct snode *n, const char *path);
/* A descriptor with at least that access, borrowed under the inode's lock, or -1. */
int node_fd_locked(const struct snode *n, bool writable);
/* What a stat by path would say, but that owners are those known last. */
int node_fstat_locked(struct snode *n, int fd, struct gofer_attr *out);

/* shared_dir.c */
int shared_dir_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out);
void shared_dir_evict(struct inode *i);
extern const struct inode_ops shared_dir_inode_ops;
