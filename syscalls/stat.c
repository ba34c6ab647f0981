/* SPDX-License-Identifier: Apache-2.0 */
/* stat(2), statx(2), access(2), statfs(2), ustat(2). */
#include <string.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

static struct abi_timespec timespec_of(struct ktime k)
{
	return (struct abi_timespec){k.sec, k.nsec};
}

static int stat_out(struct task *t, const struct path *p, uaddr_t addr)
{
	struct abi_stat st;
	struct kstat k;
	int err = vfs_getattr(p, &k);

	if (err < 0)
		return err;
	memset(&st, 0, sizeof st);
	st.st_dev = k.dev;
	st.st_ino = k.ino;
	st.st_nlink = k.nlink;
	st.st_mode = k.mode;
	st.st_uid = uid_seen(task_user_ns(t), k.uid);
	st.st_gid = gid_seen(task_user_ns(t), k.gid);
	st.st_rdev = k.rdev;
	st.st_size = (int64_t)k.size;
	st.st_blksize = k.blksize;
	st.st_blocks = (int64_t)k.blocks;
	st.st_atim = timespec_of(k.atime);
	st.st_mtim = timespec_of(k.mtime);
	st.st_ctim = timespec_of(k.ctime);
	return copy_out(t->mm, addr, &st, sizeof st);
}

/* Since Linux 6.11 a null path means the same as "" there, without the look at the path. */
static bool means_fd(int dirfd, uaddr_t path, uint32_t at_flags)
{
	return !path && dirfd >= 0 && (at_flags & AT_EMPTY_PATH);
}

static long do_stat(struct task *t, int dirfd, uaddr_t path, uint32_t walk_flags, uaddr_t st)
{
	struct path p;
	int err = path_lookup(t, dirfd, path, walk_flags, &p);

	if (err < 0)
		return err;
	err = stat_out(t, &p, st);
	path_put(&p);
	return err;
}

long sys_stat(struct task *t, uaddr_t path, uaddr_t st)
{
	return do_stat(t, AT_FDCWD, path, 0, st);
}

long sys_lstat(struct task *t, uaddr_t path, uaddr_t st)
{
	return do_stat(t, AT_FDCWD, path, WALK_NOFOLLOW, st);
}

long sys_fstat(struct task *t, int fd, uaddr_t st)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg(t, fd, &f);

	return err < 0 ? err : stat_out(t, &f->path, st);
}

long sys_newfstatat(struct task *t, int dirfd, uaddr_t path, uaddr_t st, int flags)
{
	const int known =
		AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
	if (flags & ~known)
		return -EINVAL;
	if (means_fd(dirfd, path, (uint32_t)flags))
		return sys_fstat(t, dirfd, st);
	return do_stat(t, dirfd, path, walk_flags_of((uint32_t)flags), st);
}

static struct abi_statx_timestamp statx_time(struct ktime k)
{
	return (struct abi_statx_timestamp){.tv_sec = k.sec, .tv_nsec = k.nsec};
}

static int statx_out(struct task *t, const struct path *p, uint32_t mask, uaddr_t addr)
{
	struct abi_statx st;
	struct kstat k;
	int err = vfs_getattr(p, &k);

	if (err < 0)
		return err;
	memset(&st, 0, sizeof st);
	st.stx_mask = STATX_BASIC_STATS | (mask & STATX_MNT_ID);
	st.stx_blksize = k.blksize;
	st.stx_attributes = k.attributes;
	st.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	st.stx_nlink = k.nlink;
	st.stx_uid = uid_seen(task_user_ns(t), k.uid);
	st.stx_gid = gid_seen(task_user_ns(t), k.gid);
	st.stx_mode = (uint16_t)k.mode;
	st.stx_ino = k.ino;
	st.stx_size = k.size;
	st.stx_blocks = k.blocks;
	st.stx_atime = statx_time(k.atime);
	st.stx_mtime = statx_time(k.mtime);
	st.stx_ctime = statx_time(k.ctime);
	if (k.btime.sec || k.btime.nsec) {
		st.stx_mask |= mask & STATX_BTIME;
		st.stx_btime = statx_time(k.btime);
	}
	st.stx_rdev_major = abi_major(k.rdev);
	st.stx_rdev_minor = abi_minor(k.rdev);
	st.stx_dev_major = abi_major(k.dev);
	st.stx_dev_minor = abi_minor(k.dev);
	if (mask & STATX_MNT_ID)
		st.stx_mnt_id = (uint64_t)p->mnt->id;
	return copy_out(t->mm, addr, &st, sizeof st);
}

