/* SPDX-License-Identifier: Apache-2.0 */
/* Whole directories: names, attributes and targets of links together. */
#include "oci/gofer/layers.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

/*
 * Attributes and target of one entry; -ENOENT: gone meanwhile.  A name that is
 * replaced between the two questions is asked about again.
 */
static ssize_t entry_get(struct worker *w, int dir, const char *name, struct gofer_attr *attr,
			 char link[GOFER_PATH_MAX + 1])
{
	for (int i = 0; i < 8; i++) {
		int err = pin_attr(w->s, dir, name, attr);
		if (err < 0)
			return err;
		if (!S_ISLNK(attr->mode))
			return 0;
		ssize_t n = readlinkat(dir, name, link, GOFER_PATH_MAX);
		if (n > 0)
			return n;
		if (n == 0 || errno != EINVAL)
			return -ENOENT;
	}
	return -ENOENT;
}

/* The packet that is filled in w->out, and sent when it is full; of several directories in turn. */
struct listing {
	struct worker *w;
	const struct layers *dir; /* of a layered root, else NULL */
	size_t used;
	bool bounded;	/* GOFER_AHEAD_MAX entries in all are enough */
	unsigned count;
};

/* A directory in both layers has the lower one's number; layers_attr() says why. */
static int entry_layers(const struct listing *l, const char *name, struct gofer_attr *attr)
{
	autolayers struct layers it = LAYERS_NONE;
	bool white;
	int err = layers_child(l->w, l->dir, name, &it, &white);
	if (err == 0 && layers_seen(&it) < 0)
		err = -ENOENT;
	return err < 0 ? err : layers_attr(l->w, &it, attr);
}

/* Room for size bytes in the packet. */
static int room_make(struct listing *l, size_t size)
{
	if (l->used + size <= GOFER_CHUNK)
		return 0;
	int err = gofer_reply_more(l->w, l->w->out, l->used);
	l->used = 0;
	return err;
}

static int entry_add(struct listing *l, int dir, const char *name, bool low)
{
	char link[GOFER_PATH_MAX + 1];
	struct gofer_dirent d = {0};
	struct worker *w = l->w;
	size_t name_size = strlen(name) + 1;
	if (l->bounded && l->count >= GOFER_AHEAD_MAX)
		return -E2BIG;
	/* What cannot be asked about (gone, a dead mount) is left out: proto.h has no word for it.
	 */
	ssize_t n = entry_get(w, dir, name, &d.attr, link);
	if (n >= 0 && l->dir && S_ISDIR(d.attr.mode) && !low && l->dir->low >= 0)
		n = entry_layers(l, name, &d.attr);
	else if (n >= 0 && low && !S_ISDIR(d.attr.mode))
		d.attr.flags |= GOFER_LOWER;
	if (n < 0 || name_size > GOFER_NAME_MAX + 1)
		return 0;
	d.name_size = (uint32_t)name_size;
	d.link_size = n > 0 ? (uint32_t)n + 1 : 0;
	link[n] = '\0';
	size_t strings = (d.name_size + d.link_size + 7ul) & ~7ul;
	int err = room_make(l, sizeof d + strings);
	if (err < 0)
		return err;
	uint8_t *p = w->out + l->used;
	memcpy(p, &d, sizeof d);
	memset(p + sizeof d + strings - 8, 0, 8);
	memcpy(p + sizeof d, name, d.name_size);
	memcpy(p + sizeof d + d.name_size, link, d.link_size);
	l->used += sizeof d + strings;
	l->count++;
	return 0;
}

static int add_plain(void *arg, int dir, const char *name)
{
	return entry_add(arg, dir, name, /*low=*/false);
}

static int add_layered(void *arg, int dir, const char *name, bool low)
{
	return entry_add(arg, dir, name, low);
}

static int list_layered(struct worker *w, struct listing *l, struct gofer_attr *attr)
{
	autolayers struct layers dir = LAYERS_NONE;
	int err = layers_find(w, w->path, /*raise=*/false, &dir);
	if (err == 0)
		err = layers_attr(w, &dir, attr);
	if (err < 0)
		return err;
	l->dir = &dir;
	err = S_ISDIR(attr->mode) ? layers_list(w, &dir, add_layered, l) : -ENOTDIR;
	l->dir = NULL;
	return err;
}

static int list_plain(struct worker *w, struct listing *l, struct gofer_attr *attr)
{
	autoclose int pinned = -1;
	int err = pin_object(w, w->path, /*change=*/false, &pinned, attr);
	if (err < 0)
		return err;
	return S_ISDIR(attr->mode) ? dir_each(w, pinned, add_plain, l) : -ENOTDIR;
}

/* The directory at w->path. */
static int list_path(struct listing *l, struct gofer_attr *attr)
{
	struct worker *w = l->w;
	return w->root->layered ? list_layered(w, l, attr) : list_plain(w, l, attr);
}

int gofer_op_LIST(struct worker *w)
{
	struct listing l = {.w = w};
	int err = list_path(&l, &w->rep.attr);
	if (err < 0)
		return err;
	w->body = w->out;
	w->body_size = l.used;
	return 0;
}

/* What ends the entries of one directory. */
static int end_add(struct listing *l, int status)
{
	const struct gofer_dirent d = {.link_size = (uint32_t)-status};
	int err = room_make(l, sizeof d);
	if (err < 0)
		return err;
	memcpy(l->w->out + l->used, &d, sizeof d);
	l->used += sizeof d;
	return 0;
}

static int list_name(void *arg, unsigned i, int status)
{
	struct listing *l = arg;
	struct gofer_attr attr;
	l->bounded = i > 0;
	if (status == 0)
		status = list_path(l, &attr);
	return end_add(l, status);
}

int gofer_op_LISTS(struct worker *w)
{
	struct listing l = {.w = w};
	int err = names_each(w, list_name, &l);
	w->body = w->out;
	w->body_size = l.used;
	return err;
}
