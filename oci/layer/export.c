/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer/export.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/layer/sparse.h"
#include "oci/layer/tar.h"
#include "platform/base/cleanup.h"

enum { XATTRS_MAX = 65536, SEEN_HASH = 4096 };

/* A file with several names: the first that came. */
struct seen {
	struct seen *next;
	dev_t dev;
	ino_t ino;
	char path[];
};

struct export
{
	struct tar tar;
	struct layer_source *source;
	bool full;
	struct seen *seen[SEEN_HASH];
	char names[XATTRS_MAX], value[XATTRS_MAX];
};

static const char *first_name(struct export *x, const struct layer_item *i)
{
	struct seen **b = &x->seen[i->st.st_ino % SEEN_HASH];
	for (struct seen *s = *b; s; s = s->next)
		if (s->dev == i->st.st_dev && s->ino == i->st.st_ino)
			return s->path;
	size_t n = strlen(i->path) + 1;
	struct seen *s = malloc(sizeof *s + n);
	/* Without memory its names part. */
	if (!s)
		return NULL;
	*s = (struct seen){.next = *b, .dev = i->st.st_dev, .ino = i->st.st_ino};
	memcpy(s->path, i->path, n);
	*b = s;
	return NULL;
}

static void put_xattrs(struct export *x, const struct layer_item *i)
{
	struct layer_source *s = x->source;
	ssize_t n = s->listxattr(s, i, x->names, sizeof x->names);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(x->names + at) + 1) {
		const char *name = x->names + at;
		ssize_t size = s->getxattr(s, i, name, x->value, sizeof x->value);
		if (size >= 0)
			tar_xattr(&x->tar, name, x->value, (size_t)size);
	}
}

/* Exactly as many bytes as were announced, whatever becomes of the file meanwhile. */
static int put_data(struct export *x, const struct extent *e)
{
	struct layer_source *s = x->source;
	for (uint64_t done = 0; done < e->size && x->tar.out.err == 0;) {
		uint64_t left = e->size - done;
		size_t want = left < sizeof x->value ? (size_t)left : sizeof x->value;
		ssize_t n = s->read(s, x->value, want, e->off + done);
		if (n < 0)
			return (int)n;
		if (n == 0)
			memset(x->value, 0, (size_t)(n = (ssize_t)want));
		tar_data(&x->tar, x->value, (size_t)n);
		done += (uint64_t)n;
	}
	return x->tar.out.err;
}

static int put_content(struct export *x, const char *path, const struct stat *st)
{
	const struct extent whole = {.size = (uint64_t)st->st_size};
	struct sparse sparse = {.count = 0};
	int err = sparse_look(&sparse, x->source, whole.size);
	if (err > 0) {
		err = sparse_entry(&sparse, &x->tar, path, st);
		for (size_t i = 0; i < sparse.count && err == 0; i++)
			err = put_data(x, &sparse.data[i]);
		tar_pad(&x->tar, sparse.stored);
	} else if (err == 0) {
		err = tar_entry(&x->tar, path, st, NULL, 0);
		if (err == 0)
			err = put_data(x, &whole);
		tar_pad(&x->tar, whole.size);
	}
	free(sparse.data);
	return err;
}

static int put_file(struct export *x, const struct layer_item *i)
{
	struct layer_source *s = x->source;
	const char *other = i->st.st_nlink > 1 ? first_name(x, i) : NULL;
	if (other)
		return tar_entry(&x->tar, i->path, &i->st, other, /*hard=*/1);
	struct stat st = i->st;
	int err = s->open(s, i, &st);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	put_xattrs(x, i);
	err = put_content(x, i->path, &st);
	s->close(s);
	return err;
}

static int put_link(struct export *x, const struct layer_item *i)
{
	char target[PATH_MAX + 1];
	ssize_t n = x->source->readlink(x->source, i, target, PATH_MAX);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	target[n] = '\0';
	put_xattrs(x, i);
	return tar_entry(&x->tar, i->path, &i->st, target, 0);
}

/* An empty file in the directory of the item (or in the item, if it is one). */
static int put_mark(struct export *x, const char *dir, size_t dir_size, const char *mark,
		    const char *name)
{
	autofree char *path = NULL;
	const struct stat st = {.st_mode = S_IFREG | 0600};
	if (asprintf(&path, "%.*s%s%s%s", (int)dir_size, dir, dir_size ? "/" : "", mark, name) <
	    0) {
		path = NULL;
		return -ENOMEM;
	}
	return tar_entry(&x->tar, path, &st, NULL, 0);
}

static int put_dir(struct export *x, const struct layer_item *i)
{
	autofree char *path = NULL;
	if (asprintf(&path, "%s/", i->path) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	put_xattrs(x, i);
	int err = tar_entry(&x->tar, path, &i->st, NULL, 0);
	return err == 0 && i->opaque && !x->full
		       ? put_mark(x, i->path, strlen(i->path), ".wh..wh..opq", "")
		       : err;
}

static int put_item(void *arg, const struct layer_item *i)
{
	struct export *x = arg;
	const char *slash = strrchr(i->path, '/');
	if (i->whiteout)
		return put_mark(x, i->path, slash ? (size_t)(slash - i->path) : 0, ".wh.", i->name);
	switch (i->st.st_mode & S_IFMT) {
	case S_IFDIR:
		return put_dir(x, i);
	case S_IFREG:
		return put_file(x, i);
	case S_IFLNK:
		return put_link(x, i);
	case S_IFSOCK:
		return 0;
	default:
		put_xattrs(x, i);
		return tar_entry(&x->tar, i->path, &i->st, NULL, 0);
	}
}

int layer_export(struct layer_source *s, bool full, int out_fd)
{
	struct export *x = calloc(1, sizeof *x);
	if (!x)
		return -ENOMEM;
	x->full = full;
	x->source = s;
	tar_begin(&x->tar, out_fd);
	int err = s->walk(s, full, put_item, x);
	int end = tar_end(&x->tar);
	for (size_t b = 0; b < SEEN_HASH; b++) {
		for (struct seen *f = x->seen[b], *next; f; f = next) {
			next = f->next;
			free(f);
		}
	}
	free(x);
	return err < 0 ? err : end;
}
