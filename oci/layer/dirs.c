/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going through a root of two layers from outside.
 *
 * No link is followed and nothing is opened but directories and regular files: a
 * guest has filled them.
 */
#include "oci/layer/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

/* Deeper than any path can be said. */
enum { DEPTH_MAX = 2048 };

struct walk {
	bool all;
	layer_each_fn each;
	void *arg;
	char path[PATH_MAX * 2];
};

static int64_t ret(int64_t r)
{
	return r < 0 ? -errno : r;
}

struct names {
	char **name;
	size_t count, room;
};

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i]);
	free(n->name);
}

static int names_add(struct names *n, const char *name)
{
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 64;
		char **more = reallocarray(n->name, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		n->name = more;
		n->room = room;
	}
	n->name[n->count] = strdup(name);
	return n->name[n->count++] ? 0 : -ENOMEM;
}

static int names_read(struct names *n, int dir)
{
	int err = 0, fd = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return dir < 0 ? 0 : -errno;
	DIR *d = fdopendir(fd);
	if (!d) {
		err = -errno;
		close(fd);
		return err;
	}
	for (const struct dirent *e; err == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			err = names_add(n, e->d_name);
	closedir(d);
	return err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Attributes that the overlay keeps for itself. */
static bool is_own(const char *name)
{
	return strncmp(name, "user.overlay.", 13) == 0 ||
	       strncmp(name, "trusted.overlay.", 16) == 0;
}

struct place {
	char text[64 + NAME_MAX];
};

static struct place place_of(int dir, const char *name)
{
	struct place p;
	snprintf(p.text, sizeof p.text, "/proc/self/fd/%d/%s", dir, name);
	return p;
}

static int xattr_at(int dir, const char *name, const char *attr, char *value)
{
	return lgetxattr(place_of(dir, name).text, attr, value, 1) >= 0;
}

static bool is_whiteout(int dir, const char *name, const struct stat *st)
{
	char v;
	if (S_ISCHR(st->st_mode))
		return st->st_rdev == 0;
	return S_ISREG(st->st_mode) && st->st_size == 0 &&
	       xattr_at(dir, name, "user.overlay.whiteout", &v);
}

static bool is_opaque(int dir, const char *name)
{
	char v = 0;
	return (xattr_at(dir, name, "user.overlay.opaque", &v) && v == 'y') ||
	       (xattr_at(dir, name, "trusted.overlay.opaque", &v) && v == 'y');
}

static bool look(int dir, const char *name, struct stat *st)
{
	return dir >= 0 && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_dir(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int walk_dir(struct walk *w, int up, int low, size_t at, unsigned depth);

static int go_down(struct walk *w, const struct layer_item *item, int up, int low, size_t at,
		   unsigned depth)
{
	autoclose int in_up = item->above ? open_dir(up, item->name) : -1;
	autoclose int in_low = -1;
	if (item->above && in_up < 0)
		return errno == ENOENT ? 0 : -errno;
	if (low >= 0 && !item->opaque)
		in_low = open_dir(low, item->name);
	if (in_up < 0 && in_low < 0)
		return 0;
	return walk_dir(w, in_up, in_low, at, depth + 1);
}

static int walk_name(struct walk *w, int up, int low, const char *name, size_t at, unsigned depth)
{
	struct stat below;
	struct layer_item item = {.path = w->path, .name = name, .dir = up};
	int n = snprintf(w->path + at, sizeof w->path - at, "%s%s", at ? "/" : "", name);
	if (n < 0 || (size_t)n >= sizeof w->path - at)
		return -ENAMETOOLONG;
	item.above = look(up, name, &item.st);
	item.below = look(low, name, &below) && !is_whiteout(low, name, &below);
	item.whiteout = item.above && is_whiteout(up, name, &item.st);
	if (!item.above) {
		item.st = below;
		item.dir = low;
	}
	/* Gone meanwhile, or hidden. */
	if ((!item.above && !(w->all && item.below)) || (item.whiteout && w->all))
		return 0;
	bool dir = !item.whiteout && S_ISDIR(item.st.st_mode);
	item.opaque = dir && item.above && is_opaque(up, name);
	int err = w->each(w->arg, &item);
	return err < 0 || !dir ? err : go_down(w, &item, up, low, at + (size_t)n, depth);
}

static int walk_dir(struct walk *w, int up, int low, size_t at, unsigned depth)
{
	struct names names = {0};
	int err = depth > DEPTH_MAX ? -ELOOP : names_read(&names, up);
	if (err == 0 && w->all)
		err = names_read(&names, low);
	if (names.count)
		qsort(names.name, names.count, sizeof *names.name, compare);
	for (size_t i = 0; i < names.count && err == 0; i++)
		if (i == 0 || strcmp(names.name[i], names.name[i - 1]) != 0)
			err = walk_name(w, up, low, names.name[i], at, depth);
	names_free(&names);
	return err;
}

static int dirs_walk(struct layer_source *s, bool all, layer_each_fn each, void *arg)
{
	const struct layer_dirs *d = (struct layer_dirs *)s;
	autofree struct walk *w = malloc(sizeof *w);
	if (!w)
		return -ENOMEM;
	*w = (struct walk){.all = all, .each = each, .arg = arg};
	return walk_dir(w, d->upper, d->lower, 0, 0);
}

static ssize_t dirs_listxattr(struct layer_source *s, const struct layer_item *i, char *buf,
			      size_t size)
{
	(void)s;
	return ret(llistxattr(place_of(i->dir, i->name).text, buf, size));
}

static ssize_t dirs_getxattr(struct layer_source *s, const struct layer_item *i, const char *name,
			     void *buf, size_t size)
{
	(void)s;
	return is_own(name) ? -ENODATA
			    : ret(lgetxattr(place_of(i->dir, i->name).text, name, buf, size));
}

static ssize_t dirs_readlink(struct layer_source *s, const struct layer_item *i, char *buf,
			     size_t size)
{
	(void)s;
	return ret(readlinkat(i->dir, i->name, buf, size));
}

static int dirs_open(struct layer_source *s, const struct layer_item *i, struct stat *st)
{
	struct layer_dirs *d = (struct layer_dirs *)s;
	autoclose int fd = openat(i->dir, i->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return -ENOENT;
	d->fd = STEAL_FD(fd);
	return 0;
}

static ssize_t dirs_read(struct layer_source *s, void *buf, size_t size, uint64_t off)
{
	return ret(pread(((struct layer_dirs *)s)->fd, buf, size, (off_t)off));
}

static int64_t dirs_seek(struct layer_source *s, uint64_t off, bool data)
{
	return ret(lseek(((struct layer_dirs *)s)->fd, (off_t)off, data ? SEEK_DATA : SEEK_HOLE));
}

static void dirs_close(struct layer_source *s)
{
	close(((struct layer_dirs *)s)->fd);
}

void layer_dirs_init(struct layer_dirs *d, int upper, int lower)
{
	*d = (struct layer_dirs){
		.source = {.walk = dirs_walk,
			   .listxattr = dirs_listxattr,
			   .getxattr = dirs_getxattr,
			   .readlink = dirs_readlink,
			   .open = dirs_open,
			   .read = dirs_read,
			   .seek = dirs_seek,
			   .close = dirs_close},
		.upper = upper,
		.lower = lower,
		.fd = -1,
	};
}
