/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes of the shared file system: made, recognised, brought up to date.
 *
 * A file with several names is one node for all of them, found by the host's
 * numbers; two names of a directory (the host may have it mounted twice) are
 * two nodes, so that places form a tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/gofer/goferfs.h"
#include "sentry/fs/gofer/shared.h"

static struct snode **bucket(struct shared *m, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ dev << 20) * 0x9e3779b97f4a7c15ull;
	return &m->nodes[h >> 32 & (SHARED_HASH - 1)];
}

uint64_t shared_ino(const struct shared *m, uint64_t dev, uint64_t ino)
{
	/* Other file systems below the root may have the same numbers. */
	return dev == m->root_dev ? ino : ino ^ (dev * 0x9e3779b97f4a7c15ull) << 32;
}

static bool same_numbers(const struct snode *n, const struct gofer_attr *attr)
{
	return n->dev == attr->dev && n->ino == attr->ino && n->btime_sec == attr->btime_sec &&
	       n->btime_nsec == attr->btime_nsec &&
	       inode_is(n->inode, (uint32_t)attr->mode & S_IFMT);
}

/* Where nobody else is, what a name led to is what it leads to, though copying up changes numbers. */
bool node_is(const struct snode *n, const struct gofer_attr *attr)
{
	return n->m->own ? inode_is(n->inode, (uint32_t)attr->mode & S_IFMT)
			 : same_numbers(n, attr);
}

void node_forget(struct snode *n)
{
	__atomic_fetch_add(&n->changes, 1, __ATOMIC_RELEASE);
}

uint64_t node_stamp_locked(const struct snode *n)
{
	struct shared *m = n->m;
	uint64_t stamp = 0;

	if (!n->told)
		return 0;
	if (inode_is(n->inode, S_IFDIR))
		return watch_stamp(m->watches, n->told, NULL);
	/* A change by another name is told elsewhere. */
	if (n->inode->nlink != 1)
		return 0;
	lock(&m->lock);
	if (n->place)
		stamp = watch_stamp(m->watches, n->told, n->place->name);
	unlock(&m->lock);
	return stamp;
}

bool node_known_locked(const struct snode *n)
{
	if (n->known != __atomic_load_n(&n->changes, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&n->mapped, __ATOMIC_RELAXED))
		return false;
	return n->m->own || (n->stamp && n->stamp == node_stamp_locked(n));
}

struct watch *dir_watch_locked(struct snode *d)
{
	struct shared *m = d->m;
	struct spath path;

	if (d->told && watch_stamp(m->watches, d->told, NULL) == 0) {
		watch_put(STEAL(d->told));
		d->unwatched = true;
	}
	if (!m->watches || d->told || d->unwatched)
		return d->told;
	moves_begin(m, /*write=*/false);
	if (node_path(d, NULL, &path) == 0)
		d->told = watch_path(m->watches, m->gofer, m->root, path.at);
	moves_end(m);
	d->unwatched = !d->told;
	return d->told;
}

/* A file found in that directory, and its inode brought up to date since. */
static void told_locked(struct snode *n, struct watch *w, uint64_t stamp)
{
	if (inode_is(n->inode, S_IFDIR))
		return;
	if (n->told != w) {
		watch_put(n->told);
		n->told = w ? watch_get(w) : NULL;
	}
	n->stamp = stamp;
}

/* The type bits never change, and are read without the lock: TSan need not see the store. */
__attribute__((no_sanitize("thread"), noinline)) static void mode_store(struct inode *i,
									uint64_t mode)
{
	*(volatile uint32_t *)&i->mode = (i->mode & S_IFMT) | ((uint32_t)mode & S_IALLUGO);
}

void node_refresh_locked(struct inode *i, const struct gofer_attr *a)
{
	struct snode *n = snode_of(i);
	struct ktime mtime = {a->mtime_sec, (uint32_t)a->mtime_nsec};

	n->known = __atomic_add_fetch(&n->changes, 1, __ATOMIC_ACQ_REL);
	n->blocks = a->blocks;
	n->blksize = (uint32_t)a->blksize;
	if (i->size != a->size || i->mtime.sec != mtime.sec || i->mtime.nsec != mtime.nsec)
		__atomic_fetch_add(&i->generation, 1, __ATOMIC_RELAXED);
	mode_store(i, a->mode);
	i->uid = (uint32_t)a->uid;
	i->gid = (uint32_t)a->gid;
	__atomic_store_n(&i->nlink, (uint32_t)a->nlink, __ATOMIC_RELAXED);
	i->size = a->size;
	i->atime = (struct ktime){a->atime_sec, (uint32_t)a->atime_nsec};
	i->mtime = mtime;
	i->ctime = (struct ktime){a->ctime_sec, (uint32_t)a->ctime_nsec};
}

