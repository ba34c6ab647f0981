/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one regular file in memory.
 *
 * A file starts as heap pages, which one process_vm call moves to and from the
 * guest.  It becomes a host memory object (memfd) when somebody maps it, for
 * the stubs need a descriptor, or when it has grown beyond CONTENT_HEAP_MAX;
 * from then on every access goes through that descriptor, because mapped pages
 * change behind our back.  There is no way back.
 *
 * The length of the file is the inode's and is passed in; bytes of a page
 * behind it are zero.  A memory object's own size is always that length, so
 * that touching a mapping behind the end raises SIGBUS.
 *
 * Pages are charged to the file system's budget.
 *
 * No locking of its own: the inode's lock is held, reads included.
 */
#pragma once

#include "sentry/fs/memfs/object.h"
#include "sentry/fs/memfs/pagetree.h"
#include "sentry/mm/copy.h"

/* Bytes of heap pages before a file becomes a memory object. */
#define CONTENT_HEAP_MAX (4ull << 20)

/* Pages a file system may hold; all atomic. */
struct budget {
	uint64_t limit; /* a  0: none */
	uint64_t used;	/* a */
	struct budget *of; /* I  what this is a part of: counted there too; NULL: nothing */
};

int budget_take(struct budget *b, uint64_t n); /* 0 or -ENOSPC */
void budget_give(struct budget *b, uint64_t n);

struct content {
	struct budget *budget;
	struct pagetree pages;
	struct object *object;	/* instead of the pages, once there is one */
};

void content_init(struct content *c, struct budget *b);
void content_free(struct content *c);
/* Bytes moved; the range lies inside the file. */
ssize_t content_read(struct content *c, struct uio *u, uint64_t off, size_t size);
/* length: the file's before; the caller makes it longer by what was written. */
ssize_t content_write(struct content *c, struct uio *u, uint64_t off, size_t size,
		      uint64_t length);
int content_resize(struct content *c, uint64_t length, uint64_t new_length);
/* The range, which lies inside the file, reads as zeros afterwards. */
int content_zero(struct content *c, uint64_t off, uint64_t size);
/* Makes sure that the pages exist; new_length: of the file afterwards. */
int content_reserve(struct content *c, uint64_t off, uint64_t size, uint64_t length,
		    uint64_t new_length);
/* The memory object's descriptor (made now if need be), or -errno. */
int content_fd(struct content *c, uint64_t length);
/* The same for a mapping that may never be written: the host lets nobody write through it. */
int content_readonly_fd(struct content *c, uint64_t length);
/* No byte of it will change any more: see object_renew. */
int content_sealed(struct content *c, uint64_t length);
/* First byte of data (or of a hole) at or after off < length; length if there is none. */
uint64_t content_seek(const struct content *c, uint64_t off, uint64_t length, bool data);
/* Pages in use, for st_blocks. */
uint64_t content_pages(const struct content *c);
