/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's bytes as a host memory object.
 *
 * Its holes cannot be asked for (the sentry may not make those host calls), so
 * what was written is kept here, page by page.  A page that was written once
 * stays memory and stays charged until the file is cut before it: punching
 * makes it zeros.  Where a guest has the object mapped it writes behind our
 * back; there SEEK_DATA and SEEK_HOLE look at the bytes.
 *
 * No locking of its own: the inode's lock is held.
 */
#pragma once

#include "sentry/fs/memfs/pageset.h"
#include "sentry/mm/copy.h"

struct budget;

struct object {
	int fd;				/* -1: not yet */
	int readonly;			/* the same to be read only, for stubs; -1: not needed yet */
	int before[2];			/* both, until object_renew: a mapping may be under way; -1 */
	struct pageset charged;		/* pages of the budget */
	struct pageset data;		/* of those, what may hold other than zeros */
	uint64_t mapped_from;		/* guests may write from here on without our knowing */
};

/* NULL: no memory. */
struct object *object_alloc(void);
/* b NULL: what was charged stays so. */
void object_free(struct object *o, struct budget *b);
/* As content_write, for an object that is there. */
ssize_t object_write(struct object *o, struct budget *b, struct uio *u, uint64_t off, size_t size);
ssize_t object_read(struct object *o, struct uio *u, uint64_t off, size_t size);
int object_resize(struct object *o, struct budget *b, uint64_t length);
/* The pages of off..off+size are charged: 0, -ENOSPC, -ENOMEM. */
int object_charge(struct object *o, struct budget *b, uint64_t off, uint64_t size);
/* -EINTR: a signal came before it was done. */
int object_zero(struct object *o, uint64_t off, uint64_t size);
/* The descriptor for those who may not write: or -errno. */
int object_readonly(struct object *o);
/*
 * Nobody may write any more (F_SEAL_WRITE), and no writable mapping is left that we know of.
 * Under trap a process can have kept one we do not know, so what is mapped from now on is
 * another host object with the same bytes.  length: the file's.  On failure nothing changes
 * (-EINTR: as object_zero).
 */
int object_renew(struct object *o, uint64_t length);
/* Somebody maps it shared and may write from off on (mremap reaches further than mmap did). */
void object_mapped(struct object *o, uint64_t off);
/* As content_seek; where a signal comes first, the answer is data. */
uint64_t object_seek(const struct object *o, uint64_t off, uint64_t length, bool data);
