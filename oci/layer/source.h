/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where changes of a root file system are read from: two directories of the host
 * (dirs.c, by the command line), or the memory of a sandbox (memory.c, by its sentry).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct layer_item {
	const char *path; /* below the root, without a slash in front */
	const char *name; /* the last part of it */
	struct stat st;	  /* not of whiteouts; st_dev and st_ino tell files apart */
	bool whiteout;	  /* it is gone */
	bool opaque;	  /* a directory that hides all of the lower one */
	bool below;	  /* the lower layer has something of that name, maybe hidden */
	bool above;	  /* dirs.c: it is in the upper layer */
	int dir;	  /* dirs.c: the directory that holds it, in the layer it is seen of */
};

typedef int (*layer_each_fn)(void *arg, const struct layer_item *item);

/* All but walk: of the item that each() has, during that call. */
struct layer_source {
	/*
	 * Names come sorted, a directory before what is in it.  all: also what was not changed,
	 * and no whiteouts.  each() < 0 ends it.  0 or -errno.
	 */
	int (*walk)(struct layer_source *s, bool all, layer_each_fn each, void *arg);
	ssize_t (*listxattr)(struct layer_source *s, const struct layer_item *i, char *buf,
			     size_t size);
	ssize_t (*getxattr)(struct layer_source *s, const struct layer_item *i, const char *name,
			    void *buf, size_t size);
	ssize_t (*readlink)(struct layer_source *s, const struct layer_item *i, char *buf,
			    size_t size);
	/* A regular file; *st: what it is now.  -ENOENT: it is none any more.  Then the others. */
	int (*open)(struct layer_source *s, const struct layer_item *i, struct stat *st);
	ssize_t (*read)(struct layer_source *s, void *buf, size_t size, uint64_t off);
	/* As lseek(2) with SEEK_DATA, or SEEK_HOLE; -ENXIO. */
	int64_t (*seek)(struct layer_source *s, uint64_t off, bool data);
	void (*close)(struct layer_source *s);
};

/* upper, lower: directories, the caller's, or -1. */
struct layer_dirs {
	struct layer_source source;
	int upper, lower;
	int fd; /* the file that is read */
};
void layer_dirs_init(struct layer_dirs *d, int upper, int lower);

/* In the sentry. */
struct boot_changes;
struct boot_container;
struct layer_memory {
	struct layer_source source;
	struct boot_container *container; /* the caller's */
	struct boot_changes *changes;
};
void layer_memory_init(struct layer_memory *m, struct boot_container *c);
