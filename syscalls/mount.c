/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount(2), umount2(2), pivot_root(2).
 *
 * Nothing propagates, within a mount namespace or between two: making a mount
 * private or a slave of nobody changes nothing and succeeds; making it shared
 * or unbindable would, and is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/abi/mount.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* Flags that only say how, with no effect on memory: MS_SYNCHRONOUS, MS_LAZYTIME, ... */
static const uint64_t harmless = MS_SYNCHRONOUS | MS_DIRSYNC | MS_SILENT | MS_MANDLOCK |
				 MS_POSIXACL | MS_I_VERSION | MS_LAZYTIME | MS_STRICTATIME |
				 MS_RELATIME;
static const uint64_t propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

static uint32_t mnt_flags(uint64_t ms)
{
	static const struct {
		uint64_t ms;
		uint32_t mnt;
	} map[] = {
		{MS_RDONLY, MNT_READONLY}, {MS_NOSUID, MNT_NOSUID},
		{MS_NODEV, MNT_NODEV},	   {MS_NOEXEC, MNT_NOEXEC},
		{MS_NOATIME, MNT_NOATIME}, {MS_NODIRATIME, MNT_NODIRATIME},
		{MS_NOSYMFOLLOW, MNT_NOSYMFOLLOW},
	};
	uint32_t flags = ms & (MS_NOATIME | MS_STRICTATIME) ? 0 : MNT_RELATIME;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (ms & map[i].ms)
			flags |= map[i].mnt;
	return flags;
}

/* The strings of mount(2); each NUL-terminated, "" where the guest gave none. */
struct mount_args {
	char *source, *type, *data;
	bool has_source, has_type;
};

static void args_free(struct mount_args *a)
{
	free(a->source);
	free(a->type);
	free(a->data);
}

static int string_in(struct task *t, uaddr_t addr, char **out, bool *has)
{
	*has = addr != 0;
	*out = calloc(1, PATH_MAX);
	if (!*out)
		return -ENOMEM;
	if (!addr)
		return 0;
	ssize_t n = copy_str(t->mm, *out, addr, PATH_MAX);
	/* Too long for any string here. */
	return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? (int)n : 0;
}

/* data is a page that need not be mapped to its end. */
static int args_in(struct task *t, uaddr_t source, uaddr_t type, uaddr_t data, struct mount_args *a)
{
	memset(a, 0, sizeof *a);
	int err = string_in(t, type, &a->type, &a->has_type);
	if (err == 0)
		err = string_in(t, source, &a->source, &a->has_source);
	if (err == 0) {
		a->data = calloc(1, ABI_PAGE_SIZE + 1);
		err = a->data ? 0 : -ENOMEM;
	}
	if (err == 0 && data && copy_in_some(t->mm, a->data, data, ABI_PAGE_SIZE) == 0)
		err = -EFAULT;
	if (err < 0)
		args_free(a);
	return err;
}

/* Mounts belong to who owns the mount namespace. */
static bool may_mount(struct task *t)
{
	return task_capable_in(t, t->fs->mounts->ns.owner, CAP_SYS_ADMIN);
}

static bool is_mount_root(const struct path *p)
{
	return p->dentry == p->mnt->root && p->mnt->home;
}

