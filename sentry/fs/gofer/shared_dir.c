/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the shared file system: names come and go on the host.
 *
 * Reading a directory takes a picture of it at the first entry, which later
 * calls go through; rewinding takes a new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/fs/gofer/shared.h"
#include "syscalls/abi/dirent.h"
#include "syscalls/abi/fcntl.h"

static int dir_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	struct snode *d = snode_of(dir->inode);
	struct gofer_attr attr;
	struct spath path;
	char copy[GOFER_NAME_MAX + 1];
	uint64_t stamp = 0;

	*out = NULL;
	if (size > GOFER_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(copy, name, size);
	copy[size] = '\0';
	struct watch *w = dir_watch_locked(d);
	if (w) {
		watches_read(d->m->watches);
		stamp = watch_stamp(d->m->watches, w, copy);
	}
	moves_begin(d->m, /*write=*/false);
	int err = node_path(d, copy, &path);
	if (err == 0)
		err = gofer_stat(d->m->gofer, d->m->root, path.at, &attr);
	moves_end(d->m);
	if (err == -ENOENT || err == -ESTALE) {
		*out = local_find(d, copy);
		return 0;
	}
	return err < 0 ? err : node_make(d->m, &attr, d, copy, stamp, out);
}

/* Makes it on the host; a regular file is opened in the same step. */
static int make(struct shared *m, const char *path, const struct node_spec *s,
		struct gofer_attr *attr, int *out_fd)
{
	uint32_t mode = s->mode & 07777;

	switch (s->mode & S_IFMT) {
	case S_IFREG:
		return gofer_create(m->gofer, m->root, path, GOFER_O_RDWR, mode, s->uid, s->gid,
				    attr, out_fd);
	case S_IFDIR:
		return gofer_mkdir(m->gofer, m->root, path, mode, s->uid, s->gid, attr);
	case S_IFLNK:
		return gofer_symlink(m->gofer, m->root, path, s->target, s->uid, s->gid, attr);
	}
	return gofer_mknod(m->gofer, m->root, path, s->mode, s->rdev, s->uid, s->gid, attr);
}

static int socket_create(struct snode *d, struct dentry *child, const struct node_spec *spec)
{
	struct inode *i;
	int err = node_make_local(d->m, spec, &i);
	if (err < 0)
		return err;
	err = local_add(d, child->name, i);
	if (err < 0)
		inode_put(i);
	else
		dentry_set_inode_locked(child, i);
	return err;
}

static int dir_create(struct dentry *dir, struct dentry *child, const struct node_spec *spec)
{
	struct snode *d = snode_of(dir->inode);
	struct gofer_attr attr;
	struct spath path;
	struct inode *i;
	int fd = -1;

	if (mode_is(spec->mode, S_IFSOCK))
		return socket_create(d, child, spec);
	moves_begin(d->m, /*write=*/false);
	int err = node_path(d, child->name, &path);
	if (err == 0)
		err = make(d->m, path.at, spec, &attr, &fd);
	moves_end(d->m);
	if (err < 0)
		return err == -ESTALE ? -ENOENT : err;
	err = node_make(d->m, &attr, d, child->name, 0, &i);
	if (err < 0) {
		host_close(fd);
		return err;
	}
	if (fd >= 0) {
		/* Without memory the file is opened again. */
		lock_nested(&i->lock); /* a file comes after its directory */
		(void)node_set_spare(snode_of(i), fd, GOFER_O_RDWR);
		unlock(&i->lock);
	}
	node_forget(d);
	dentry_set_inode_locked(child, i);
	return 0;
}

static int dir_link(struct dentry *dir, struct dentry *child, struct inode *inode)
{
	struct snode *d = snode_of(dir->inode), *n = snode_of(inode);
	struct gofer_attr attr;
	struct spath from, to;

	if (n->local)
		return -EPERM;
	lock_nested(&inode->lock); /* a file comes after its directory */
	int err = node_raise_locked(n);
	unlock(&inode->lock);
	if (err < 0)
		return err == -ESTALE ? -ENOENT : err;
	moves_begin(d->m, /*write=*/false);
	err = node_path(n, NULL, &from);
	if (err == 0)
		err = node_path(d, child->name, &to);
	if (err == 0)
		err = gofer_link(d->m->gofer, d->m->root, from.at, to.at, &attr);
	moves_end(d->m);
	if (err < 0)
		return err == -ESTALE ? -ENOENT : err;
	lock_nested(&inode->lock); /* a file comes after its directory */
	node_refresh_locked(inode, &attr);
	unlock(&inode->lock);
	node_forget(d);
	dentry_set_inode_locked(child, inode_get(inode));
	return 0;
}

