/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk that most paths need: plain names that are in the tables of file systems that keep
 * them, below one mount point, no symbolic links.  Whatever else there is, path_walk() begins anew.
 *
 * It takes references at its beginning and end only.  In between it goes hand over hand: a
 * directory is locked before the lock of the one above it is given up.  That is enough, because
 * who takes a directory's name away (rmdir, rename over it, fold.c) holds the lock of the one
 * above, and takes the directory's own before he lets go of it (dentry_kill_tree).
 */
#include <string.h>

#include "sentry/vfs/internal.h"
#include "syscalls/abi/limits.h"

enum { QUICK_FLAGS = WALK_NOFOLLOW | WALK_EMPTY | WALK_DIRECTORY | WALK_NO_AUTOMOUNT };

static struct path start(const struct walk *w, const char *name)
{
	if (*name != '/' && w->dir) {
		struct path p = w->dir->path;
		path_get(&p);
		return p;
	}
	lock(&w->fs->lock);
	struct path p = *name == '/' ? w->fs->root : w->fs->cwd;
	path_get(&p);
	unlock(&w->fs->lock);
	return p;
}

/* Names in it are what the table says. */
static bool keeps_names(const struct dentry *dir)
{
	const struct fs_ops *ops = dir->fs->ops;
	return ops->pinned && !ops->revalidate && inode_is(dir->inode, S_IFDIR);
}

static bool is_dots(const char *name, size_t size)
{
	return name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.'));
}

/* NULL: not there, not to be seen by cred, or more than a plain name. */
static struct dentry *child_locked(struct dentry *dir, const struct cred *cred, const char *name,
				   size_t size)
{
	if (size > NAME_MAX || is_dots(name, size) ||
	    inode_permission_locked(dir->inode, cred, MAY_EXEC) < 0)
		return NULL;
	struct dentry *d = dentry_cached_locked(dir, name, size);
	return d && d->inode && !__atomic_load_n(&d->mounts, __ATOMIC_RELAXED) ? d : NULL;
}

/* The last component is what the walk is to end at. */
static bool is_wanted(const struct dentry *d, bool slash, uint32_t flags)
{
	if (inode_is(d->inode, S_IFLNK) && (slash || !(flags & WALK_NOFOLLOW)))
		return false;
	return inode_is(d->inode, S_IFDIR) || !(slash || (flags & WALK_DIRECTORY));
}

/* From dir on, which is referenced: what s names, referenced, or NULL. */
static struct dentry *descend(struct dentry *dir, const struct walk *w,
			      const char *s) NO_LOCK_ANALYSIS /* hand over hand */
{
	struct dentry *found = NULL;

	lock(&dir->inode->lock);
	for (;;) {
		const char *end = strchrnul(s, '/'), *next = end + strspn(end, "/");
		struct dentry *d = child_locked(dir, w->cred, s, (size_t)(end - s));
		if (d && !*next && is_wanted(d, *end == '/', w->flags))
			found = dentry_get(d);
		if (!d || !*next || !inode_is(d->inode, S_IFDIR))
			break;
		/* Who has it may be waiting for a file server: nobody above is to wait with us. */
		if (!lock_try(&d->inode->lock))
			break;
		unlock(&dir->inode->lock);
		dir = d;
		s = next;
	}
	unlock(&dir->inode->lock);
	return found;
}

bool path_walk_quick(const struct walk *w, const char *name, struct path *out)
{
	const char *s = name + strspn(name, "/");
	if (!*s || (w->flags & ~(uint32_t)QUICK_FLAGS))
		return false;
	*out = start(w, name);
	/* All of a file system is pinned, or none. */
	struct dentry *found = keeps_names(out->dentry) ? descend(out->dentry, w, s) : NULL;
	if (!found) {
		path_put(out);
		return false;
	}
	dentry_put(out->dentry);
	out->dentry = found;
	return true;
}