static void shared_evict(struct inode *i)
{
	struct snode *n = snode_of(i);
	struct shared *m = n->m;

	if (n->is_root)
		locals_free(m);
	lock(&m->lock);
	if (n->hashed) {
		struct snode **p = bucket(m, n->dev, n->ino);
		while (*p != n)
			p = &(*p)->hash_next;
		*p = n->hash_next;
	}
	unlock(&m->lock);
	/* Nobody else can see it: the lock of the inode is not needed, nor allowed. */
	node_drop_spare_locked(n);
	assert(list_empty(&n->fds));
	place_put(n->place);
	free(n->target);
	watch_put(n->told);
	free(n);
}

static const struct inode_ops shared_inode_ops = {
	INODE_NO_NAMES,
	.readlink = shared_readlink,
	.follow = inode_nofollow,
	.setattr = shared_setattr,
	.getattr = shared_getattr,
	.open = shared_open,
	.getxattr = shared_getxattr,
	.setxattr = shared_setxattr,
	.removexattr = shared_removexattr,
	.listxattr = shared_listxattr,
	.evict = shared_evict,
};

void shared_dir_evict(struct inode *i)
{
	shared_evict(i);
}

/* The node of a file that is known by another name, its inode referenced. */
static struct snode *node_find_locked(struct shared *m, const struct gofer_attr *a)
{
	struct snode *n;
	for (n = *bucket(m, a->dev, a->ino); n; n = n->hash_next)
		if (same_numbers(n, a) && ref_tryget(&n->inode->ref))
			break;
	return n;
}

static int node_alloc(struct shared *m, const struct gofer_attr *a, struct inode **out)
{
	bool is_dir = mode_is((uint32_t)a->mode, S_IFDIR);
	struct snode *n = calloc(1, sizeof *n);
	struct inode *i;

	if (!n)
		return -ENOMEM;
	*n = (struct snode){.m = m, .dev = a->dev, .ino = a->ino, .btime_sec = a->btime_sec,
			    .btime_nsec = a->btime_nsec, .known = UINT32_MAX,
			    .lower = a->flags & GOFER_LOWER};
	list_init(&n->fds);
	int err = inode_new(m->fs, is_dir ? &shared_dir_inode_ops : &shared_inode_ops,
			    (uint32_t)a->mode, n, &i);
	if (err < 0) {
		free(n);
		return err;
	}
	n->inode = i;
	i->ino = shared_ino(m, a->dev, a->ino);
	i->rdev = a->rdev;
	if (a->btime_sec || a->btime_nsec)
		i->btime = (struct ktime){a->btime_sec, (uint32_t)a->btime_nsec};
	*out = i;
	return 0;
}

static void hash_locked(struct snode *n)
{
	struct snode **b = bucket(n->m, n->dev, n->ino);
	n->hash_next = *b;
	*b = n;
	n->hashed = true;
}

/* What was copied up has another number from now on. */
static void renumber(struct snode *n, const struct gofer_attr *a)
{
	lock(&n->m->lock);
	n->dev = a->dev;
	n->ino = a->ino;
	n->btime_sec = a->btime_sec;
	n->btime_nsec = a->btime_nsec;
	if (!n->hashed)
		hash_locked(n);
	unlock(&n->m->lock);
}

int node_raise_locked(struct snode *n)
{
	struct gofer_attr attr;
	struct spath path;

	if (!n->lower)
		return 0;
	moves_begin(n->m, /*write=*/false);
	int err = node_path(n, NULL, &path);
	if (err == 0)
		err = gofer_copyup(n->m->gofer, n->m->root, path.at, &attr);
	if (err == 0)
		err = node_reopen_locked(n, path.at);
	moves_end(n->m);
	if (err < 0)
		return err;
	renumber(n, &attr);
	n->lower = false;
	node_refresh_locked(n->inode, &attr);
	return 0;
}

/*
 * A node for attr; one that is there already for files, unless they are the lower layer's: their
 * names part when one is copied up.
 */
static int node_obtain(struct shared *m, const struct gofer_attr *a, struct inode **out,
		       bool *out_fresh)
{
	bool alone = mode_is((uint32_t)a->mode, S_IFDIR) || (a->flags & GOFER_LOWER);
	struct inode *fresh;
	struct snode *old = NULL;

	int err = node_alloc(m, a, &fresh);
	if (err < 0)
		return err;
	lock(&m->lock);
	if (!alone)
		old = node_find_locked(m, a);
	if (!alone && !old)
		hash_locked(snode_of(fresh));
	unlock(&m->lock);
	*out = old ? old->inode : fresh;
	*out_fresh = !old;
	if (old)
		inode_put(fresh);
	return 0;
}

