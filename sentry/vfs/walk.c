/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path walk: path_resolution(7), openat2(2).
 *
 * A walk goes from directory to directory, one component at a time, each step
 * under the directory's lock only.  A symlink puts its target in front of what
 * is left; so there is no recursion, and the last component of a target is
 * treated as the last component of the path was.
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/limits.h"

static void path_set(struct path *p, struct path to)
{
	path_put(p);
	*p = to;
}

static struct path path_ref(const struct path *p)
{
	struct path copy = *p;
	path_get(&copy);
	return copy;
}

int nd_start(struct nd *nd, const struct walk *w, const char *name)
{
	*nd = (struct nd){.w = w, .rest = name};
	if (!*name && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (*name == '/' && (w->flags & WALK_BENEATH))
		return -EXDEV;
	nd->scoped = w->flags & (WALK_BENEATH | WALK_IN_ROOT);
	bool absolute = *name == '/' && !nd->scoped;
	lock(&w->fs->lock);
	nd->root = path_ref(&w->fs->root);
	nd->at = path_ref(absolute ? &w->fs->root : w->dir ? &w->dir->path : &w->fs->cwd);
	unlock(&w->fs->lock);
	if (nd->scoped)
		path_set(&nd->root, path_ref(&nd->at));
	return 0;
}

void nd_end(struct nd *nd)
{
	path_put(&nd->root);
	path_put(&nd->at);
	free(nd->buf);
	nd->buf = NULL;
}

/* True if `at` is the root of the walk or below it. */
static bool under_root(const struct nd *nd)
{
	struct path p = path_ref(&nd->at);
	bool under = false;

	for (;;) {
		if (p.mnt == nd->root.mnt) {
			lock(&p.mnt->fs->rename_lock);
			under = dentry_is_below(p.dentry, nd->root.dentry);
			unlock(&p.mnt->fs->rename_lock);
			break;
		}
		path_set(&p, (struct path){mount_get(p.mnt), dentry_get(p.mnt->root)});
		if (!mount_up(&p))
			break;
	}
	path_put(&p);
	return under;
}

/* ".." */
static int nd_up(struct nd *nd)
{
	struct mount *before = nd->at.mnt;

	for (;;) {
		if (path_equal(&nd->at, &nd->root)) {
			if (nd->w->flags & WALK_BENEATH)
				return -EXDEV;
			break;
		}
		if (nd->at.dentry != nd->at.mnt->root) {
			struct dentry *parent = dentry_parent(nd->at.dentry);
			dentry_put(nd->at.dentry);
			nd->at.dentry = parent;
			break;
		}
		if (!mount_up(&nd->at))
			break;
	}
	mount_down(&nd->at);
	if (nd->at.mnt != before && (nd->w->flags & WALK_NO_XDEV))
		return -EXDEV;
	/* A directory renamed out of the scope meanwhile: the caller may try again. */
	return nd->scoped && !under_root(nd) ? -EAGAIN : 0;
}

static int child_locked(struct nd *nd, const struct last *last, bool check, struct dentry **out)
{
	struct dentry *dir = nd->at.dentry;

	if ((nd->w->flags & WALK_CACHED) && !dir->fs->ops->pinned)
		return -EAGAIN;
	int err = check ? inode_permission_locked(dir->inode, nd->w->cred, MAY_EXEC) : 0;
	if (err == 0)
		err = dentry_lookup_locked(dir, last->name, last->size, out);
	if (err == 0 && !(*out)->inode)
		err = 1;
	return err;
}

static int nd_child(struct nd *nd, const struct last *last, bool check, struct path *out)
{
	struct inode *dir = nd->at.dentry->inode;
	struct dentry *d;

	lock(&dir->lock);
	int err = child_locked(nd, last, check, &d);
	unlock(&dir->lock);
	if (err > 0) {
		dentry_put(d);
		return -ENOENT;
	}
	if (err < 0)
		return err;
	*out = (struct path){mount_get(nd->at.mnt), d};
	mount_down(out);
	if (out->mnt != nd->at.mnt && (nd->w->flags & WALK_NO_XDEV)) {
		path_put(out);
		return -EXDEV;
	}
	return 0;
}

int nd_lookup(struct nd *nd, const struct last *last, struct path *out)
{
	return nd_child(nd, last, /*check=*/false, out);
}

/* Cuts the next component off rest. */
static int component(struct nd *nd, struct last *last)
{
	const char *s = nd->rest, *end = strchrnul(s, '/');
	size_t size = (size_t)(end - s);

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(last->name, s, size);
	last->name[size] = 0;
	last->size = size;
	last->slash = *end == '/';
	last->kind = strcmp(last->name, ".") == 0    ? LAST_DOT
		     : strcmp(last->name, "..") == 0 ? LAST_DOTDOT
						     : LAST_NORM;
	nd->rest = end + strspn(end, "/");
	return 0;
}

/* One component that is not the last. */
static int nd_step(struct nd *nd, const struct last *last)
{
	struct path p;
	bool jumped;

	if (last->kind == LAST_NORM) {
		int err = nd_child(nd, last, /*check=*/true, &p);
		if (err < 0)
			return err;
		if (path_is_link(&p))
			return nd_follow(nd, &p, /*slash=*/true, &jumped);
		path_set(&nd->at, p);
		return 0;
	}
	int err = inode_permission(nd->at.dentry->inode, nd->w->cred, MAY_EXEC);
	if (err == 0 && last->kind == LAST_DOTDOT)
		err = nd_up(nd);
	return err;
}

int nd_parent(struct nd *nd, struct last *last)
{
	int err;

	for (;;) {
		nd->rest += strspn(nd->rest, "/");
		if (!*nd->rest) {
			*last = (struct last){.kind = LAST_ROOT, .slash = true};
			return 0;
		}
		if (!path_is_dir(&nd->at))
			return -ENOTDIR;
		err = component(nd, last);
		if (err < 0 || !*nd->rest)
			break;
		err = nd_step(nd, last);
		if (err < 0)
			return err;
	}
	/* The search permission wins over a name that is too long. */
	int denied = inode_permission(nd->at.dentry->inode, nd->w->cred, MAY_EXEC);
	return denied < 0 ? denied : err;
}

int nd_dots(struct nd *nd, const struct last *last)
{
	return last->kind == LAST_DOTDOT ? nd_up(nd) : 0;
}

/* proc's links lead to an object and not to a name. */
static int nd_jump(struct nd *nd, struct path to)
{
	if (nd->w->flags & WALK_NO_MAGICLINKS) {
		path_put(&to);
		return -ELOOP;
	}
	if (nd->scoped || ((nd->w->flags & WALK_NO_XDEV) && to.mnt != nd->at.mnt)) {
		path_put(&to);
		return -EXDEV;
	}
	path_set(&nd->at, to);
	return 0;
}

static int nd_push(struct nd *nd, const char *target, bool slash)
{
	size_t size = strlen(target), rest = strlen(nd->rest);
	char *buf = malloc(size + rest + 2);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, target, size);
	if (slash)
		buf[size++] = '/';
	memcpy(buf + size, nd->rest, rest + 1);
	free(nd->buf);
	nd->rest = nd->buf = buf;
	if (*target != '/')
		return 0;
	if (nd->w->flags & WALK_BENEATH)
		return -EXDEV;
	if ((nd->w->flags & WALK_NO_XDEV) && nd->root.mnt != nd->at.mnt)
		return -EXDEV;
	path_set(&nd->at, path_ref(&nd->root));
	return 0;
}

