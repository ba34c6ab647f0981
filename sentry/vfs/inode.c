/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes and file systems: life, times, attributes.
 *
 * A file system has two counts.  `ref` is held by mounts and whoever else uses
 * it as a whole; at zero its tree of names is dropped.  `memory` is held by
 * every inode and once by all of `ref`; at zero it is destroyed.  So the root's
 * inode may point back at its file system without keeping it alive for ever.
 */
#include "sentry/vfs/inode.h"

#include <stdlib.h>

#include "platform/base/count.h"
#include "sentry/sync/timer.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/lock.h"
#include "syscalls/abi/errno.h"

int fs_new(const struct fs_ops *ops, void *priv, struct fs **out)
{
	/* Minor numbers of device 0, as Linux gives to file systems without a device. */
	static uint32_t last_minor = 0;
	struct fs *fs = calloc(1, sizeof *fs);
	if (!fs)
		return -ENOMEM;
	ref_init(&fs->ref);
	ref_init(&fs->memory);
	lock_init(&fs->rename_lock, RANK_RENAME);
	fs->ops = ops;
	fs->priv = priv;
	fs->next_ino = 1;
	fs->user_ns = user_ns_get(&user_first);
	fs->dev = abi_makedev(0, __atomic_add_fetch(&last_minor, 1, __ATOMIC_RELAXED));
	*out = fs;
	count_new(fs);
	return 0;
}

static void fs_put_memory(struct fs *fs)
{
	if (!ref_put(&fs->memory))
		return;
	fs->ops->destroy(fs);
	user_ns_put(fs->user_ns);
	free(fs);
	count_gone(fs);
}

void fs_own(struct fs *fs, struct user_ns *owner)
{
	struct user_ns *old = fs->user_ns;
	fs->user_ns = user_ns_get(owner);
	user_ns_put(old);
}

struct fs *fs_get(struct fs *fs)
{
	ref_get(&fs->ref);
	return fs;
}

void fs_put(struct fs *fs)
{
	if (!ref_put(&fs->ref))
		return;
	if (fs->root) {
		dentry_kill_tree(fs->root);
		dentry_put(STEAL(fs->root));
	}
	fs_put_memory(fs);
}

uint64_t fs_next_ino(struct fs *fs)
{
	return __atomic_fetch_add(&fs->next_ino, 1, __ATOMIC_RELAXED);
}

/*
 * Times of files come from the clock of ticks, but of one whose ctime was looked at since it last
 * changed, from the exact one: so a change never hides behind a time that was seen.  No time is
 * before an exact one that was given out earlier, unless the clock was set back.
 */
static const int64_t tick_max_ns = 20000000;
static int64_t newest_exact_ns; /* a */

static struct ktime ktime_of(int64_t ns)
{
	return (struct ktime){ns / NSEC_PER_SEC, (uint32_t)(ns % NSEC_PER_SEC)};
}

static struct ktime ktime_exact(void)
{
	int64_t ns = clock_real_ns();

	__atomic_store_n(&newest_exact_ns, ns, __ATOMIC_RELAXED);
	return ktime_of(ns);
}

static struct ktime ktime_coarse(void)
{
	int64_t ns = clock_real_coarse_ns();
	int64_t newest = __atomic_load_n(&newest_exact_ns, __ATOMIC_RELAXED);

	return ktime_of(newest > ns && newest - ns <= tick_max_ns ? newest : ns);
}

int inode_new(struct fs *fs, const struct inode_ops *ops, uint32_t mode, void *priv,
	      struct inode **out)
{
	struct inode *i = calloc(1, sizeof *i);
	if (!i)
		return -ENOMEM;
	ref_init(&i->ref);
	lock_init(&i->lock, RANK_INODE);
	ref_get(&fs->memory);
	i->fs = fs;
	i->ops = ops;
	i->mode = mode;
	i->priv = priv;
	i->nlink = 1;
	i->ino = fs_next_ino(fs);
	i->atime = i->mtime = i->ctime = i->btime = ktime_exact();
	*out = i;
	count_new(inode);
	return 0;
}

