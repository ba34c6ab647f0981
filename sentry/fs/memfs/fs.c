/* SPDX-License-Identifier: Apache-2.0 */
/* A memory file system as a whole, and the life and attributes of its inodes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/private.h"
#include "syscalls/abi/fcntl.h"

static const struct inode_ops *ops_for(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &memfs_dir_inode_ops;
	case S_IFREG:
		return &memfs_file_inode_ops;
	case S_IFLNK:
		return &memfs_link_inode_ops;
	default:
		return &memfs_special_inode_ops;
	}
}

/* All of the sandbox.  An inode costs less than a page; there are as many as half the pages. */
static struct budget all_pages, all_inodes;

void memfs_set_limit(uint64_t bytes)
{
	__atomic_store_n(&all_pages.limit, bytes >> PAGE_SHIFT, __ATOMIC_RELAXED);
	__atomic_store_n(&all_inodes.limit, (bytes >> PAGE_SHIFT) / 2, __ATOMIC_RELAXED);
}

int node_new(struct memfs *m, uint32_t mode, bool charged, struct inode **out)
{
	int err = charged ? budget_take(&m->inodes, 1) : 0;
	if (err < 0)
		return err;
	struct node *n = calloc(1, sizeof *n);
	err = n ? inode_new(m->fs, ops_for(mode), mode, n, out) : -ENOMEM;
	if (err < 0) {
		free(n);
		budget_give(&m->inodes, charged);
		return err;
	}
	n->m = m;
	n->charged = charged;
	n->inode = *out;
	if (m->gofer)
		(*out)->ino |= OWN_INO;
	n->lower_fd = -1;
	n->changed = n->own_xattrs = true;
	n->seals = F_SEAL_SEAL; /* only memfd_create makes files that can be sealed */
	list_init(&n->xattrs);
	list_init(&n->idle);
	content_init(&n->content, &m->pages);
	if (S_ISDIR(mode)) {
		(*out)->nlink = 2;
		(*out)->size = m->gofer ? PAGE_SIZE : 2 * DIRENT_SIZE;
	}
	return 0;
}

void node_evict(struct inode *i)
{
	struct node *n = node_of(i);
	links_remove(n);
	lower_forget(n);
	content_free(&n->content);
	xattrs_free(n);
	origin_put(n->origin);
	free(n->target);
	budget_give(&n->m->inodes, n->charged);
	free(n);
}

int node_getattr(struct inode *i, struct kstat *out)
{
	struct node *n = node_of(i);
	lock(&i->lock);
	inode_fill_stat_locked(i, out);
	if (!S_ISREG(i->mode))
		out->blocks = 0;
	else if (n->changed)
		out->blocks = content_pages(&n->content) * (PAGE_SIZE / 512);
	unlock(&i->lock);
	return 0;
}

int node_setattr(struct inode *i, const struct iattr *a)
{
	struct node *n = node_of(i);
	if ((a->mask & ATTR_MODE) && (n->seals & F_SEAL_EXEC) && ((i->mode ^ a->mode) & 0111))
		return -EPERM;
	if (a->mask & ATTR_SIZE) {
		int err = S_ISREG(i->mode) ? file_resize_locked(i, a->size) : -EINVAL;
		if (err < 0)
			return err;
	}
	node_altered(i);
	if (a->mask & (ATTR_UID | ATTR_GID))
		xattrs_drop_caps_locked(i);
	return inode_generic_setattr(i, a);
}

bool memfs_inode_changed(struct inode *i)
{
	return node_of(i)->changed;
}

static ssize_t link_read(struct inode *i, char *buf, size_t size)
{
	const char *target = node_of(i)->target;
	size_t n = strlen(target);
	if (size == 0)
		return -EINVAL;
	memcpy(buf, target, min_u64(n + 1, size));
	buf[size - 1] = '\0';
	return (ssize_t)min_u64(n, size - 1);
}

#define COMMON_OPS                                                                                 \
	INODE_NO_NAMES, .follow = inode_nofollow,                                                   \
	.setattr = node_setattr, .getattr = node_getattr, .getxattr = memfs_getxattr,              \
	.setxattr = memfs_setxattr, .removexattr = memfs_removexattr,                              \
	.listxattr = memfs_listxattr, .evict = node_evict

const struct inode_ops memfs_file_inode_ops = {
	COMMON_OPS,
	.readlink = inode_noreadlink,
	.open = memfs_open,
};

const struct inode_ops memfs_link_inode_ops = {
	COMMON_OPS,
	.readlink = link_read,
	.open = inode_noopen,
};

const struct inode_ops memfs_special_inode_ops = {
	COMMON_OPS,
	.readlink = inode_noreadlink,
	.open = memfs_open,
};

/* What the lower file system has, for an overlay without limits of its own: programs ask df. */
static int lower_statfs(struct memfs *m, struct kstatfs *out)
{
	struct gofer_statfs st;
	int err = gofer_statfs(m->gofer, m->root, m->lower_path, &st);
	if (err < 0)
		return err;
	*out = (struct kstatfs){
		.bsize = st.bsize,
		.blocks = st.blocks,
		.bfree = st.bfree,
		.bavail = st.bavail,
		.files = st.files,
		.ffree = st.ffree,
		.frsize = st.frsize,
	};
	return 0;
}

