/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was changed in the root file system, for who asks from outside.
 *
 * Whoever asks may fall asleep between two questions, for its reader does not read,
 * and the container must be able to end meanwhile.  So each question is a visit of
 * its own (boot_enter), and the end takes back what is still held between them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/fs/memfs/changes.h"
#include "sentry/vfs/dentry.h"

struct boot_changes {
	struct list link;
	struct boot_container *container; /* our reference */
	struct memfs_changes *walk; /* NULL: taken back */
	struct memfs_change now;    /* now.inode is the walk's */
	bool reading;		    /* now.inode's content is held */
	bool closed;		    /* nobody asks any more; the end frees it */
	char path[MEMFS_CHANGE_PATH];
};

static struct lock open_lock = LOCK_INIT(RANK_LEAF); /* the list and who is on it */
static struct list open_walks = LIST_INIT(open_walks);

void boot_changes_of(struct boot_container *c, struct fs *root)
{
	c->root_fs = fs_get(root);
}

static void finish_reading(struct boot_changes *c)
{
	if (c->reading)
		memfs_content_drop(c->now.inode);
	c->reading = false;
}

static void take_back(struct boot_changes *c)
{
	finish_reading(c);
	memfs_changes_free(STEAL(c->walk));
}

static void changes_free(struct boot_changes *c)
{
	boot_container_put(c->container);
	free(c);
}

/* No visitor is there any more. */
void boot_changes_release(struct boot_container *of)
{
	struct boot_changes *c, *next;
	struct list all = LIST_INIT(all);

	lock(&open_lock);
	list_for_each_safe (c, next, &open_walks, link) {
		if (c->container != of)
			continue;
		list_del(&c->link);
		list_append(&all, &c->link);
	}
	unlock(&open_lock);
	list_for_each_safe (c, next, &all, link) {
		list_del(&c->link);
		take_back(c);
		/* From now on, whoever closes it does the rest. */
		lock(&open_lock);
		bool closed = c->closed;
		c->closed = true;
		unlock(&open_lock);
		if (closed)
			changes_free(c);
	}
	if (of->root_fs)
		fs_put(STEAL(of->root_fs));
}

int boot_changes_open(struct boot_container *of, bool all, struct boot_changes **out)
{
	struct boot_changes *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	if (!boot_enter(of)) {
		free(c);
		return -ESRCH;
	}
	int err = of->root_fs ? memfs_changes_new(of->root_fs, all, &c->walk) : -EOPNOTSUPP;
	if (err == 0) {
		c->container = boot_container_get(of);
		lock(&open_lock);
		list_append(&open_walks, &c->link);
		unlock(&open_lock);
		*out = c;
	} else {
		free(c);
	}
	boot_leave(of);
	return err;
}

void boot_changes_close(struct boot_changes *c)
{
	bool here = boot_enter(c->container), over;
	if (here)
		take_back(c);
	lock(&open_lock);
	over = here || c->closed;
	c->closed = true;
	if (here)
		list_del(&c->link);
	unlock(&open_lock);
	if (here)
		boot_leave(c->container);
	if (over)
		changes_free(c);
}

static void describe(struct boot_changes *c, struct boot_change *out)
{
	const struct memfs_change *m = &c->now;
	struct kstat st;
	const char *slash;
	/* The walk may be taken back while it is looked at. */
	strcpy(c->path, m->path);
	slash = strrchr(c->path, '/');
	*out = (struct boot_change){.path = c->path,
				    .name = slash ? slash + 1 : c->path,
				    .whiteout = !m->inode,
				    .below = m->below};
	if (!m->inode || m->inode->ops->getattr(m->inode, &st) < 0)
		return;
	out->mode = st.mode;
	out->nlink = st.nlink;
	out->uid = st.uid;
	out->gid = st.gid;
	out->ino = st.ino;
	out->size = st.size;
	out->rdev = st.rdev;
	out->mtime_sec = st.mtime.sec;
	out->mtime_nsec = st.mtime.nsec;
}

int boot_changes_next(struct boot_changes *c, struct boot_change *out)
{
	if (!boot_enter(c->container))
		return -ESRCH;
	finish_reading(c);
	int more = memfs_changes_next(c->walk, &c->now);
	if (more > 0)
		describe(c, out);
	boot_leave(c->container);
	return more;
}

/* A question about the inode that came last. */
#define ASK(c, call)                                                                               \
	({                                                                                         \
		struct inode *i_ = (c)->now.inode;                                                 \
		int64_t r_ = -ESRCH;                                                               \
		if (boot_enter((c)->container)) {                                                     \
			r_ = i_->ops->call;                                                        \
			boot_leave((c)->container);                                                \
		}                                                                                  \
		r_;                                                                                \
	})

ssize_t boot_changes_listxattr(struct boot_changes *c, char *buf, size_t size)
{
	return ASK(c, listxattr(i_, buf, size));
}

ssize_t boot_changes_getxattr(struct boot_changes *c, const char *name, void *buf, size_t size)
{
	return ASK(c, getxattr(i_, name, buf, size));
}

ssize_t boot_changes_readlink(struct boot_changes *c, char *buf, size_t size)
{
	return ASK(c, readlink(i_, buf, size));
}

int boot_changes_read_begin(struct boot_changes *c)
{
	if (!boot_enter(c->container))
		return -ESRCH;
	int err = memfs_content_hold(c->now.inode);
	c->reading = err == 0;
	boot_leave(c->container);
	return err;
}

ssize_t boot_changes_read(struct boot_changes *c, void *buf, size_t size, uint64_t off)
{
	if (!boot_enter(c->container))
		return -ESRCH;
	ssize_t n = memfs_content_read(c->now.inode, buf, size, off);
	boot_leave(c->container);
	return n;
}

int64_t boot_changes_seek(struct boot_changes *c, uint64_t off, bool data)
{
	if (!boot_enter(c->container))
		return -ESRCH;
	uint64_t at = memfs_content_seek(c->now.inode, off, data);
	boot_leave(c->container);
	return at == MEMFS_NOWHERE ? -ENXIO : (int64_t)at;
}
