/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to a descriptor.
 *
 * Paths come here already checked (request.c): no empty, "." or ".."
 * component.  The walk opens one component after the other with O_PATH and
 * O_NOFOLLOW, so a link that somebody puts in its way between two steps is
 * found as a link and refused; nothing ever goes up.  openat2 does the same
 * inside the kernel.
 */
#include "oci/gofer/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

/* Not in <linux/magic.h> of Debian 12. */
#define CONFIGFS_MAGIC 0x62656570

enum { PIN = O_PATH | O_NOFOLLOW | O_CLOEXEC };

struct pin_name pin_name(int fd)
{
	struct pin_name p;
	snprintf(p.text, sizeof p.text, "%d", fd);
	return p;
}

/* As openat2 says it. */
int pin_step(int dir, const char *name, int flags, int *out_fd)
{
	struct stat st;
	int fd = openat(dir, name, PIN | flags);
	if (fd >= 0) {
		*out_fd = fd;
		return 0;
	}
	int err = -errno;
	if (err == -ENOTDIR && (flags & O_DIRECTORY) &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	return err;
}

/* flags apply to the last component; those before it must be directories. */
static int walk_steps(int root, const char *path, int flags, int *out_fd)
{
	autoclose int dir = -1;
	for (;;) {
		char name[GOFER_NAME_MAX + 1];
		size_t size = strcspn(path, "/");
		if (size > GOFER_NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, size);
		name[size] = '\0';
		bool last = path[size] == '\0';
		int next = -1;
		int err = pin_step(dir < 0 ? root : dir, name, last ? flags : O_DIRECTORY, &next);
		if (err < 0)
			return err;
		if (last) {
			*out_fd = next;
			return 0;
		}
		if (dir >= 0)
			close(dir);
		dir = next;
		path += size + 1;
	}
}

static int walk_openat2(int root, const char *path, int flags, int *out_fd)
{
	struct open_how how = {
		.flags = (uint64_t)(PIN | flags),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
	if (fd < 0)
		return -errno;
	*out_fd = (int)fd;
	return 0;
}

static int walk(const struct worker *w, const char *path, int flags, int *out_fd)
{
	if (*path == '\0') {
		/* O_NOFOLLOW would open the magic link, not the root it stands for. */
		int fd = openat(AT_FDCWD, pin_name(w->root->fd).text, (PIN & ~O_NOFOLLOW) | flags);
		if (fd < 0)
			return -errno;
		*out_fd = fd;
		return 0;
	}
	if (w->s->has_openat2) {
		int err = walk_openat2(w->root->fd, path, flags, out_fd);
		/* ENOTDIR may hide a link in the last place; EAGAIN: a rename raced with it. */
		if (err != -EAGAIN && err != -ENOTDIR)
			return err;
	}
	return walk_steps(w->root->fd, path, flags, out_fd);
}

/* What is seen of a root of two layers. */
static int pin_layered(struct worker *w, const char *path, bool change, int *out_fd,
		       struct gofer_attr *out)
{
	autolayers struct layers l = LAYERS_NONE;
	int err = layers_find(w, path, change, &l);
	if (err == 0 && out)
		err = layers_attr(w, &l, out);
	if (err == 0)
		*out_fd = l.up >= 0 ? STEAL_FD(l.up) : STEAL_FD(l.low);
	return err;
}

int pin_path(struct worker *w, const char *path, int *out_fd)
{
	return w->root->layered ? pin_layered(w, path, /*change=*/false, out_fd, NULL)
				: walk(w, path, 0, out_fd);
}

int pin_object(struct worker *w, const char *path, bool change, int *out_fd, struct gofer_attr *out)
{
	if (w->root->layered)
		return pin_layered(w, path, change, out_fd, out);
	int err = walk(w, path, 0, out_fd);
	return err < 0 ? err : pin_attr(w->s, *out_fd, "", out);
}

static int parent_layered(struct worker *w, const char *path, int *out_fd, const char **out_name)
{
	autolayers struct layers l = LAYERS_NONE;
	struct gofer_attr attr;
	int err = layers_parent(w, path, &l, out_name);
	if (err == 0)
		err = pin_attr(w->s, l.up, "", &attr);
	if (err == 0)
		err = pin_allowed(w, l.up, &attr);
	if (err == 0)
		*out_fd = STEAL_FD(l.up);
	return err;
}

int pin_parent(struct worker *w, const char *path, int *out_fd, const char **out_name)
{
	char dir[GOFER_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	if (w->root->layered)
		return parent_layered(w, path, out_fd, out_name);
	/* The root has no parent that we could change. */
	if (*path == '\0')
		return -EBUSY;
	memcpy(dir, path, size);
	dir[size] = '\0';
	*out_name = slash ? slash + 1 : path;
	autoclose int fd = -1;
	struct gofer_attr attr;
	int err = walk(w, dir, O_DIRECTORY, &fd);
	if (err == 0)
		err = pin_attr(w->s, fd, "", &attr);
	if (err == 0)
		err = pin_allowed(w, fd, &attr);
	if (err == 0)
		*out_fd = STEAL_FD(fd);
	return err;
}

int pin_allowed(const struct worker *w, int fd, const struct gofer_attr *attr)
{
	static const uint32_t control[] = {
		PROC_SUPER_MAGIC,     SYSFS_MAGIC,    DEBUGFS_MAGIC,	  TRACEFS_MAGIC,
		SECURITYFS_MAGIC,     SELINUX_MAGIC,  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		BPF_FS_MAGIC,	      PSTOREFS_MAGIC, EFIVARFS_MAGIC,	  NSFS_MAGIC,
		RDTGROUP_SUPER_MAGIC, BINFMTFS_MAGIC, CONFIGFS_MAGIC,	  SMACK_MAGIC,
	};
	if (attr->dev == w->root->dev || (w->root->layered && attr->dev == w->root->lower_dev))
		return 0;
	struct statfs fs;
	if (statfs(pin_name(fd).text, &fs) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(control); i++)
		if ((uint32_t)fs.f_type == control[i])
			return -EACCES;
	return 0;
}

static void attr_from_stat(const struct stat *st, struct gofer_attr *out)
{
	*out = (struct gofer_attr){
		.ino = st->st_ino,
		.dev = st->st_dev,
		.rdev = st->st_rdev,
		.mode = st->st_mode,
		.nlink = st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = (uint64_t)st->st_size,
		.blksize = (uint64_t)st->st_blksize,
		.blocks = (uint64_t)st->st_blocks,
		.atime_sec = st->st_atim.tv_sec,
		.atime_nsec = (uint64_t)st->st_atim.tv_nsec,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (uint64_t)st->st_mtim.tv_nsec,
		.ctime_sec = st->st_ctim.tv_sec,
		.ctime_nsec = (uint64_t)st->st_ctim.tv_nsec,
	};
}

static void attr_from_statx(const struct statx *stx, struct gofer_attr *out)
{
	*out = (struct gofer_attr){
		.ino = stx->stx_ino,
		.dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
		.rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.size = stx->stx_size,
		.blksize = stx->stx_blksize,
		.blocks = stx->stx_blocks,
		.atime_sec = stx->stx_atime.tv_sec,
		.atime_nsec = stx->stx_atime.tv_nsec,
		.mtime_sec = stx->stx_mtime.tv_sec,
		.mtime_nsec = stx->stx_mtime.tv_nsec,
		.ctime_sec = stx->stx_ctime.tv_sec,
		.ctime_nsec = stx->stx_ctime.tv_nsec,
	};
	if (stx->stx_mask & STATX_BTIME) {
		out->btime_sec = stx->stx_btime.tv_sec;
		out->btime_nsec = stx->stx_btime.tv_nsec;
	}
}

/* A file system in user space may say anything; the client ends us if we pass nonsense on. */
static int attr_clean(struct gofer_attr *a)
{
	uint64_t *nsec[] = {&a->atime_nsec, &a->mtime_nsec, &a->ctime_nsec, &a->btime_nsec};
	for (size_t i = 0; i < ARRAY_SIZE(nsec); i++)
		if (*nsec[i] >= NSEC_PER_SEC)
			*nsec[i] = 0;
	if (a->size > INT64_MAX)
		a->size = 0;
	if (a->blocks > INT64_MAX)
		a->blocks = 0;
	a->mode &= S_IFMT | 07777;
	return a->mode & S_IFMT ? 0 : -EIO;
}

int pin_attr_host(const struct server *s, int dirfd, const char *name, struct gofer_attr *out)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
	if (s->has_statx) {
		struct statx stx;
		if (syscall(SYS_statx, dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &stx) <
		    0)
			return -errno;
		attr_from_statx(&stx, out);
		return attr_clean(out);
	}
	struct stat st;
	if (fstatat(dirfd, name, &st, flags) < 0)
		return -errno;
	attr_from_stat(&st, out);
	return attr_clean(out);
}

int pin_attr(const struct server *s, int dirfd, const char *name, struct gofer_attr *out)
{
	int err = pin_attr_host(s, dirfd, name, out);
	out->uid = id_inside(&s->uids, out->uid);
	out->gid = id_inside(&s->gids, out->gid);
	return err;
}
