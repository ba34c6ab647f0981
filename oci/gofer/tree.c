/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount tree that holds nothing but the roots.
 *
 * The code never walks upwards, but a gofer that somebody has taken over
 * could: from a directory descriptor ".." leads to the host's "/".  So, where
 * we may mount, each root becomes a bind mount in a small tmpfs and the rest of
 * the host is let go:
 *
 *	/r0 /r1 ...  the roots; read-only ones are mounted so
 *	/l0 ...      the lower layers of those that have two
 *	/m           a tmpfs of our own for MEMFILE, instead of the host's
 *	/fd          our own /proc/self/fd, and no other part of /proc
 *
 * Where anything of this is refused the gofer goes on without: the promises of
 * gofer.h do not rest on it.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

/* Where the tmpfs may be built: a directory that is there and that no root lies below. */
static const char *const places[] = {"/sys", "/mnt", "/run", "/tmp", "/var"};

/*
 * Descriptors opened before unshare belong to the mounts we have left, which
 * mount(2) refuses as a source; the path is looked up again, and tree_bind
 * checks that it led to the same object.
 */
static int fd_path(int fd, char out[PATH_MAX])
{
	ssize_t n = readlink(pin_name(fd).text, out, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return out[0] == '/' ? 0 : -ENOENT;
}

/* What follows `dir` in `path` ("" if equal), or NULL if path is not at or below dir. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0') ? path + n : NULL;
}

static bool place_free(const struct server *s, const char *place)
{
	char path[PATH_MAX];
	struct stat st;
	if (stat(place, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	for (size_t i = 0; i < s->nroots; i++)
		if (fd_path(s->roots[i].fd, path) < 0 || below(path, place) ||
		    (s->roots[i].layered &&
		     (fd_path(s->roots[i].lower, path) < 0 || below(path, place))))
			return false;
	return s->tmpfs < 0 || (fd_path(s->tmpfs, path) == 0 && !below(path, place));
}

/* The flags a mount already has must be repeated: a user namespace may not drop them. */
static int remount_readonly(const char *at)
{
	static const struct {
		unsigned long st, ms;
	} keep[] = {
		{ST_NOSUID, MS_NOSUID},		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},		{ST_NOATIME, MS_NOATIME},
		{ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME},
	};
	struct statvfs fs;
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	if (statvfs(at, &fs) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		if (fs.f_flag & keep[i].st)
			flags |= keep[i].ms;
	return mount(NULL, at, NULL, flags, NULL) < 0 ? -errno : 0;
}

/*
 * The mounts below fd come along if they are asked for, and where a user namespace does not let
 * us leave them behind.  They follow the host (slave) unless they are to be private.
 */
static int bind_source(const char *source, const char *target, const struct root *r)
{
	unsigned long rec = r->submounts ? MS_REC : 0;
	if (mount(source, target, NULL, MS_BIND | rec, NULL) < 0 &&
	    (rec || errno != EINVAL || mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0))
		return -errno;
	if (r->propagation == MS_PRIVATE && mount(NULL, target, NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* Binds a root to place/name; *out_fd is the same object, in the new tree. */
static int tree_bind(const char *place, const char *name, const struct root *r, int *out_fd)
{
	int fd = r->fd;
	char source[PATH_MAX], target[64], hidden[PATH_MAX + 64];
	struct stat was, is;
	autoclose int made = -1;
	int err = fd_path(fd, source);
	if (err < 0 || fstat(fd, &was) < 0)
		return err < 0 ? err : -errno;
	snprintf(target, sizeof target, "%s/%s", place, name);
	if ((S_ISDIR(was.st_mode) ? mkdir(target, 0700) : mknod(target, S_IFREG | 0600, 0)) < 0)
		return -errno;
	if ((err = bind_source(source, target, r)) < 0)
		return err;
	/* A root of "/" has brought our own tmpfs along, over what the place really is. */
	const char *rest = below(place, source);
	if (rest && r->submounts) {
		snprintf(hidden, sizeof hidden, "%s%s", target, rest);
		if (umount2(hidden, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return -errno;
	}
	if (!r->writable && (err = remount_readonly(target)) < 0)
		return err;
	made = open(target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0 || fstat(made, &is) < 0)
		return -errno;
	if (is.st_dev != was.st_dev || is.st_ino != was.st_ino)
		return -ESTALE;
	*out_fd = STEAL_FD(made);
	return 0;
}

/* A tmpfs of our own: a name that MEMFILE had no time to unlink ends with us. */
static int tree_memory(const char *place, int *out_fd)
{
	char target[64];
	snprintf(target, sizeof target, "%s/m", place);
	if (mkdir(target, 0700) < 0 ||
	    mount("gofer", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return -errno;
	int fd = open(target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

/* Upper and work directory must be on one mount, or nothing could be moved between them. */
static int tree_bind_layers(const char *place, size_t i, const struct root *from, struct root *to)
{
	const struct root base = {.fd = from->base, .writable = from->writable};
	const struct root lower = {
		.fd = from->lower, .submounts = true, .propagation = from->propagation};
	char name[32];
	snprintf(name, sizeof name, "r%zu", i);
	int err = tree_bind(place, name, &base, &to->base);
	snprintf(name, sizeof name, "l%zu", i);
	if (err == 0)
		err = tree_bind(place, name, &lower, &to->lower);
	return err < 0 ? err : gofer_open_layers(to);
}

/* Binds everything; the new descriptors are in roots and *tmpfs. */
static int tree_fill(const struct server *s, const char *place, struct root *roots, int *tmpfs)
{
	char name[32];
	int err = 0;
	for (size_t i = 0; i < s->nroots && err == 0; i++) {
		if (s->roots[i].layered) {
			err = tree_bind_layers(place, i, &s->roots[i], &roots[i]);
			continue;
		}
		snprintf(name, sizeof name, "r%zu", i);
		err = tree_bind(place, name, &s->roots[i], &roots[i].fd);
	}
	if (err == 0 && s->tmpfs >= 0)
		err = tree_memory(place, tmpfs);
	if (err < 0)
		return err;
	snprintf(name, sizeof name, "%s/fd", place);
	if (mkdir(name, 0500) < 0 || mount("/proc/self/fd", name, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return 0;
}

/* pivot_root cannot leave an initramfs; there the tree is moved over "/" instead. */
static int tree_enter(const char *place)
{
	if (chdir(place) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) < 0)
			return -errno;
	} else if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0) {
		return -errno;
	}
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		return -errno;
	return chdir("/fd") < 0 ? -errno : 0;
}

static void tree_undo(const char *place, struct root *roots, size_t n, int tmpfs)
{
	for (size_t i = 0; i < n; i++) {
		const int fds[] = {roots[i].fd, roots[i].base, roots[i].work, roots[i].lower};
		for (size_t k = 0; k < ARRAY_SIZE(fds); k++)
			if (fds[k] >= 0)
				close(fds[k]);
	}
	if (tmpfs >= 0)
		close(tmpfs);
	umount2(place, MNT_DETACH);
}

/* Leaves the old descriptors open: gofer_confine_close() ends them with all others. */
static int tree_build(struct server *s, const char *place)
{
	autofree struct root *roots = calloc(s->nroots, sizeof *roots);
	int tmpfs = -1;
	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; i < s->nroots; i++) {
		roots[i] = s->roots[i];
		roots[i].fd = roots[i].base = roots[i].work = roots[i].lower = -1;
	}
	if (mount("gofer", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=1m") < 0)
		return -errno;
	if (tree_fill(s, place, roots, &tmpfs) < 0 || tree_enter(place) < 0) {
		tree_undo(place, roots, s->nroots, tmpfs);
		/* The old descriptors work as before. */
		return chdir("/proc/self/fd") < 0 ? -errno : 0;
	}
	memcpy(s->roots, roots, s->nroots * sizeof *roots);
	s->tmpfs = tmpfs;
	return 0;
}

int gofer_confine_tree(struct server *s)
{
	if (unshare(CLONE_NEWNS) < 0)
		return 0;
	/* Slave: what the host unmounts later goes away here too, and nothing of ours goes out. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (place_free(s, places[i]))
			return tree_build(s, places[i]);
	return 0;
}