int node_make(struct shared *m, const struct gofer_attr *attr, struct snode *dir, const char *name,
	      uint64_t stamp, struct inode **out)
{
	autoput(inode) struct inode *i = NULL;
	bool fresh;
	int err = node_obtain(m, attr, &i, &fresh);
	if (err == 0 && dir)
		err = node_seen(snode_of(i), dir, name);
	if (err < 0)
		return err;
	/* What is known may be newer than this answer, and stays true if nobody else is there. */
	if (fresh || !m->own) {
		/* A directory is new and seen by nobody; a file comes after its directory. */
		lock_nested(&i->lock);
		node_refresh_locked(i, attr);
		if (fresh && dir)
			told_locked(snode_of(i), dir->told, stamp);
		unlock(&i->lock);
	}
	if (!fresh && !m->own)
		node_forget(snode_of(i));
	*out = STEAL(i);
	return 0;
}

int node_make_local(struct shared *m, const struct node_spec *spec, struct inode **out)
{
	struct gofer_attr attr = {.mode = spec->mode, .dev = UINT64_MAX};
	int err = node_alloc(m, &attr, out);
	if (err < 0)
		return err;
	snode_of(*out)->local = true;
	(*out)->ino = fs_next_ino(m->fs) | 1ull << 48;
	(*out)->uid = spec->uid;
	(*out)->gid = spec->gid;
	return 0;
}

/*
 * In a rename the child may be the other directory, whose lock this very
 * thread holds: what cannot be locked at once is brought up to date next time.
 */
static bool refresh_child(struct inode *i, const struct gofer_attr *attr, uint32_t seen,
			  struct watch *w, uint64_t stamp) NO_LOCK_ANALYSIS
{
	struct snode *n = snode_of(i);
	if (pthread_mutex_trylock(&i->lock.mutex) != 0)
		return false;
	node_drop_spare_locked(n);
	bool late = __atomic_load_n(&n->changes, __ATOMIC_ACQUIRE) != seen;
	node_refresh_locked(i, attr);
	told_locked(n, w, stamp);
	if (late)
		node_forget(n);
	pthread_mutex_unlock(&i->lock.mutex);
	return true;
}

static bool local_holds(struct snode *dir, const struct dentry *d)
{
	autoput(inode) struct inode *i = local_find(dir, d->name);
	return i == d->inode;
}

/* Nobody else changes it; but of several names the one that led there may have been removed. */
static bool holds_still(struct dentry *d)
{
	struct snode *n = d->inode ? snode_of(d->inode) : NULL;
	if (!n || n->local)
		return true;
	lock(&n->m->lock);
	bool placed = n->place;
	unlock(&n->m->lock);
	return placed || node_seen(n, snode_of(d->parent->inode), d->name) == 0;
}

/* Nobody has told of a change of this name since that stamp. */
static bool unchanged(struct dentry *d, const struct watch *w, uint64_t stamp)
{
	struct inode *i = d->inode;
	bool file = i && !inode_is(i, S_IFDIR);
	if (stamp == 0)
		return false;
	/* Another name of the file may have been changed. */
	if (file && __atomic_load_n(&i->nlink, __ATOMIC_RELAXED) != 1)
		return false;
	/* Just found, and not asked about since. */
	if (!d->priv && file) {
		lock_nested(&i->lock); /* a file comes after its directory */
		if (snode_of(i)->told == w && snode_of(i)->stamp == stamp)
			d->priv = (void *)(uintptr_t)stamp;
		unlock(&i->lock);
	}
	return (uintptr_t)d->priv == stamp;
}

static int ask(struct snode *dir, const char *name, struct gofer_attr *out)
{
	struct spath path;
	moves_begin(dir->m, /*write=*/false);
	int err = node_path(dir, name, &path);
	if (err == 0)
		err = gofer_stat(dir->m->gofer, dir->m->root, path.at, out);
	moves_end(dir->m);
	return err;
}