/* One name less. */
static void link_gone(struct inode *i)
{
	lock_nested(&i->lock); /* parent before child */
	uint32_t left = inode_is(i, S_IFDIR) || i->nlink == 0 ? 0 : i->nlink - 1;
	__atomic_store_n(&i->nlink, left, __ATOMIC_RELAXED);
	unlock(&i->lock);
	node_forget(snode_of(i));
}

static int dir_unlink(struct dentry *dir, struct dentry *child)
{
	struct snode *d = snode_of(dir->inode), *n = snode_of(child->inode);
	struct spath path;

	if (n->local) {
		local_remove(d, child->name);
		link_gone(child->inode);
		return 0;
	}
	if (inode_is(child->inode, S_IFDIR) && local_any(n))
		return -ENOTEMPTY;
	moves_begin(d->m, /*write=*/true);
	int err = node_path(d, child->name, &path);
	if (err == 0 && inode_is(child->inode, S_IFDIR))
		err = gofer_rmdir(d->m->gofer, d->m->root, path.at);
	else if (err == 0)
		err = gofer_unlink(d->m->gofer, d->m->root, path.at);
	if (err == 0)
		node_unnamed(n, d, child->name);
	moves_end(d->m);
	if (err < 0)
		return err == -ESTALE ? -ENOENT : err;
	node_forget(d);
	link_gone(child->inode);
	return 0;
}

/* Both names, and copies of them for the places. */
struct moving {
	struct snode *od, *nd;
	const char *oname, *nname;
	char *to, *back;
	struct spath from_path, to_path;
};

static int move_locked(struct moving *v, struct dentry *ochild, struct dentry *nchild,
		       uint32_t flags)
{
	struct shared *m = v->od->m;
	bool swap = flags & RENAME_EXCHANGE;

	int err = node_path(v->od, v->oname, &v->from_path);
	if (err == 0)
		err = node_path(v->nd, v->nname, &v->to_path);
	if (err == 0)
		err = gofer_rename(m->gofer, m->root, v->from_path.at, v->to_path.at, flags);
	if (err < 0)
		return err == -ESTALE ? -ENOENT : err;
	/* Nothing below can fail. */
	node_forget(v->od);
	node_forget(v->nd);
	node_forget(snode_of(ochild->inode));
	if (swap)
		node_forget(snode_of(nchild->inode));
	if (nchild->inode && !swap)
		node_unnamed(snode_of(nchild->inode), v->nd, v->nname);
	node_moved(snode_of(ochild->inode), v->od, v->oname, v->nd, STEAL(v->to));
	if (swap)
		node_moved(snode_of(nchild->inode), v->nd, v->nname, v->od, STEAL(v->back));
	return 0;
}

/* A socket's name takes another place; what was there goes. */
static int socket_rename(struct dentry *odir, struct dentry *ochild, struct dentry *ndir,
			 struct dentry *nchild, uint32_t flags)
{
	struct snode *od = snode_of(odir->inode), *nd = snode_of(ndir->inode);

	if (flags & RENAME_EXCHANGE)
		return -EINVAL;
	int err = nchild->inode ? dir_unlink(ndir, nchild) : 0;
	if (err == 0)
		err = local_add(nd, nchild->name, ochild->inode);
	if (err == 0)
		local_remove(od, ochild->name);
	return err;
}

