/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file with great holes in an archive: GNU tar's format 1.0, of pax headers.
 *
 * The image specification advises against it, for not every reader knows it; so only where the
 * zeros would drown the archive.
 */
#pragma once

#include "oci/layer/source.h"
#include "oci/layer/tar.h"

struct extent {
	uint64_t off, size;
};

struct sparse {
	struct extent *data; /* free() it */
	size_t count, room;
	uint64_t stored; /* bytes that the entry has in the archive */
};

/* 1: the open file of s, of that size, is to be stored so; 0: it is not; -errno. */
int sparse_look(struct sparse *p, struct layer_source *s, uint64_t size);
/* The entry, and the map in front of its data; the extents' bytes are to follow, and
 * tar_pad(stored). */
int sparse_entry(struct sparse *p, struct tar *t, const char *path, const struct stat *st);
