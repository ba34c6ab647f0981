/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What file systems and mounts of others are good for: proc and sysfs in a mount namespace of
 * less than root (fs/namespace.c, mount_too_revealing), and set-user-ID programs (mnt_may_suid).
 */
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

/* Nothing is mounted over parts of m that would be seen through another mount of it. */
static bool is_whole_locked(struct mount_ns *ns, const struct mount *m)
{
	struct mount *c;
	list_for_each (c, &ns->mounts, link)
		if (c->parent == m && (__atomic_load_n(&c->flags, __ATOMIC_RELAXED) & MNT_LOCKED) &&
		    !m->fs->ops->bare(c->point->inode))
			return false;
	return true;
}

/* m shows all that a new mount with these flags would; then its locks are those of the new one. */
static bool shows_locked(struct mount_ns *ns, const struct mount *m, const struct fs *fs,
			 uint32_t *flags)
{
	uint32_t is = __atomic_load_n(&m->flags, __ATOMIC_RELAXED);
	if (!m->fs->ops->bare || strcmp(m->fs->ops->name, fs->ops->name) != 0 ||
	    m->root != m->fs->root)
		return false;
	if (__atomic_load_n(&m->fs->readonly, __ATOMIC_RELAXED))
		is |= MNT_LOCK_READONLY;
	if ((is & MNT_LOCK_READONLY) && !(*flags & MNT_READONLY))
		return false;
	if ((is & MNT_LOCK_ATIME) && ((is ^ *flags) & MNT_ATIME_MASK))
		return false;
	if (!is_whole_locked(ns, m))
		return false;
	*flags |= is & (MNT_LOCK_READONLY | MNT_LOCK_ATIME);
	return true;
}

int mount_reveals(struct mount_ns *ns, const struct fs *fs, uint32_t *flags)
{
	struct mount *m;
	bool shown = ns->ns.owner == &user_first || !fs->ops->bare;
	if (shown)
		return 0;
	lock(&ns->lock);
	list_for_each (m, &ns->mounts, link)
		if ((shown = shows_locked(ns, m, fs, flags)))
			break;
	unlock(&ns->lock);
	return shown ? 0 : -EPERM;
}

bool mount_may_suid(const struct mount *m, const struct mount_ns *ns, const struct cred *c)
{
	return !(__atomic_load_n(&m->flags, __ATOMIC_RELAXED) & MNT_NOSUID) && m->home == ns &&
	       user_ns_below(c->user_ns, m->fs->user_ns);
}