static bool shared_revalidate(struct dentry *d)
{
	struct snode *dir = snode_of(d->parent->inode);
	struct gofer_attr attr;
	struct watch *w;
	uint64_t stamp = 0;

	if (dir->m->own)
		return holds_still(d);
	if ((w = dir_watch_locked(dir))) {
		watches_read(dir->m->watches);
		stamp = watch_stamp(dir->m->watches, w, d->name);
	}
	if (unchanged(d, w, stamp))
		return holds_still(d);
	/* What was not there is asked for again. */
	if (!d->inode && !stamp)
		return false;
	struct snode *n = d->inode ? snode_of(d->inode) : NULL;
	uint32_t seen = n ? __atomic_load_n(&n->changes, __ATOMIC_ACQUIRE) : 0;
	d->priv = NULL;
	int err = ask(dir, d->name, &attr);
	if (n && n->local)
		return err == -ENOENT && local_holds(dir, d);
	if (!n && err == -ENOENT)
		d->priv = (void *)(uintptr_t)stamp;
	if (!n)
		return err == -ENOENT;
	if (err < 0 || !node_is(n, &attr))
		return false;
	if (node_seen(n, dir, d->name) < 0)
		return false;
	if (refresh_child(d->inode, &attr, seen, w, stamp))
		d->priv = (void *)(uintptr_t)stamp;
	return true;
}

static int shared_statfs(struct fs *fs, struct kstatfs *out)
{
	struct shared *m = fs->priv;
	struct gofer_statfs s;
	int err = gofer_statfs(m->gofer, m->root, "", &s);
	if (err < 0)
		return err;
	*out = (struct kstatfs){
		.type = s.type, .bsize = s.bsize, .blocks = s.blocks, .bfree = s.bfree,
		.bavail = s.bavail, .files = s.files, .ffree = s.ffree, .namelen = s.namelen,
		.frsize = s.frsize, .flags = s.flags, .fsid = s.fsid,
	};
	if (m->own)
		out->type = OVERLAYFS_SUPER_MAGIC;
	return 0;
}

static void shared_show(struct fs *fs, char *buf, size_t size)
{
	(void)fs;
	if (size)
		buf[0] = '\0';
}

static void shared_destroy(struct fs *fs)
{
	struct shared *m = fs->priv;
	pthread_rwlock_destroy(&m->moves);
	watches_free(m->watches);
	gofer_client_free(m->gofer);
	free(m);
}

static const struct fs_ops shared_fs_ops[] = {
#define FS(kind, n)                                                                                \
	[kind] = {                                                                                 \
		.name = n, .revalidate = shared_revalidate, .statfs = shared_statfs,               \
		.show = shared_show, .destroy = shared_destroy, .pinned = false,                   \
		.nodev_listed = true,                                                              \
	},
	FS(GOFERFS_SHARED, "gofer")
	FS(GOFERFS_WATCHED, "overlay")
	FS(GOFERFS_LAYERED, "overlay")
#undef FS
};

static struct shared *shared_new(struct gofer *g, unsigned root, uint64_t root_dev)
{
	pthread_rwlockattr_t attr;
	struct shared *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	*m = (struct shared){.gofer = g, .root = root, .root_dev = root_dev};
	lock_init(&m->lock, RANK_LEAF);
	list_init(&m->locals);
	pthread_rwlockattr_init(&attr);
	/* Nobody reads twice, and a rename shall not wait for ever. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->moves, &attr);
	pthread_rwlockattr_destroy(&attr);
	return m;
}

static int root_new(struct shared *m, const struct gofer_attr *attr)
{
	struct inode *i;
	int err = node_make(m, attr, NULL, NULL, 0, &i);
	if (err < 0)
		return err;
	struct place *p = place_new(NULL, "");
	if (!p) {
		inode_put(i);
		return -ENOMEM;
	}
	node_set_place(snode_of(i), p);
	snode_of(i)->is_root = true;
	err = dentry_new_root(m->fs, i);
	if (err < 0)
		inode_put(i);
	return err;
}

int goferfs_new(struct gofer *g, unsigned root, enum goferfs_kind kind, struct fs **out)
{
	struct gofer_attr attr;
	struct fs *fs;
	int err = gofer_stat(g, root, "", &attr);
	if (err < 0)
		return err;
	struct shared *m = shared_new(g, root, attr.dev);
	if (!m)
		return -ENOMEM;
	m->own = kind == GOFERFS_LAYERED;
	if (kind == GOFERFS_WATCHED && (err = watches_new(g, &m->watches)) < 0) {
		pthread_rwlock_destroy(&m->moves);
		free(m);
		return err;
	}
	err = fs_new(&shared_fs_ops[kind], m, &fs);
	if (err < 0) {
		watches_free(m->watches);
		pthread_rwlock_destroy(&m->moves);
		free(m);
		return err;
	}
	gofer_client_get(g);
	m->fs = fs;
	err = root_new(m, &attr);
	if (err < 0) {
		fs_put(fs);
		return err;
	}
	*out = fs;
	return 0;
}