static int nd_readlink(struct nd *nd, struct inode *link, bool slash)
{
	autofree char *target = malloc(PATH_SIZE);
	if (!target)
		return -ENOMEM;
	ssize_t n = link->ops->readlink(link, target, PATH_SIZE);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ENOENT;
	if (n >= PATH_SIZE)
		return -ENAMETOOLONG;
	target[n] = 0;
	return nd_push(nd, target, slash);
}

int nd_follow(struct nd *nd, struct path *link, bool slash, bool *out_jumped)
{
	struct inode *i = link->dentry->inode;
	struct path to;
	int err;

	*out_jumped = false;
	if (++nd->links > ABI_MAX_SYMLINKS || (nd->w->flags & WALK_NO_SYMLINKS) ||
	    (__atomic_load_n(&link->mnt->flags, __ATOMIC_RELAXED) & MNT_NOSYMFOLLOW)) {
		path_put(link);
		return -ELOOP;
	}
	path_accessed(link);
	err = i->ops->follow(i, &to);
	if (err == 0) {
		*out_jumped = true;
		err = nd_jump(nd, to);
	} else if (err == -EOPNOTSUPP) {
		err = nd_readlink(nd, i, slash);
	}
	path_put(link);
	return err;
}

/* Follows rest to its end; the result is nd->at. */
static int nd_finish(struct nd *nd, bool nofollow)
{
	struct last last = {.slash = false};
	struct path p;
	int err;

	for (;;) {
		bool jumped;
		err = nd_parent(nd, &last);
		if (err < 0)
			return err;
		if (last.kind != LAST_NORM) {
			err = nd_dots(nd, &last);
			break;
		}
		err = nd_lookup(nd, &last, &p);
		if (err < 0)
			return err;
		if (!path_is_link(&p) || (nofollow && !last.slash)) {
			path_set(&nd->at, p);
			break;
		}
		err = nd_follow(nd, &p, last.slash, &jumped);
		if (err < 0 || jumped)
			break;
	}
	return err == 0 && last.slash && !path_is_dir(&nd->at) ? -ENOTDIR : err;
}

int path_walk(const struct walk *w, const char *name, struct path *out)
{
	struct nd nd;

	if (path_walk_quick(w, name, out))
		return 0;
	int err = nd_start(&nd, w, name);
	if (err < 0)
		return err;
	if (*name)
		err = nd_finish(&nd, w->flags & WALK_NOFOLLOW);
	if (err == 0 && (w->flags & WALK_DIRECTORY) && !path_is_dir(&nd.at))
		err = -ENOTDIR;
	if (err == 0) {
		*out = nd.at;
		nd.at = (struct path){0};
	}
	nd_end(&nd);
	dentry_shrink();
	return err;
}

int path_walk_parent(const struct walk *w, const char *name, struct path *out, struct last *last)
{
	struct nd nd;
	int err = nd_start(&nd, w, name);

	if (err < 0)
		return err;
	err = nd_parent(&nd, last);
	if (err == 0) {
		*out = nd.at;
		nd.at = (struct path){0};
	}
	nd_end(&nd);
	dentry_shrink();
	return err;
}