static int dir_rename(struct dentry *odir, struct dentry *ochild, struct dentry *ndir,
		      struct dentry *nchild, uint32_t flags)
{
	bool to_local = nchild->inode && snode_of(nchild->inode)->local;
	if (snode_of(ochild->inode)->local)
		return socket_rename(odir, ochild, ndir, nchild, flags);
	if (to_local && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	if (nchild->inode && inode_is(nchild->inode, S_IFDIR) &&
	    !(flags & RENAME_EXCHANGE) && local_any(snode_of(nchild->inode)))
		return -ENOTEMPTY;
	autofree struct moving *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->od = snode_of(odir->inode);
	v->nd = snode_of(ndir->inode);
	v->oname = ochild->name;
	v->nname = nchild->name;
	autofree char *to = strdup(nchild->name), *back = strdup(ochild->name);
	if (!to || !back)
		return -ENOMEM;
	v->to = to;
	v->back = back;
	/* Stamps are of names. */
	ochild->priv = nchild->priv = NULL;
	moves_begin(v->od->m, /*write=*/true);
	int err = move_locked(v, ochild, nchild, flags);
	moves_end(v->od->m);
	/* What a place has taken over is no longer ours. */
	to = v->to;
	back = v->back;
	if (err < 0)
		return err;
	if (to_local)
		local_remove(snode_of(ndir->inode), nchild->name);
	if (nchild->inode && !(flags & RENAME_EXCHANGE))
		link_gone(nchild->inode);
	return 0;
}

/* --- reading --- */

/* One entry of the picture; names follow each other in `names`. */
struct shot_entry {
	size_t name;
	uint64_t ino;
	uint8_t type, size;
};

/* Hangs on file->priv, guarded by pos_lock. */
struct shot {
	struct shared *m;
	bool taken;
	struct shot_entry *entries;
	size_t count, room;
	char *names;
	size_t used, names_room;
};

static int grow(void **p, size_t *room, size_t need, size_t unit)
{
	if (need <= *room)
		return 0;
	size_t more = *room ? *room * 2 : 64;
	while (more < need)
		more *= 2;
	void *q = reallocarray(*p, more, unit);
	if (!q)
		return -ENOMEM;
	*p = q;
	*room = more;
	return 0;
}

static int shot_put(struct shot *s, const char *name, uint64_t ino, uint64_t mode)
{
	size_t size = strlen(name);
	void *entries = s->entries, *names = s->names;

	int err = grow(&entries, &s->room, s->count + 1, sizeof *s->entries);
	s->entries = entries;
	if (err == 0)
		err = grow(&names, &s->names_room, s->used + size + 1, 1);
	s->names = names;
	if (err < 0)
		return err;
	s->entries[s->count++] = (struct shot_entry){
		.name = s->used,
		.ino = ino,
		.type = (uint8_t)((mode & S_IFMT) >> 12), /* DT_* are the type bits */
		.size = (uint8_t)size,
	};
	memcpy(s->names + s->used, name, size + 1);
	s->used += size + 1;
	return 0;
}

static int shot_add(void *arg, const struct gofer_entry *e)
{
	struct shot *s = arg;
	return shot_put(s, e->name, shared_ino(s->m, e->attr->dev, e->attr->ino), e->attr->mode);
}

static int shot_add_local(void *arg, const char *name, const struct inode *i)
{
	struct shot *s = arg;
	/* The host's of the same name is the one that is seen. */
	for (size_t n = 0; n < s->count; n++)
		if (strcmp(s->names + s->entries[n].name, name) == 0)
			return 0;
	return shot_put(s, name, i->ino, S_IFSOCK);
}

static int shot_take(struct file *f)
{
	struct snode *d = snode_of(f->inode);
	struct shot *s = f->priv;
	struct spath path;

	s->count = s->used = 0;
	moves_begin(d->m, /*write=*/false);
	int err = node_path(d, NULL, &path);
	if (err == 0)
		err = gofer_list(d->m->gofer, d->m->root, path.at, NULL, shot_add, s);
	moves_end(d->m);
	if (err == 0)
		err = local_each(d, shot_add_local, s);
	s->taken = err == 0;
	/* Removed, but still open. */
	return err == -ESTALE ? -ENOENT : err;
}

static int dir_readdir(struct file *f, int64_t *pos, dirent_fn fn, void *arg)
{
	struct dentry *d = f->path.dentry;
	const struct shot *s = f->priv;
	int err = *pos == 0 || !s->taken ? shot_take(f) : 0;

	if (err < 0)
		return err;
	if (*pos == 0) {
		if (!fn(arg, ".", 1, d->inode->ino, DT_DIR, 1))
			return 0;
		*pos = 1;
	}
	if (*pos == 1) {
		autoput(dentry) struct dentry *parent = dentry_parent(d);
		if (!fn(arg, "..", 2, parent->inode->ino, DT_DIR, 2))
			return 0;
		*pos = 2;
	}
	while (*pos >= 2 && (uint64_t)*pos - 2 < s->count) {
		const struct shot_entry *e = &s->entries[*pos - 2];
		if (!fn(arg, s->names + e->name, e->size, e->ino, e->type, *pos + 1))
			break;
		++*pos;
	}
	file_accessed(f);
	return 0;
}

static int dir_sync(struct file *f, bool datasync)
{
	(void)datasync;
	return shared_sync(f->inode);
}

static void shot_free(struct shot *s)
{
	free(s->entries);
	free(s->names);
	free(s);
}

static void dir_release(struct file *f)
{
	shot_free(f->priv);
}

static const struct file_ops shared_dir_ops = {
	FILE_IS_DIR,
	.readdir = dir_readdir,
	.fsync = dir_sync,
	.release = dir_release,
};

int shared_dir_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	struct shot *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->m = snode_of(i)->m;
	int err = file_new(&shared_dir_ops, FILE_INODE, s, path, inode_get(i), cred, flags, out);
	if (err < 0)
		shot_free(s);
	return err;
}

const struct inode_ops shared_dir_inode_ops = {
	.lookup = dir_lookup,
	.create = dir_create,
	.link = dir_link,
	.unlink = dir_unlink,
	.rename = dir_rename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = shared_setattr,
	.getattr = shared_getattr,
	.open = shared_open,
	.getxattr = shared_getxattr,
	.setxattr = shared_setxattr,
	.removexattr = shared_removexattr,
	.listxattr = shared_listxattr,
	.evict = shared_dir_evict,
};
