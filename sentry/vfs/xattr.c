/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: whose names may be read and written by whom.  xattr(7).
 */
#include <string.h>

#include "sentry/cred/filecaps.h"
#include "sentry/vfs/internal.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/xattr.h"

static bool in_namespace(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* user.*: files and directories only; of sticky directories the owner's. */
static int user_check(struct inode *i, const struct cred *cred, unsigned may)
{
	bool dir = inode_is(i, S_IFDIR);

	if (!dir && !inode_is(i, S_IFREG))
		return may & MAY_WRITE ? -EPERM : -ENODATA;
	if (dir && (i->mode & S_ISVTX) && (may & MAY_WRITE) && !inode_owner_or_capable(i, cred))
		return -EPERM;
	return inode_permission(i, cred, may);
}

static const char caps_name[] = "security.capability";

static bool is_caps(const char *name)
{
	return strcmp(name, caps_name) == 0;
}

/* That it has none is remembered until it is given some: who does says so afterwards. */
void inode_drop_caps(struct inode *i)
{
	uint32_t given = __atomic_load_n(&i->caps_given, __ATOMIC_SEQ_CST);

	if (inode_is(i, S_IFDIR) || __atomic_load_n(&i->capless_at, __ATOMIC_RELAXED) == given + 1)
		return;
	ssize_t n = i->ops->getxattr(i, caps_name, NULL, 0);
	if (n >= 0)
		(void)i->ops->removexattr(i, caps_name);
	else if (n == -ENODATA || n == -EOPNOTSUPP)
		__atomic_store_n(&i->capless_at, given + 1, __ATOMIC_RELAXED);
}

static int security_check(const struct inode *i, const struct cred *cred, const char *name,
			  unsigned may)
{
	if (!(may & MAY_WRITE))
		return 0;
	bool able = is_caps(name) ? cred_capable_over(cred, i->uid, i->gid, CAP_SETFCAP)
			 : cred_capable(cred, CAP_SYS_ADMIN);
	return able ? 0 : -EPERM;
}

static int xattr_check(const struct path *p, const struct cred *cred, const char *name,
		       unsigned may)
{
	struct inode *i = p->dentry->inode;

	if ((may & MAY_WRITE) && mount_readonly(p->mnt))
		return -EROFS;
	if (in_namespace(name, "user."))
		return name[5] ? user_check(i, cred, may) : -EINVAL;
	if (in_namespace(name, "trusted.")) {
		if (!name[8])
			return -EINVAL;
		if (cred_capable(cred, CAP_SYS_ADMIN))
			return 0;
		return may & MAY_WRITE ? -EPERM : -ENODATA;
	}
	if (in_namespace(name, "security."))
		return name[9] ? security_check(i, cred, name, may) : -EINVAL;
	/* system.*: access control lists, which no file system here has. */
	return -EOPNOTSUPP;
}

/* Whose capabilities they are is said in the reader's terms. */
static ssize_t get_caps(struct inode *i, const struct cred *cred, const char *name, void *buf,
			size_t size)
{
	struct abi_vfs_cap_data stored, seen;
	ssize_t n = i->ops->getxattr(i, name, &stored, sizeof stored);

	if (n >= 0)
		n = file_caps_show(cred, &stored, (size_t)n, &seen);
	if (n < 0 || size == 0)
		return n == -ERANGE ? -EINVAL : n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(buf, &seen, (size_t)n);
	return n;
}

ssize_t vfs_getxattr(const struct path *p, const struct cred *cred, const char *name, void *buf,
		     size_t size)
{
	struct inode *i = p->dentry->inode;
	int err = xattr_check(p, cred, name, MAY_READ);

	if (err < 0)
		return err;
	return is_caps(name) ? get_caps(i, cred, name, buf, size)
			     : i->ops->getxattr(i, name, buf, size);
}

int vfs_setxattr(const struct path *p, const struct cred *cred, const char *name, const void *buf,
		 size_t size, int flags)
{
	struct inode *i = p->dentry->inode;
	struct abi_vfs_cap_data caps;
	ssize_t n = (ssize_t)size;

	if (is_caps(name)) {
		n = file_caps_store(cred, buf, size, &caps);
		buf = &caps;
	}
	int err = n < 0 ? (int)n : xattr_check(p, cred, name, MAY_WRITE);
	if (err == 0)
		err = i->ops->setxattr(i, name, buf, (size_t)n, flags);
	if (is_caps(name))
		__atomic_add_fetch(&i->caps_given, 1, __ATOMIC_SEQ_CST);
	if (err == 0)
		notify_path(p->dentry, IN_ATTRIB);
	return err;
}

int vfs_removexattr(const struct path *p, const struct cred *cred, const char *name)
{
	struct inode *i = p->dentry->inode;
	int err = xattr_check(p, cred, name, MAY_WRITE);

	if (err == 0)
		err = i->ops->removexattr(i, name);
	if (err == 0)
		notify_path(p->dentry, IN_ATTRIB);
	return err;
}

/* The names without those of trusted.*, packed in place; the new size. */
static size_t without_trusted(char *buf, size_t size)
{
	size_t kept = 0;

	for (size_t at = 0; at < size;) {
		size_t n = strnlen(buf + at, size - at) + 1;
		if (n > size - at)
			n = size - at;
		if (!in_namespace(buf + at, "trusted.")) {
			memmove(buf + kept, buf + at, n);
			kept += n;
		}
		at += n;
	}
	return kept;
}

ssize_t vfs_listxattr(const struct path *p, const struct cred *cred, char *buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	autofree char *all = malloc(XATTR_LIST_MAX);

	if (!all)
		return -ENOMEM;
	ssize_t n = i->ops->listxattr(i, all, XATTR_LIST_MAX);
	if (n < 0)
		return n == -ERANGE ? -E2BIG : n;
	size_t kept = (size_t)n;
	if (!cred_capable(cred, CAP_SYS_ADMIN))
		kept = without_trusted(all, kept);
	if (size == 0)
		return (ssize_t)kept;
	if (kept > size)
		return -ERANGE;
	memcpy(buf, all, kept);
	return (ssize_t)kept;
}
