/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an access changes atime: O_NOATIME, and the noatime, nodiratime and
 * relatime flags of the mount.  mount(2), MS_RELATIME.
 */
#include "sentry/sync/timer.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/fcntl.h"

static const int64_t relatime_limit_s = 24 * 60 * 60;

static bool not_after(struct ktime a, struct ktime b)
{
	return a.sec < b.sec || (a.sec == b.sec && a.nsec <= b.nsec);
}

/* relatime: only if the file changed since, or atime is a day old. */
static bool relatime_due_locked(const struct inode *i)
{
	return not_after(i->atime, i->mtime) || not_after(i->atime, i->ctime) ||
	       clock_real_coarse_ns() / NSEC_PER_SEC - i->atime.sec >= relatime_limit_s;
}

void path_accessed(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	uint32_t flags = __atomic_load_n(&p->mnt->flags, __ATOMIC_RELAXED);

	if ((flags & (MNT_NOATIME | MNT_READONLY)) ||
	    __atomic_load_n(&i->fs->readonly, __ATOMIC_RELAXED) ||
	    ((flags & MNT_NODIRATIME) && path_is_dir(p)))
		return;
	lock(&i->lock);
	if (!(flags & MNT_RELATIME) || relatime_due_locked(i))
		inode_touch_locked(i, ATTR_ATIME);
	unlock(&i->lock);
}

void file_accessed(struct file *f)
{
	if (!(file_flags(f) & O_NOATIME))
		path_accessed(&f->path);
}
