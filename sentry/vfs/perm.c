/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: mode bits, capabilities, sticky directories, read-only mounts.
 * path_resolution(7), capabilities(7).
 */
#include "sentry/cred/cred.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

/* Devices, pipes and sockets may be written through a read-only file system. */
static bool read_only_matters(uint32_t mode)
{
	return mode_is(mode, S_IFREG) || mode_is(mode, S_IFDIR) || mode_is(mode, S_IFLNK);
}

static bool mode_allows(const struct inode *i, const struct cred *cred, unsigned may)
{
	uint32_t mode = i->mode;

	if (i->uid == cred->fsuid)
		mode >>= 6;
	else if (cred_in_group(cred, i->gid))
		mode >>= 3;
	return (mode & may) == may;
}

static bool caps_allow(const struct inode *i, const struct cred *cred, unsigned may)
{
	bool dir = inode_is(i, S_IFDIR);

	if (cred_capable_over(cred, i->uid, i->gid, CAP_DAC_OVERRIDE)) {
		/* Even root executes only what somebody may execute. */
		if (dir || !(may & MAY_EXEC) || (i->mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
			return true;
	}
	if (!cred_capable_over(cred, i->uid, i->gid, CAP_DAC_READ_SEARCH))
		return false;
	return dir ? !(may & MAY_WRITE) : may == MAY_READ;
}

int inode_permission_locked(struct inode *i, const struct cred *cred, unsigned may)
{
	if ((may & MAY_WRITE) && __atomic_load_n(&i->fs->readonly, __ATOMIC_RELAXED) &&
	    read_only_matters(i->mode))
		return -EROFS;
	may &= MAY_READ | MAY_WRITE | MAY_EXEC;
	int err = i->fs->ops->permission ? i->fs->ops->permission(i, cred, may) : 0;
	if (err < 0)
		return err;
	return mode_allows(i, cred, may) || caps_allow(i, cred, may) ? 0 : -EACCES;
}

int inode_permission(struct inode *i, const struct cred *cred, unsigned may)
{
	lock(&i->lock);
	int err = inode_permission_locked(i, cred, may);
	unlock(&i->lock);
	return err;
}

int path_permission(const struct path *p, const struct cred *cred, unsigned may)
{
	struct inode *i = p->dentry->inode;
	uint32_t flags = __atomic_load_n(&p->mnt->flags, __ATOMIC_RELAXED);

	if ((may & MAY_EXEC) && (flags & MNT_NOEXEC) && inode_is(i, S_IFREG))
		return -EACCES;
	int err = inode_permission(i, cred, may);
	if (err == 0 && (may & MAY_WRITE) && read_only_matters(i->mode) && mount_readonly(p->mnt))
		err = -EROFS;
	return err;
}

bool inode_owner_or_capable(struct inode *i, const struct cred *cred)
{
	/* Only the owner must have a name there. */
	return i->uid == cred->fsuid || (cred_capable_own(cred, CAP_FOWNER) &&
					 user_ns_name(cred->user_ns, ID_USER, i->uid) != ID_NONE);
}

bool dir_is_dead_locked(const struct dentry *dir)
{
	/* Without links it is gone, though the name may not be dropped yet. */
	return dir->inode->nlink == 0 || __atomic_load_n(&dir->deleted, __ATOMIC_RELAXED);
}

int may_create_locked(struct dentry *dir, const struct cred *cred)
{
	if (dir_is_dead_locked(dir))
		return -ENOENT;
	/* In a file system of a namespace only ids of that namespace own files. */
	if (!ids_have_names(dir->fs->user_ns, cred->fsuid, cred->fsgid))
		return -EOVERFLOW;
	return inode_permission_locked(dir->inode, cred, MAY_WRITE | MAY_EXEC);
}

int may_delete_locked(struct dentry *dir, struct dentry *child, const struct cred *cred)
{
	struct inode *d = dir->inode;
	int err = inode_permission_locked(d, cred, MAY_WRITE | MAY_EXEC);

	if (err < 0)
		return err;
	if ((d->mode & S_ISVTX) && d->uid != cred->fsuid && child->inode->uid != cred->fsuid &&
	    !cred_capable_over(cred, child->inode->uid, child->inode->gid, CAP_FOWNER))
		return -EPERM;
	return 0;
}
