/* SPDX-License-Identifier: Apache-2.0 */
/* In the sentry: changes that are in its memory. */
#include <errno.h>
#include <stdint.h>

#include "oci/layer/source.h"
#include "sentry/boot/boot.h"

static struct boot_changes *of(struct layer_source *s)
{
	return ((struct layer_memory *)s)->changes;
}

static void describe(const struct boot_change *c, struct layer_item *i)
{
	*i = (struct layer_item){
		.path = c->path, .name = c->name, .whiteout = c->whiteout, .below = c->below};
	i->st.st_ino = c->ino;
	i->st.st_mode = c->mode;
	i->st.st_nlink = c->nlink;
	i->st.st_uid = c->uid;
	i->st.st_gid = c->gid;
	i->st.st_rdev = c->rdev;
	i->st.st_size = (off_t)c->size;
	i->st.st_mtim = (struct timespec){c->mtime_sec, c->mtime_nsec};
}

static int memory_walk(struct layer_source *s, bool all, layer_each_fn each, void *arg)
{
	struct layer_memory *m = (struct layer_memory *)s;
	struct boot_change c;
	struct layer_item item;
	int more, err = boot_changes_open(m->container, all, &m->changes);
	if (err < 0)
		return err;
	while (err == 0 && (more = boot_changes_next(m->changes, &c)) != 0) {
		if (more > 0)
			describe(&c, &item);
		err = more < 0 ? more : each(arg, &item);
	}
	boot_changes_close(m->changes);
	return err;
}

static ssize_t memory_listxattr(struct layer_source *s, const struct layer_item *i, char *buf,
				size_t size)
{
	(void)i;
	return boot_changes_listxattr(of(s), buf, size);
}

static ssize_t memory_getxattr(struct layer_source *s, const struct layer_item *i, const char *name,
			       void *buf, size_t size)
{
	(void)i;
	return boot_changes_getxattr(of(s), name, buf, size);
}

static ssize_t memory_readlink(struct layer_source *s, const struct layer_item *i, char *buf,
			       size_t size)
{
	(void)i;
	return boot_changes_readlink(of(s), buf, size);
}

static int memory_open(struct layer_source *s, const struct layer_item *i, struct stat *st)
{
	*st = i->st;
	return boot_changes_read_begin(of(s));
}

static ssize_t memory_read(struct layer_source *s, void *buf, size_t size, uint64_t off)
{
	return boot_changes_read(of(s), buf, size, off);
}

static int64_t memory_seek(struct layer_source *s, uint64_t off, bool data)
{
	return boot_changes_seek(of(s), off, data);
}

/* With the next name. */
static void memory_close(struct layer_source *s)
{
	(void)s;
}

void layer_memory_init(struct layer_memory *m, struct boot_container *c)
{
	*m = (struct layer_memory){
		.source = {.walk = memory_walk,
			   .listxattr = memory_listxattr,
			   .getxattr = memory_getxattr,
			   .readlink = memory_readlink,
			   .open = memory_open,
			   .read = memory_read,
			   .seek = memory_seek,
			   .close = memory_close},
		.container = c,
	};
}