struct inode *inode_get(struct inode *i)
{
	ref_get(&i->ref);
	return i;
}

void inode_put(struct inode *i)
{
	if (!ref_put(&i->ref))
		return;
	struct fs *fs = i->fs;
	i->ops->evict(i);
	lock_free_list(i);
	free(i->label);
	free(i);
	count_gone(inode);
	fs_put_memory(fs);
}

void inode_touch_locked(struct inode *i, uint32_t attr_times)
{
	bool change = attr_times & ~(uint32_t)(ATTR_ATIME | ATTR_ATIME_NOW);
	struct ktime now = change && i->looked_at ? ktime_exact() : ktime_coarse();

	lock_assert_held(&i->lock);
	if (change)
		i->looked_at = false;
	if (attr_times & (ATTR_ATIME | ATTR_ATIME_NOW))
		i->atime = now;
	if (attr_times & (ATTR_MTIME | ATTR_MTIME_NOW))
		i->mtime = now;
	if (attr_times & ATTR_CTIME)
		i->ctime = now;
}

void inode_fill_stat_locked(struct inode *i, struct kstat *out)
{
	lock_assert_held(&i->lock);
	*out = (struct kstat){.dev = i->fs->dev, .ino = i->ino, .rdev = i->rdev, .blksize = 4096};
	out->mode = i->mode;
	out->nlink = i->nlink;
	out->uid = i->uid;
	out->gid = i->gid;
	out->size = i->size;
	out->blocks = i->size / 512 + !!(i->size % 512);
	out->atime = i->atime;
	out->mtime = i->mtime;
	out->ctime = i->ctime;
	out->btime = i->btime;
	i->looked_at = true;
}

void inode_fill_stat(struct inode *i, struct kstat *out)
{
	lock(&i->lock);
	inode_fill_stat_locked(i, out);
	unlock(&i->lock);
}

/*
 * The type bits beside the permissions never change, and everybody reads them
 * without the lock: one aligned store, which TSan need not see.
 */
__attribute__((no_sanitize("thread"), noinline)) static void mode_store(struct inode *i,
									uint32_t mode)
{
	*(volatile uint32_t *)&i->mode = (i->mode & S_IFMT) | (mode & S_IALLUGO);
}

int inode_generic_setattr(struct inode *i, const struct iattr *a)
{
	lock_assert_held(&i->lock);
	if (a->mask & ATTR_UID)
		i->uid = a->uid;
	if (a->mask & ATTR_GID)
		i->gid = a->gid;
	if (a->mask & ATTR_MODE)
		mode_store(i, a->mode);
	inode_touch_locked(i, a->mask & (ATTR_ATIME_NOW | ATTR_MTIME_NOW | ATTR_CTIME));
	if ((a->mask & (ATTR_ATIME | ATTR_ATIME_NOW)) == ATTR_ATIME)
		i->atime = a->atime;
	if ((a->mask & (ATTR_MTIME | ATTR_MTIME_NOW)) == ATTR_MTIME)
		i->mtime = a->mtime;
	return 0;
}

int inode_get_write(struct inode *i)
{
	lock(&i->lock);
	int err = i->writers < 0 ? -ETXTBSY : 0;
	if (!err)
		i->writers++;
	unlock(&i->lock);
	return err;
}

void inode_put_write(struct inode *i)
{
	lock(&i->lock);
	assert(i->writers > 0);
	i->writers--;
	unlock(&i->lock);
}

int inode_deny_write(struct inode *i)
{
	lock(&i->lock);
	int err = i->writers > 0 ? -ETXTBSY : 0;
	if (!err)
		i->writers--;
	unlock(&i->lock);
	return err;
}

void inode_allow_write(struct inode *i)
{
	lock(&i->lock);
	assert(i->writers < 0);
	i->writers++;
	unlock(&i->lock);
}
