/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes: chmod(2), chown(2), utimensat(2), truncate(2), stat(2), readlink(2).
 *
 * Rules first, on a private copy of the request, then the file system's setattr
 * with what is left of it; both under the inode's lock.
 */
#include "sentry/cred/cred.h"
#include "sentry/sync/timer.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"

enum {
	ATTR_TIMES = ATTR_ATIME | ATTR_MTIME | ATTR_ATIME_NOW | ATTR_MTIME_NOW,
	ATTR_TOUCH = ATTR_ATIME_NOW | ATTR_MTIME_NOW,
};

static bool group_or_capable(const struct inode *i, const struct cred *cred, uint32_t gid)
{
	return cred_in_group(cred, gid) || cred_capable_over(cred, i->uid, gid, CAP_FSETID);
}

/* The mode without what a change of owner or content takes away. */
static uint32_t without_privs(const struct inode *i, const struct cred *cred)
{
	uint32_t mode = i->mode & ~(uint32_t)S_ISUID;

	if ((mode & S_IXGRP) || !group_or_capable(i, cred, i->gid))
		mode &= ~(uint32_t)S_ISGID;
	return mode;
}

static int owner_check_locked(const struct inode *i, const struct cred *cred, const struct iattr *a)
{
	bool owner = cred->fsuid == i->uid;

	if (cred_capable_over(cred, i->uid, i->gid, CAP_CHOWN))
		return 0;
	if ((a->mask & ATTR_UID) && !(owner && a->uid == i->uid))
		return -EPERM;
	if ((a->mask & ATTR_GID) && !(owner && (cred_in_group(cred, a->gid) || a->gid == i->gid)))
		return -EPERM;
	return 0;
}

static int times_check_locked(struct inode *i, const struct cred *cred, uint32_t mask)
{
	if (inode_owner_or_capable(i, cred))
		return 0;
	/* Whoever may write may also pretend to have done so, but not invent a time. */
	if ((mask & ATTR_TOUCH) == ATTR_TOUCH)
		return inode_permission_locked(i, cred, MAY_WRITE);
	return -EPERM;
}

static int check_locked(struct inode *i, const struct cred *cred, struct iattr *a)
{
	/* In a file system of a namespace only ids of that namespace own files. */
	if (!ids_have_names(i->fs->user_ns, a->mask & ATTR_UID ? a->uid : i->uid,
			    a->mask & ATTR_GID ? a->gid : i->gid))
		return -EOVERFLOW;
	int err = owner_check_locked(i, cred, a);

	if (err < 0)
		return err;
	if ((a->mask & ATTR_KILL_PRIV) && !inode_is(i, S_IFDIR)) {
		uint32_t mode = without_privs(i, cred);
		if (mode != i->mode) {
			a->mask |= ATTR_MODE;
			a->mode = mode;
		}
	}
	a->mask &= ~(uint32_t)ATTR_KILL_PRIV;
	if (a->mask & ATTR_SIZE)
		return 0;
	if (a->mask & ATTR_MODE) {
		uint32_t gid = a->mask & ATTR_GID ? a->gid : i->gid;
		if (!inode_owner_or_capable(i, cred))
			return -EPERM;
		if (!group_or_capable(i, cred, gid))
			a->mode &= ~(uint32_t)S_ISGID;
	}
	return a->mask & ATTR_TIMES ? times_check_locked(i, cred, a->mask) : 0;
}

/* "Now" is put in as a value, so that a file system need not know what it means. */
static void fill_times(struct iattr *a)
{
	int64_t ns = clock_real_ns();
	struct ktime now = {ns / NSEC_PER_SEC, (uint32_t)(ns % NSEC_PER_SEC)};

	if (a->mask & ATTR_ATIME_NOW) {
		a->mask |= ATTR_ATIME;
		a->atime = now;
	}
	if (a->mask & ATTR_MTIME_NOW) {
		a->mask |= ATTR_MTIME;
		a->mtime = now;
	}
	a->mask |= ATTR_CTIME;
}

int inode_setattr(struct inode *i, const struct mount *mnt, const struct cred *cred,
		  const struct iattr *attr)
{
	struct iattr a = *attr;

	if (mnt && mount_readonly(mnt))
		return -EROFS;
	lock(&i->lock);
	if ((a.mask & ATTR_SIZE) && !cred_capable_over(cred, i->uid, i->gid, CAP_FSETID))
		a.mask |= ATTR_KILL_PRIV;
	int err = check_locked(i, cred, &a);
	if (err == 0) {
		fill_times(&a);
		err = i->ops->setattr(i, &a);
	}
	unlock(&i->lock);
	if (err == 0 && (attr->mask & (ATTR_KILL_PRIV | ATTR_SIZE)))
		inode_drop_caps(i);
	return err;
}

/* The events of inotify(7) for a change. */
static uint32_t events_of(uint32_t mask)
{
	uint32_t events = 0, times = mask & ATTR_TIMES;
	bool atime = times & (ATTR_ATIME | ATTR_ATIME_NOW);
	bool mtime = times & (ATTR_MTIME | ATTR_MTIME_NOW);

	if ((mask & (ATTR_MODE | ATTR_UID | ATTR_GID)) || (atime && mtime))
		events |= IN_ATTRIB;
	else if (atime)
		events |= IN_ACCESS;
	else if (mtime)
		events |= IN_MODIFY;
	return mask & ATTR_SIZE ? events | IN_MODIFY : events;
}

int vfs_setattr(const struct path *p, const struct cred *cred, const struct iattr *a)
{
	int err = inode_setattr(p->dentry->inode, p->mnt, cred, a);
	uint32_t events = events_of(a->mask);

	if (err == 0 && events)
		notify_path(p->dentry, events);
	return err;
}

int vfs_truncate(const struct path *p, const struct cred *cred, uint64_t size)
{
	const struct iattr a = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_MTIME_NOW, .size = size};
	struct inode *i = p->dentry->inode;

	if (inode_is(i, S_IFDIR))
		return -EISDIR;
	if (!inode_is(i, S_IFREG))
		return -EINVAL;
	if (mount_readonly(p->mnt))
		return -EROFS;
	int err = inode_permission(i, cred, MAY_WRITE);
	if (err == 0)
		err = inode_get_write(i);
	if (err < 0)
		return err;
	err = vfs_setattr(p, cred, &a);
	inode_put_write(i);
	return err;
}

int vfs_getattr(const struct path *p, struct kstat *out)
{
	int err = p->dentry->inode->ops->getattr(p->dentry->inode, out);

	if (err == 0 && p->dentry == p->mnt->root)
		out->attributes |= STATX_ATTR_MOUNT_ROOT;
	return err;
}

ssize_t vfs_readlink(const struct path *p, char *buf, size_t size)
{
	if (!path_is_link(p))
		return -EINVAL;
	path_accessed(p);
	return p->dentry->inode->ops->readlink(p->dentry->inode, buf, size);
}

void file_remove_privs(struct file *f, const struct cred *cred)
{
	struct inode *i = f->inode;

	if (!inode_is(i, S_IFREG))
		return;
	inode_drop_caps(i);
	if (cred_capable(cred, CAP_FSETID))
		return;
	lock(&i->lock);
	bool keeps = cred_capable_over(cred, i->uid, i->gid, CAP_FSETID);
	uint32_t mode = keeps ? i->mode : without_privs(i, cred);
	if (mode != i->mode) {
		struct iattr change = {.mask = ATTR_MODE | ATTR_CTIME, .mode = mode};
		/* A file system that cannot change modes has no set-id files either. */
		(void)i->ops->setattr(i, &change);
	}
	unlock(&i->lock);
}