static int do_remount(struct task *t, const struct path *p, uint64_t flags,
		      const struct mount_args *a)
{
	uint32_t now = __atomic_load_n(&p->mnt->flags, __ATOMIC_RELAXED), mnt = mnt_flags(flags);
	if (!is_mount_root(p) || p->mnt->home != t->fs->mounts)
		return -EINVAL;
	/* Of access times what is not said stays. */
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		mnt = (mnt & ~(uint32_t)MNT_ATIME_MASK) | (now & MNT_ATIME_MASK);
	/* Else the file system changes, and not only how it is seen here. */
	if (!(flags & MS_BIND) && !task_capable_in(t, p->mnt->fs->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	const struct fs_ops *ops = p->mnt->fs->ops;
	if (!(flags & MS_BIND) && *a->data) {
		int err = ops->remount ? ops->remount(p->mnt->fs, a->data, task_cred_self(t))
				       : -EINVAL;
		if (err < 0)
			return err;
	}
	return mount_set_flags(p->mnt, mnt);
}

static int do_propagation(const struct path *p, uint64_t flags)
{
	uint64_t type = flags & propagation;

	if (flags & ~(propagation | MS_REC | MS_SILENT))
		return -EINVAL;
	if (!is_mount_root(p) || (type & (type - 1)))
		return -EINVAL;
	return type == MS_PRIVATE || type == MS_SLAVE ? 0 : -EINVAL;
}

static int do_bind(struct task *t, const struct path *where, uint64_t flags,
		   const struct mount_args *a)
{
	const struct walk w = {.fs = t->fs, .cred = task_cred_self(t)};
	struct path from;

	if (!*a->source)
		return a->has_source ? -ENOENT : -EINVAL;
	int err = path_walk(&w, a->source, &from);
	if (err < 0)
		return err;
	if (nsfs_path_is(&from))
		err = mount_add(t->fs->mounts, fs_get(from.mnt->fs), from.dentry, where, "nsfs", 0);
	else
		err = from.mnt->home ? mount_bind(t->fs->mounts, &from, where, flags & MS_REC)
				     : -EINVAL;
	path_put(&from);
	return err;
}

static int do_move(struct task *t, const struct path *where, const struct mount_args *a)
{
	const struct walk w = {.fs = t->fs, .cred = task_cred_self(t)};
	struct path from;

	if (!*a->source)
		return a->has_source ? -ENOENT : -EINVAL;
	int err = path_walk(&w, a->source, &from);
	if (err < 0)
		return err;
	err = mount_move(t->fs->mounts, &from, where);
	path_put(&from);
	return err;
}

static int do_new(struct task *t, const struct path *where, uint64_t flags,
		  const struct mount_args *a)
{
	struct fs *fs;

	if (!a->has_type)
		return -EINVAL;
	const struct fs_source s = {a->source, a->data, task_cred_self(t)};
	uint32_t mnt = mnt_flags(flags);
	int err = fs_mount_new(a->type, &s, &fs);
	if (err < 0)
		return err;
	if ((err = mount_reveals(t->fs->mounts, fs, &mnt)) < 0) {
		fs_put(fs);
		return err;
	}
	return mount_add(t->fs->mounts, fs, NULL, where, a->source, mnt);
}

static int do_mount(struct task *t, const struct path *where, uint64_t flags,
		    const struct mount_args *a)
{
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(uint64_t)MS_MGC_MSK;
	if (!may_mount(t))
		return -EPERM;
	if (flags & propagation)
		return do_propagation(where, flags);
	if (flags & ~(harmless | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
		      MS_NODIRATIME | MS_NOSYMFOLLOW | MS_REMOUNT | MS_BIND | MS_MOVE | MS_REC))
		return -EINVAL;
	if (flags & MS_REMOUNT)
		return do_remount(t, where, flags, a);
	if (flags & MS_BIND)
		return do_bind(t, where, flags, a);
	if (flags & MS_MOVE)
		return do_move(t, where, a);
	return do_new(t, where, flags, a);
}

long sys_mount(struct task *t, uaddr_t source, uaddr_t target, uaddr_t fstype, uint64_t flags,
	       uaddr_t data)
{
	struct mount_args a;
	struct path where;
	int err = args_in(t, source, fstype, data, &a);

	if (err < 0)
		return err;
	err = path_lookup(t, AT_FDCWD, target, 0, &where);
	if (err == 0) {
		err = do_mount(t, &where, flags, &a);
		path_put(&where);
	}
	args_free(&a);
	return err;
}

long sys_umount2(struct task *t, uaddr_t target, int flags)
{
	struct path p;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	int err = path_lookup(t, AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, &p);
	if (err < 0)
		return err;
	if (!may_mount(t))
		err = -EPERM;
	/* Marks of expiry are not kept. */
	else if ((flags & MNT_EXPIRE) || !is_mount_root(&p))
		err = -EINVAL;
	else
		err = mount_remove(t->fs->mounts, &p, flags & MNT_DETACH);
	path_put(&p);
	return err;
}

/* Everybody's root and current directory, while tasks_lock is held only to find them. */
struct fsctx_list {
	struct fsctx **all; /* our references */
	size_t count, room;
};

static bool add_group(struct group *g, void *arg)
{
	struct fsctx_list *l = arg;
	struct task *t;

	list_for_each(t, &g->threads, threads) {
		if (!t->fs)
			continue;
		if (l->count < l->room)
			l->all[l->count] = fsctx_get(t->fs);
		l->count++;
	}
	return true;
}

/* Takes as many turns as threads are made meanwhile. */
static int list_fsctx(struct fsctx_list *l)
{
	for (l->room = 64;; l->room = l->count + 64) {
		l->count = 0;
		l->all = malloc(l->room * sizeof(struct fsctx *));
		if (!l->all)
			return -ENOMEM;
		lock(&kernel.tasks_lock);
		group_for_each_locked(add_group, l);
		unlock(&kernel.tasks_lock);
		if (l->count <= l->room)
			return 0;
		for (size_t i = 0; i < l->room; i++)
			fsctx_put(l->all[i]);
		free(l->all);
	}
}

static void replace_path(struct fsctx *fs, struct path *which, const struct path *from,
			 const struct path *to)
{
	struct path old = {0};

	lock(&fs->lock);
	if (which->mnt == from->mnt && which->dentry == from->dentry) {
		old = *which;
		*which = *to;
		path_get(which);
	}
	unlock(&fs->lock);
	path_put(&old);
}

static int do_pivot(struct task *t, const struct path *new_root, const struct path *put_old)
{
	struct fsctx_list l = {0};
	struct path old;

	lock(&t->fs->lock);
	old = t->fs->root;
	path_get(&old);
	unlock(&t->fs->lock);
	int err = old.dentry == old.mnt->root ? list_fsctx(&l) : -EINVAL;
	if (err == 0)
		err = mount_pivot(t->fs->mounts, old.mnt, new_root, put_old);
	for (size_t i = 0; i < l.count; i++) {
		if (err == 0) {
			replace_path(l.all[i], &l.all[i]->root, &old, new_root);
			replace_path(l.all[i], &l.all[i]->cwd, &old, new_root);
		}
		fsctx_put(l.all[i]);
	}
	free(l.all);
	path_put(&old);
	return err;
}

long sys_pivot_root(struct task *t, uaddr_t new_root, uaddr_t put_old)
{
	struct path n, o;

	if (!may_mount(t))
		return -EPERM;
	int err = path_lookup(t, AT_FDCWD, new_root, WALK_DIRECTORY, &n);
	if (err < 0)
		return err;
	err = path_lookup(t, AT_FDCWD, put_old, WALK_DIRECTORY, &o);
	if (err == 0) {
		err = do_pivot(t, &n, &o);
		path_put(&o);
	}
	path_put(&n);
	return err;
}