long sys_statx(struct task *t, int dirfd, uaddr_t path, uint32_t flags, uint32_t mask, uaddr_t st)
{
	const uint32_t known =
		AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
	struct path p;

	if ((mask & STATX__RESERVED) || (flags & ~known) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (means_fd(dirfd, path, flags)) {
		autoput(file) struct file *f = NULL;
		int bad = file_arg(t, dirfd, &f);
		return bad < 0 ? bad : statx_out(t, &f->path, mask, st);
	}
	int err = path_lookup(t, dirfd, path, walk_flags_of(flags), &p);
	if (err < 0)
		return err;
	err = statx_out(t, &p, mask, st);
	path_put(&p);
	return err;
}

/* access(2) asks for the real user, who has capabilities only as root. */
static struct cred *real_cred(const struct cred *c)
{
	struct cred *real = cred_copy(c, c->ngroups);

	if (!real)
		return NULL;
	real->fsuid = c->ruid;
	real->fsgid = c->rgid;
	real->cap_effective = c->ruid == cred_root(c) ? c->cap_permitted : 0;
	return real;
}

static long do_access(struct task *t, int dirfd, uaddr_t path, int mode, int flags)
{
	autoput(cred) struct cred *cred = NULL;
	struct path_arg a;
	struct path p;

	if ((mode & ~(R_OK | W_OK | X_OK)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	int err = path_arg_get(&a, t, dirfd, path, walk_flags_of((uint32_t)flags));
	if (err < 0)
		return err;
	if (!(flags & AT_EACCESS)) {
		cred = real_cred(task_cred_self(t));
		a.walk.cred = cred;
		err = cred ? 0 : -ENOMEM;
	}
	if (err == 0)
		err = path_walk(&a.walk, a.name, &p);
	if (err == 0) {
		/* Even for F_OK: /proc hides processes. */
		err = path_permission(&p, a.walk.cred, (unsigned)mode);
		path_put(&p);
	}
	path_arg_put(&a);
	return err;
}

long sys_access(struct task *t, uaddr_t path, int mode)
{
	return do_access(t, AT_FDCWD, path, mode, 0);
}

long sys_faccessat(struct task *t, int dirfd, uaddr_t path, int mode)
{
	return do_access(t, dirfd, path, mode, 0);
}

long sys_faccessat2(struct task *t, int dirfd, uaddr_t path, int mode, int flags)
{
	return do_access(t, dirfd, path, mode, flags);
}

static int64_t statfs_flags(const struct mount *m)
{
	static const struct {
		uint32_t mnt;
		int64_t st;
	} map[] = {
		{MNT_NOSUID, ST_NOSUID},     {MNT_NODEV, ST_NODEV},
		{MNT_NOEXEC, ST_NOEXEC},     {MNT_NOATIME, ST_NOATIME},
		{MNT_RELATIME, ST_RELATIME}, {MNT_NODIRATIME, ST_NODIRATIME},
		{MNT_NOSYMFOLLOW, ST_NOSYMFOLLOW},
	};
	uint32_t flags = __atomic_load_n(&m->flags, __ATOMIC_RELAXED);
	int64_t st = ST_VALID | (mount_readonly(m) ? ST_RDONLY : 0);

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (flags & map[i].mnt)
			st |= map[i].st;
	return st;
}

/* Nameless objects are on one file system here, and on one for each kind on Linux. */
static uint64_t statfs_type(const struct inode *i, uint64_t type)
{
	if (type != ANON_INODE_FS_MAGIC)
		return type;
	return inode_is(i, S_IFIFO) ? PIPEFS_MAGIC : inode_is(i, S_IFSOCK) ? SOCKFS_MAGIC : type;
}

static int statfs_out(struct task *t, const struct path *p, uaddr_t addr)
{
	struct inode *i = p->dentry->inode;
	struct kstatfs k = {0};
	struct abi_statfs st;
	int err = i->fs->ops->statfs(i->fs, &k);

	if (err < 0)
		return err;
	memset(&st, 0, sizeof st);
	st.f_type = (int64_t)statfs_type(i, k.type);
	st.f_bsize = (int64_t)k.bsize;
	st.f_blocks = (int64_t)k.blocks;
	st.f_bfree = (int64_t)k.bfree;
	st.f_bavail = (int64_t)k.bavail;
	st.f_files = (int64_t)k.files;
	st.f_ffree = (int64_t)k.ffree;
	st.f_fsid[0] = (int32_t)k.fsid;
	st.f_fsid[1] = (int32_t)(k.fsid >> 32);
	st.f_namelen = (int64_t)k.namelen;
	st.f_frsize = (int64_t)(k.frsize ? k.frsize : k.bsize);
	st.f_flags = statfs_flags(p->mnt);
	return copy_out(t->mm, addr, &st, sizeof st);
}

long sys_statfs(struct task *t, uaddr_t path, uaddr_t buf)
{
	struct path p;
	int err = path_lookup(t, AT_FDCWD, path, 0, &p);

	if (err < 0)
		return err;
	err = statfs_out(t, &p, buf);
	path_put(&p);
	return err;
}

long sys_fstatfs(struct task *t, int fd, uaddr_t buf)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg(t, fd, &f);

	return err < 0 ? err : statfs_out(t, &f->path, buf);
}

struct by_dev {
	uint32_t dev;
	struct mount *found; /* our reference */
};

static void find_dev(struct mount *m, void *arg)
{
	struct by_dev *by = arg;
	if (!by->found && m->fs->dev == by->dev)
		by->found = mount_get(m);
}

long sys_ustat(struct task *t, uint32_t dev, uaddr_t buf)
{
	struct by_dev by = {.dev = dev};
	struct kstatfs k = {0};
	struct abi_ustat st;

	mount_for_each(t->fs->mounts, find_dev, &by);
	if (!by.found)
		return -EINVAL;
	int err = by.found->fs->ops->statfs(by.found->fs, &k);
	mount_put(by.found);
	if (err < 0)
		return err;
	memset(&st, 0, sizeof st);
	st.f_tfree = (int32_t)k.bfree;
	st.f_tinode = k.ffree;
	return copy_out(t->mm, buf, &st, sizeof st);
}
