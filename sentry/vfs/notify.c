/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands reports to inotify, if there is any.
 */
#include "sentry/vfs/notify.h"

#include "sentry/vfs/internal.h"

static const struct notify_ops *notify_ops;
static int notify_marks_count;

void notify_set_ops(const struct notify_ops *ops)
{
	__atomic_store_n(&notify_ops, ops, __ATOMIC_RELEASE);
}

void notify_count_marks(int change)
{
	__atomic_add_fetch(&notify_marks_count, change, __ATOMIC_RELAXED);
}

static const struct notify_ops *notify_active(void)
{
	if (__atomic_load_n(&notify_marks_count, __ATOMIC_RELAXED) == 0)
		return NULL;
	return __atomic_load_n(&notify_ops, __ATOMIC_ACQUIRE);
}

static bool inode_marked(struct inode *i)
{
	return __atomic_load_n(&i->marks, __ATOMIC_ACQUIRE) != NULL;
}

static uint32_t dir_bit(uint32_t mode)
{
	return mode_is(mode, S_IFDIR) ? IN_ISDIR : 0;
}

void notify_path(struct dentry *d, uint32_t mask)
{
	const struct notify_ops *ops = notify_active();
	char name[NAME_SIZE];

	if (!ops || !d->inode)
		return;
	mask |= dir_bit(d->inode->mode);
	autoput(dentry) struct dentry *parent = dentry_parent(d);
	if (parent != d && parent->inode && inode_marked(parent->inode)) {
		dentry_name(d, name, sizeof name);
		ops->event(parent->inode, mask | (d->deleted ? IN_EXCL_UNLINK : 0), 0, name);
	}
	if (inode_marked(d->inode))
		ops->event(d->inode, mask, 0, NULL);
}

void notify_file(struct file *f, uint32_t mask)
{
	if (notify_active() && !anon_path_is(&f->path))
		notify_path(f->path.dentry, mask);
}

void notify_name(struct inode *dir, uint32_t mask, const char *name, bool is_dir, uint32_t cookie)
{
	const struct notify_ops *ops = notify_active();
	if (ops && inode_marked(dir))
		ops->event(dir, mask | (is_dir ? IN_ISDIR : 0), cookie, name);
}

void notify_inode(struct inode *i, uint32_t mask)
{
	const struct notify_ops *ops = notify_active();
	if (ops && inode_marked(i))
		ops->event(i, mask & IN_MOVE_SELF ? mask : mask | dir_bit(i->mode), 0, NULL);
}

void notify_inode_removed(struct inode *i)
{
	const struct notify_ops *ops = notify_active();
	if (ops && inode_marked(i))
		ops->inode_removed(i);
}

uint32_t notify_new_cookie(void)
{
	static uint32_t last = 0;
	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}