static uint64_t budget_left(const struct budget *b)
{
	uint64_t used = __atomic_load_n(&b->used, __ATOMIC_RELAXED);
	uint64_t limit = __atomic_load_n(&b->limit, __ATOMIC_RELAXED);
	uint64_t left = limit > used ? limit - used : 0;
	return b->of && __atomic_load_n(&b->of->limit, __ATOMIC_RELAXED)
		       ? min_u64(left, budget_left(b->of))
		       : left;
}

static int memfs_statfs(struct fs *fs, struct kstatfs *out)
{
	struct memfs *m = fs->priv;
	*out = (struct kstatfs){.bsize = PAGE_SIZE, .frsize = PAGE_SIZE};
	if (m->gofer && !m->pages.limit) {
		int err = lower_statfs(m, out);
		if (err < 0)
			return err;
	} else {
		out->blocks = m->pages.limit;
		out->bfree = out->bavail = budget_left(&m->pages);
		out->files = m->inodes.limit;
		out->ffree = budget_left(&m->inodes);
	}
	out->type = strcmp(m->name, "overlay") == 0 ? OVERLAYFS_SUPER_MAGIC : TMPFS_MAGIC;
	out->namelen = 255;
	out->fsid = fs->dev;
	return 0;
}

/* As tmpfs prints them: what is at its default is left out. */
static void memfs_show(struct fs *fs, char *buf, size_t size)
{
	struct memfs *m = fs->priv;
	size_t at = 0;
	buf[0] = '\0';
	if (m->gofer && !m->pages.limit)
		return;
#define SHOW(cond, ...)                                                                            \
	if ((cond) && at < size)                                                                   \
	at += (size_t)snprintf(buf + at, size - at, __VA_ARGS__)
	SHOW(m->pages.limit && m->pages.limit != all_pages.limit, ",size=%lluk",
	     (unsigned long long)(m->pages.limit << PAGE_SHIFT) / 1024);
	SHOW(m->inodes.limit && m->inodes.limit != all_inodes.limit, ",nr_inodes=%llu",
	     (unsigned long long)m->inodes.limit);
	SHOW(m->mode != 01777, ",mode=%o", m->mode);
	SHOW(m->uid, ",uid=%u", m->uid);
	SHOW(m->gid, ",gid=%u", m->gid);
#undef SHOW
}

static void memfs_destroy(struct fs *fs)
{
	struct memfs *m = fs->priv;
	gofer_client_free(m->gofer);
	free(m->lower_path);
	free(m);
}

static const struct fs_ops memfs_fs_ops[] = {
#define FS(n)                                                                                      \
	{                                                                                          \
		.name = n, .statfs = memfs_statfs, .show = memfs_show, .destroy = memfs_destroy,   \
		.fold = memfs_fold, .pinned = true, .nodev_listed = true,                          \
	}
	FS("tmpfs"),
	FS("devtmpfs"),
	FS("devpts"),
	FS("overlay"),
#undef FS
};

static const struct fs_ops *fs_ops_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(memfs_fs_ops); i++)
		if (strcmp(memfs_fs_ops[i].name, name) == 0)
			return &memfs_fs_ops[i];
	return NULL;
}

/* The root directory, from the options or from below. */
static int root_new(struct memfs *m, const struct memfs_options *o)
{
	autoput(inode) struct inode *root = NULL;
	uint32_t mode = S_IFDIR | (o->mode & 07777);
	struct gofer_attr attr;
	int err = m->gofer ? gofer_stat(m->gofer, m->root, m->lower_path, &attr) : 0;
	if (err < 0)
		return err;
	if (m->gofer)
		mode = (uint32_t)attr.mode;
	/* A file of its own, for a bind mount of one. */
	if (!S_ISDIR(mode) && !S_ISREG(mode))
		return -ENOTDIR;
	if ((err = node_new(m, mode, /*charged=*/true, &root)) < 0)
		return err;
	struct node *n = node_of(root);
	root->uid = o->uid;
	root->gid = o->gid;
	if (m->gofer) {
		n->origin = origin_new(NULL, m->lower_path);
		if (!n->origin)
			return -ENOMEM;
		node_set_attr(root, &attr);
		node_identify(root, &attr);
		n->changed = n->own_xattrs = false;
	}
	err = dentry_new_root(m->fs, root);
	if (err == 0)
		STEAL(root);
	return err;
}

int memfs_new(const struct memfs_options *o, struct fs **out)
{
	const struct fs_ops *ops = fs_ops_named(o->name);
	if (!ops)
		return -EINVAL;
	struct memfs *m = calloc(1, sizeof *m);
	char *path = strdup(o->lower.gofer ? o->lower.path : "");
	if (!m || !path) {
		free(m);
		free(path);
		return -ENOMEM;
	}
	*m = (struct memfs){
		.name = ops->name,
		.pages.limit = PAGE_ALIGN(o->size_limit) >> PAGE_SHIFT,
		.pages.of = &all_pages,
		.inodes.limit = o->inode_limit,
		.inodes.of = &all_inodes,
		.mode = o->mode,
		.uid = o->uid,
		.gid = o->gid,
		.gofer = o->lower.gofer,
		.root = o->lower.root,
		.lower_path = path,
	};
	lock_init(&m->lower_lock, RANK_LEAF);
	list_init(&m->idle);
	int err = fs_new(ops, m, &m->fs);
	if (err < 0) {
		free(path);
		free(m);
		return err;
	}
	struct fs *fs = m->fs;
	if (m->gofer)
		gofer_client_get(m->gofer);
	err = root_new(m, o);
	if (err < 0) {
		fs_put(fs);
		return err;
	}
	*out = fs;
	return 0;
}
