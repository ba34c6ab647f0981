/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and listing in a root of two layers. */
#include "oci/gofer/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

static const char *const own_prefixes[] = {"user.overlay.", "trusted.overlay."};

void layers_close(struct layers *l)
{
	cleanup_close(&l->up);
	cleanup_close(&l->low);
	*l = LAYERS_NONE;
}

bool layers_own_xattr(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_prefixes); i++)
		if (strncmp(name, own_prefixes[i], strlen(own_prefixes[i])) == 0)
			return true;
	return false;
}

bool is_whiteout(int dir, const char *name, const struct gofer_attr *a)
{
	if (S_ISCHR(a->mode))
		return a->rdev == 0;
	if (!S_ISREG(a->mode) || a->size != 0)
		return false;
	autoclose int pinned = *name ? openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	int fd = *name ? pinned : dir;
	return fd >= 0 && getxattr(pin_name(fd).text, "user.overlay.whiteout", NULL, 0) >= 0;
}

/* "x" says that whiteouts of the second kind may be inside, and no more. */
static bool is_opaque(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_prefixes); i++) {
		char name[32], value = 0;
		strcpy(name, own_prefixes[i]);
		strcat(name, "opaque");
		if (getxattr(pin_name(fd).text, name, &value, 1) == 1 && value == 'y')
			return true;
	}
	return false;
}

/* name in one layer's directory: *out_fd -1 if it is not there. */
static int child_of(const struct worker *w, int dir, const char *name, int *out_fd,
		    struct gofer_attr *a, bool *out_white)
{
	*out_white = false;
	int err = dir >= 0 ? pin_step(dir, name, /*flags=*/0, out_fd) : -ENOENT;
	if (err < 0)
		*out_fd = -1;
	if (err == -ENOENT)
		return 0;
	if (err == 0)
		err = pin_attr(w->s, *out_fd, "", a);
	if (err == 0 && is_whiteout(*out_fd, "", a)) {
		*out_white = true;
		close(STEAL_FD(*out_fd));
	}
	return err;
}

int layers_child(const struct worker *w, const struct layers *dir, const char *name,
		 struct layers *out, bool *out_white)
{
	struct gofer_attr up = {0}, low = {0};
	bool gone;

	*out = LAYERS_NONE;
	int err = child_of(w, dir->up, name, &out->up, &up, out_white);
	bool merges = out->up >= 0 && S_ISDIR(up.mode) && !is_opaque(out->up);
	if (err == 0 && !*out_white && (out->up < 0 || merges))
		err = child_of(w, dir->low, name, &out->low, &low, &gone);
	if (err == 0 && out->up >= 0 && out->low >= 0 && !S_ISDIR(low.mode))
		close(STEAL_FD(out->low));
	if (err < 0)
		layers_close(out);
	return err;
}

static int root_layers(const struct worker *w, struct layers *out)
{
	const struct root *r = w->root;
	*out = LAYERS_NONE;
	/* O_NOFOLLOW would open the magic link, not what it stands for. */
	out->up = openat(AT_FDCWD, pin_name(r->fd).text, O_PATH | O_CLOEXEC);
	out->low = openat(AT_FDCWD, pin_name(r->lower).text, O_PATH | O_CLOEXEC);
	return out->up < 0 || out->low < 0 ? -errno : 0;
}

/* From a directory to one of its names, in place. */
static int go_down(struct worker *w, struct layers *at, const char *name, bool raise)
{
	autolayers struct layers dir = *at;
	bool white;

	*at = LAYERS_NONE;
	int err = layers_child(w, &dir, name, at, &white);
	if (err == 0 && layers_seen(at) < 0)
		err = -ENOENT;
	if (err < 0 || !raise || at->up >= 0)
		return err;
	err = raise_object(w, dir.up, name, at->low);
	layers_close(at);
	return err < 0 ? err : layers_child(w, &dir, name, at, &white);
}

