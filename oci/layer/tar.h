/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a tar archive: POSIX.1-2001 (pax), as OCI image layers are.
 *
 * What the old header cannot hold (long names, large numbers, fractions of
 * seconds, extended attributes) goes into a pax header before it.  No library:
 * libarchive for a static program brings acl, nettle, xml and four compressors along.
 *
 * An error sticks: every later call returns it, so that only tar_end() need be asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "oci/layer/sink.h"

struct tar {
	struct sink out;
	char *pax; /* records of the next entry */
	size_t pax_size, pax_room;
};

/* *t is the caller's, to be ended with tar_end() in any case; fd stays the caller's. */
void tar_begin(struct tar *t, int fd);
/* A record of the pax header of the entry that comes next. */
void tar_pax(struct tar *t, const char *key, const void *value, size_t size);
/* An attribute of it. */
void tar_xattr(struct tar *t, const char *name, const void *value, size_t size);
/*
 * An entry as st says; link: the target of a symbolic link, or of a hard one (then `hard`), else
 * NULL.  A regular file that is no hard link is followed by exactly st->st_size bytes of
 * tar_data(). Sockets have no place in an archive: -EOPNOTSUPP, which does not stick.
 */
int tar_entry(struct tar *t, const char *path, const struct stat *st, const char *link, int hard);
void tar_data(struct tar *t, const void *p, size_t size);
/* Fills the last block of a file of that size. */
void tar_pad(struct tar *t, uint64_t size);
/* The end of the archive.  0 or -errno. */
int tar_end(struct tar *t);
