/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of shared files: what stat, chmod, utimensat, xattr calls do.
 *
 * Nearly all goes by path: the sentry's user namespace cannot even tell whose
 * an open file is.  A descriptor serves for what has lost its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/fs/gofer/shared.h"

/* ATTR_* that the gofer is asked for. */
enum { ATTR_HOST = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE | ATTR_ATIME | ATTR_MTIME };

static int stat_by_path(struct snode *n, struct gofer_attr *out)
{
	struct spath path;

	moves_begin(n->m, /*write=*/false);
	int err = node_path(n, NULL, &path);
	if (err == 0)
		err = gofer_stat(n->m->gofer, n->m->root, path.at, out);
	moves_end(n->m);
	return err < 0 ? err : node_is(n, out) ? 0 : -ESTALE;
}

int node_fstat_locked(struct snode *n, int fd, struct gofer_attr *out)
{
	const struct inode *i = n->inode;
	struct host_stat st;
	int err = host_fstat(fd, &st);
	if (err < 0)
		return err;
	*out = (struct gofer_attr){
		.ino = st.ino, .dev = st.dev, .rdev = st.rdev, .mode = st.mode, .nlink = st.nlink,
		.uid = i->uid, .gid = i->gid, .size = st.size, .blksize = st.blksize,
		.blocks = st.blocks, .atime_sec = st.atime_sec, .mtime_sec = st.mtime_sec,
		.ctime_sec = st.ctime_sec, .atime_nsec = st.atime_nsec,
		.mtime_nsec = st.mtime_nsec, .ctime_nsec = st.ctime_nsec,
		.btime_sec = n->btime_sec, .btime_nsec = n->btime_nsec,
	};
	return 0;
}

/* What became of its name does not matter to a file that is open. */
static int stat_by_fd(struct inode *i, struct gofer_attr *out)
{
	struct snode *n = snode_of(i);
	lock(&i->lock);
	int fd = node_fd_locked(n, /*writable=*/false);
	int err = fd < 0 ? -ESTALE : node_fstat_locked(n, fd, out);
	unlock(&i->lock);
	return err;
}

/* From what is known; false: it has to be asked. */
static bool stat_known(struct inode *i, struct kstat *out, uint64_t *out_stamp)
{
	struct snode *n = snode_of(i);
	if (n->m->watches)
		watches_read(n->m->watches);
	lock(&i->lock);
	bool known = node_known_locked(n);
	*out_stamp = node_stamp_locked(n);
	uint64_t blocks = n->blocks;
	uint32_t blksize = n->blksize;
	unlock(&i->lock);
	if (!known)
		return false;
	inode_fill_stat(i, out);
	out->blocks = blocks;
	out->blksize = blksize;
	return true;
}

int shared_getattr(struct inode *i, struct kstat *out)
{
	struct snode *n = snode_of(i);
	struct gofer_attr attr = {.blksize = 4096};

	if (n->local)
		return inode_getattr(i, out);
	uint32_t seen = __atomic_load_n(&n->changes, __ATOMIC_ACQUIRE);
	uint64_t stamp;
	if (stat_known(i, out, &stamp))
		return 0;
	int err = stat_by_path(n, &attr);
	if (err < 0)
		err = stat_by_fd(i, &attr);
	/* Somebody outside has removed it: what was last known of it, without a name. */
	bool gone = err == -ENOENT || err == -ESTALE || err == -ENOTDIR;
	if (err < 0 && !gone)
		return err;
	lock(&i->lock);
	bool late = __atomic_load_n(&n->changes, __ATOMIC_ACQUIRE) != seen;
	if (gone)
		__atomic_store_n(&i->nlink, 0, __ATOMIC_RELAXED);
	else
		node_refresh_locked(i, &attr);
	n->stamp = stamp;
	/* Something has changed while the gofer was answering. */
	if (late)
		node_forget(n);
	unlock(&i->lock);
	inode_fill_stat(i, out);
	if (!gone) {
		out->blksize = (uint32_t)attr.blksize;
		out->blocks = attr.blocks;
	}
	return 0;
}

static void change_fill(struct gofer_change *c, const struct iattr *a)
{
	*c = (struct gofer_change){
		.mask = (a->mask & ATTR_MODE ? GOFER_SET_MODE : 0u) |
			(a->mask & ATTR_UID ? GOFER_SET_UID : 0u) |
			(a->mask & ATTR_GID ? GOFER_SET_GID : 0u) |
			(a->mask & ATTR_SIZE ? GOFER_SET_SIZE : 0u) |
			(a->mask & ATTR_ATIME ? GOFER_SET_ATIME : 0u) |
			(a->mask & ATTR_MTIME ? GOFER_SET_MTIME : 0u),
		.mode = a->mode & 07777, .uid = a->uid, .gid = a->gid, .size = a->size,
		.atime_sec = a->atime.sec, .mtime_sec = a->mtime.sec,
		.atime_nsec = a->mask & ATTR_ATIME_NOW ? GOFER_TIME_NOW : a->atime.nsec,
		.mtime_nsec = a->mask & ATTR_MTIME_NOW ? GOFER_TIME_NOW : a->mtime.nsec,
	};
}

static int change_by_path(struct inode *i, const struct iattr *a)
{
	struct snode *n = snode_of(i);
	struct gofer_change c;
	struct gofer_attr attr;
	struct spath path;

	change_fill(&c, a);
	moves_begin(n->m, /*write=*/false);
	int err = node_path(n, NULL, &path);
	if (err == 0)
		err = gofer_setattr(n->m->gofer, n->m->root, path.at, &c, &attr);
	moves_end(n->m);
	if (err == 0)
		node_refresh_locked(i, &attr);
	return err;
}

