/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of sentry/vfs share among themselves.
 */
#pragma once

#include "sentry/vfs/namei.h"

struct cred;

/* A name with its NUL, and a path. */
enum { NAME_SIZE = 256, PATH_SIZE = 4096 };

/* ---- anon.c: where objects without a name live ---- */

/* A path for an inode without a name; takes over nothing, references it.  -ENOMEM. */
int anon_path(struct inode *inode, struct path *out);
/* True if this is such a path. */
bool anon_path_is(const struct path *p);

/* ---- dentry.c ---- */

/* A dentry that is in no table: O_TMPFILE, nameless objects.  Takes a reference to parent. */
int dentry_new_loose(struct fs *fs, struct dentry *parent, const char *name, size_t size,
		     struct dentry **out);
/* Drops the whole tree of a file system nobody mounts any more. */
void dentry_kill_tree(struct dentry *root);
/* Drops unused dentries while there are too many; no lock held. */
void dentry_shrink(void);
/* What the table of dir says, not referenced, or NULL.  Its inode's lock is held. */
struct dentry *dentry_cached_locked(struct dentry *dir, const char *name, size_t size);
/*
 * dentry_move_locked() without the ways to fail: takes over the malloc'ed name;
 * something (negative, at least) was looked up in ndir before.
 */
void dentry_commit_move_locked(struct dentry *d, struct dentry *ndir, char *name);

/* ---- walk.c ---- */

/*
 * A walk under way.  rest is what is still to come; links counts what was
 * followed already.
 */
struct nd {
	const struct walk *w;
	struct path root;	/* our references: where "/" and ".." end */
	struct path at;		/* our references */
	char *buf;		/* malloc'ed: rest points into it after a symlink */
	const char *rest;
	unsigned links;
	bool scoped;		/* RESOLVE_BENEATH or _IN_ROOT */
};

int nd_start(struct nd *nd, const struct walk *w, const char *name);
void nd_end(struct nd *nd);
/* Goes down to the directory of the last component of rest. */
int nd_parent(struct nd *nd, struct last *last);
/* The dentry of a LAST_NORM component in nd->at, mount points crossed; -ENOENT if negative. */
int nd_lookup(struct nd *nd, const struct last *last, struct path *out);
/*
 * link (taken over, put) is a symlink: rest becomes its target, or nd->at its
 * magic destination and *out_jumped true (then the walk of this name is over
 * unless slash asks for more).
 */
int nd_follow(struct nd *nd, struct path *link, bool slash, bool *out_jumped);
/* Ends a walk whose last component is not a plain name ("/", ".", ".."): nd->at is the result. */
int nd_dots(struct nd *nd, const struct last *last);

static inline bool path_is_link(const struct path *p)
{
	return inode_is(p->dentry->inode, S_IFLNK);
}
static inline bool path_is_dir(const struct path *p)
{
	return inode_is(p->dentry->inode, S_IFDIR);
}
static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

/* ---- walk_quick.c ---- */

/* As path_walk(), of most paths.  False: ask path_walk(); nothing was done. */
bool path_walk_quick(const struct walk *w, const char *name, struct path *out);

/* ---- mount.c ---- */

/* Not yet in a tree, ref 1; NULL without memory. */
struct mount *mount_new(struct fs *fs, struct dentry *root, const char *source, uint32_t flags);

/* One mount of a tree to be attached: on point (referenced) of the one with index parent. */
struct branch {
	struct mount *mount;
	struct dentry *point;
	size_t parent;		/* less than its own index; the first is on `where` */
};

/* All or nothing, at once; the references to the mounts are taken over on success. */
int mount_attach(struct mount_ns *ns, const struct branch *tree, size_t count,
		 const struct path *where);

/* An empty one, and what is in it: takes over the references to the mounts. */
struct mount_ns *mount_ns_alloc(struct user_ns *owner); /* NULL: no memory */
void mount_ns_fill(struct mount_ns *ns, const struct branch *tree, size_t count);

/* ---- perm.c ---- */

/* Sticky bits: may cred remove this child of dir?  Directory's lock held.  0 or -EPERM. */
int may_delete_locked(struct dentry *dir, struct dentry *child, const struct cred *cred);
/* Removed: nothing can be made in it any more.  Its inode's lock held. */
bool dir_is_dead_locked(const struct dentry *dir);
/* Write and search permission in a directory that still exists.  Lock held. */
int may_create_locked(struct dentry *dir, const struct cred *cred);

/* ---- create.c ---- */

/* Owner, group, set-group-ID and permissions of a node made in dir (lock held). */
void node_spec_init_locked(struct node_spec *s, struct dentry *dir, const struct cred *cred,
			   uint32_t mode, uint32_t umask);
uint32_t fsctx_umask(struct fsctx *fs);

/* ---- atime.c ---- */

/* As file_accessed, for a path (readlink). */
void path_accessed(const struct path *p);

/* ---- xattr.c ---- */

/* A change of content or owner takes capabilities away.  No lock held. */
void inode_drop_caps(struct inode *i);

/* ---- setattr.c ---- */

/* Applies to an inode; path gives the mount (may be NULL for none). */
int inode_setattr(struct inode *i, const struct mount *mnt, const struct cred *cred,
		  const struct iattr *a);