/* What has names below it must be a directory. */
static int must_be_dir(const struct worker *w, const struct layers *l)
{
	struct gofer_attr a;
	int err = pin_attr(w->s, layers_seen(l), "", &a);
	if (err == 0 && !S_ISDIR(a.mode))
		err = S_ISLNK(a.mode) ? -ELOOP : -ENOTDIR;
	return err;
}

int layers_find(struct worker *w, const char *path, bool raise, struct layers *out)
{
	char name[GOFER_NAME_MAX + 1];
	int err = root_layers(w, out);

	while (err == 0 && *path) {
		size_t size = strcspn(path, "/");
		if (size > GOFER_NAME_MAX) {
			err = -ENAMETOOLONG;
			break;
		}
		memcpy(name, path, size);
		name[size] = '\0';
		path += size + (path[size] == '/');
		err = must_be_dir(w, out);
		if (err == 0)
			err = go_down(w, out, name, raise);
	}
	if (err < 0)
		layers_close(out);
	return err;
}

int layers_attr(const struct worker *w, const struct layers *l, struct gofer_attr *out)
{
	struct gofer_attr low;
	int err = pin_attr(w->s, layers_seen(l), "", out);
	if (err < 0)
		return err;
	if (l->up < 0 && !S_ISDIR(out->mode))
		out->flags |= GOFER_LOWER;
	if (l->up < 0 || l->low < 0)
		return 0;
	/* Merged: the number stays when the first change copies it up; names are not counted. */
	err = pin_attr(w->s, l->low, "", &low);
	out->ino = low.ino;
	out->dev = low.dev;
	out->btime_sec = low.btime_sec;
	out->btime_nsec = low.btime_nsec;
	out->nlink = 1;
	return err;
}

int layers_parent(struct worker *w, const char *path, struct layers *out, const char **out_name)
{
	char dir[GOFER_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;

	*out = LAYERS_NONE;
	/* The root has no parent that we could change. */
	if (*path == '\0')
		return -EBUSY;
	memcpy(dir, path, size);
	dir[size] = '\0';
	*out_name = slash ? slash + 1 : path;
	int err = layers_find(w, dir, /*raise=*/true, out);
	if (err == 0 && (err = must_be_dir(w, out)) < 0)
		layers_close(out);
	/* In the place of a link, pin_parent() says so too. */
	return err == -ELOOP && size == 0 ? -ENOTDIR : err;
}

int dir_each(struct worker *w, int pinned, int (*fn)(void *arg, int dir, const char *name),
	     void *arg)
{
	autoclose int dir =
		openat(AT_FDCWD, pin_name(pinned).text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (;;) {
		long n = syscall(SYS_getdents64, dir, w->scratch, sizeof w->scratch);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(w->scratch + at);
			at += e->d_reclen;
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			int err = fn(arg, dir, e->d_name);
			if (err < 0)
				return err;
		}
	}
}

struct listing {
	struct worker *w;
	bool low;
	int over; /* of the lower layer: what hides its names; -1: nothing */
	layers_each each;
	void *arg;
};

static int list_one(void *arg, int dir, const char *name)
{
	const struct listing *l = arg;
	struct gofer_attr a;
	if (l->over >= 0 && pin_attr(l->w->s, l->over, name, &a) == 0)
		return 0;
	/* What cannot be asked about is gone meanwhile. */
	if (pin_attr(l->w->s, dir, name, &a) < 0 || is_whiteout(dir, name, &a))
		return 0;
	return l->each(l->arg, dir, name, l->low);
}

int layers_list(struct worker *w, const struct layers *dir, layers_each each, void *arg)
{
	struct listing l = {w, /*low=*/false, -1, each, arg};
	int err = dir->up >= 0 ? dir_each(w, dir->up, list_one, &l) : 0;
	l.low = true;
	l.over = dir->up;
	return err < 0 || dir->low < 0 ? err : dir_each(w, dir->low, list_one, &l);
}