/* The length through a descriptor: also of a file that has lost its name. */
static int resize_by_fd(struct inode *i, struct iattr *a)
{
	struct snode *n = snode_of(i);
	struct gofer_attr attr;
	int fd = node_fd_locked(n, /*writable=*/true);

	if (!(a->mask & ATTR_SIZE) || fd < 0)
		return 0;
	int err = host_ftruncate(fd, a->size);
	if (err < 0)
		return err;
	if (node_fstat_locked(n, fd, &attr) == 0)
		node_refresh_locked(i, &attr);
	/* That has set mtime and ctime too. */
	a->mask &= ~(uint32_t)(ATTR_SIZE | ATTR_CTIME);
	if (a->mask & ATTR_MTIME_NOW)
		a->mask &= ~(uint32_t)(ATTR_MTIME | ATTR_MTIME_NOW);
	return 0;
}

int shared_setattr(struct inode *i, const struct iattr *attr)
{
	struct iattr a = *attr;

	if (snode_of(i)->local)
		return inode_generic_setattr(i, attr);
	int err = node_raise_locked(snode_of(i));
	if (err == 0 || err == -ESTALE)
		err = resize_by_fd(i, &a);
	if (err < 0 || !(a.mask & ATTR_HOST))
		return err;
	err = change_by_path(i, &a);
	/* Without a name nobody else sees the owner, mode and times. */
	if (err == -ESTALE && !(a.mask & ATTR_SIZE))
		err = inode_generic_setattr(i, &a);
	return err;
}

/* A call about the node by its path. */
struct by_path {
	const char *name;
	const void *value;
	void *buf;
	size_t size;
	int flags;
};

typedef ssize_t (*path_fn)(struct shared *m, const char *path, const struct by_path *a);

static ssize_t by_path(struct inode *i, path_fn fn, const struct by_path *a)
{
	struct snode *n = snode_of(i);
	struct spath path;

	if (n->local)
		return -EOPNOTSUPP;
	moves_begin(n->m, /*write=*/false);
	ssize_t ret = node_path(n, NULL, &path);
	if (ret == 0)
		ret = fn(n->m, path.at, a);
	moves_end(n->m);
	return ret;
}

static ssize_t do_readlink(struct shared *m, const char *path, const struct by_path *a)
{
	return gofer_readlink(m->gofer, m->root, path, a->buf, a->size);
}

static ssize_t link_known(struct inode *i, char *buf, size_t size)
{
	ssize_t n = -1;
	lock(&i->lock);
	const char *target = snode_of(i)->target;
	if (target) {
		n = (ssize_t)min_u64(strlen(target), size);
		memcpy(buf, target, (size_t)n);
	}
	unlock(&i->lock);
	return n;
}

/* Without memory it is asked for again. */
static void link_remember(struct inode *i, const char *target)
{
	struct snode *n = snode_of(i);
	lock(&i->lock);
	if (!n->target)
		n->target = strdup(target);
	unlock(&i->lock);
}

ssize_t shared_readlink(struct inode *i, char *buf, size_t size)
{
	if (!inode_is(i, S_IFLNK))
		return -EINVAL;
	if (size == 0)
		return -EINVAL;
	/* One byte for the NUL, unless the target is cut anyway. */
	ssize_t n = link_known(i, buf, size);
	if (n < 0)
		n = by_path(i, do_readlink, &(struct by_path){.buf = buf, .size = size});
	if (n >= 0 && (size_t)n < size) {
		buf[n] = '\0';
		link_remember(i, buf);
	}
	return n;
}

static ssize_t do_getxattr(struct shared *m, const char *path, const struct by_path *a)
{
	return gofer_getxattr(m->gofer, m->root, path, a->name, a->buf, a->size);
}

ssize_t shared_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	return by_path(i, do_getxattr, &(struct by_path){.name = name, .buf = buf, .size = size});
}

static ssize_t do_setxattr(struct shared *m, const char *path, const struct by_path *a)
{
	return gofer_setxattr(m->gofer, m->root, path, a->name, a->value, a->size, a->flags);
}

/* A change by path of something else than attributes in the inode. */
static int change(struct inode *i, path_fn fn, const struct by_path *a)
{
	lock(&i->lock);
	int err = node_raise_locked(snode_of(i));
	unlock(&i->lock);
	if (err == 0)
		err = (int)by_path(i, fn, a);
	node_forget(snode_of(i));
	return err;
}

int shared_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags)
{
	return change(i, do_setxattr,
		      &(struct by_path){.name = name, .value = buf, .size = size, .flags = flags});
}

static ssize_t do_removexattr(struct shared *m, const char *path, const struct by_path *a)
{
	return gofer_removexattr(m->gofer, m->root, path, a->name);
}

int shared_removexattr(struct inode *i, const char *name)
{
	return change(i, do_removexattr, &(struct by_path){.name = name});
}

static ssize_t do_listxattr(struct shared *m, const char *path, const struct by_path *a)
{
	return gofer_listxattr(m->gofer, m->root, path, a->buf, a->size);
}

ssize_t shared_listxattr(struct inode *i, char *buf, size_t size)
{
	return by_path(i, do_listxattr, &(struct by_path){.buf = buf, .size = size});
}

static ssize_t do_sync(struct shared *m, const char *path, const struct by_path *a)
{
	(void)a;
	return gofer_sync(m->gofer, m->root, path);
}

int shared_sync(struct inode *i)
{
	ssize_t err = by_path(i, do_sync, &(struct by_path){.name = NULL});
	/* What has no name is gone after a crash anyway. */
	return err == -ESTALE || err == -ENOENT ? 0 : (int)err;
}
