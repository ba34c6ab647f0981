/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/memfs/content.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "platform/base/cleanup.h"
#include "platform/host.h"
#include "sentry/fs/memfs/bounce.h"
#include "sentry/sync/waitq.h"

static const char zeros[16 * PAGE_SIZE];

int budget_take(struct budget *b, uint64_t n)
{
	uint64_t used = __atomic_add_fetch(&b->used, n, __ATOMIC_RELAXED);
	int err = b->limit == 0 || used <= b->limit ? 0 : -ENOSPC;
	if (err == 0 && b->of)
		err = budget_take(b->of, n);
	if (err < 0)
		__atomic_fetch_sub(&b->used, n, __ATOMIC_RELAXED);
	return err;
}

void budget_give(struct budget *b, uint64_t n)
{
	uint64_t old = __atomic_fetch_sub(&b->used, n, __ATOMIC_RELAXED);
	assert(old >= n);
	if (b->of)
		budget_give(b->of, n);
}

void content_init(struct content *c, struct budget *b)
{
	*c = (struct content){.budget = b, .fd = -1};
}

/* As pagetree_drop, for bytes: pages that lie wholly in off..end. */
static void pages_drop(struct content *c, uint64_t off, uint64_t end)
{
	uint64_t first = PAGE_ALIGN(off) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	uint64_t before = c->pages.count;
	if (first < last)
		pagetree_drop(&c->pages, first, last - 1);
	budget_give(c->budget, before - c->pages.count);
}

void content_free(struct content *c)
{
	pages_drop(c, 0, UINT64_MAX);
	host_close(c->fd);
	budget_give(c->budget, c->charged);
	content_init(c, c->budget);
}

static int page_make(struct content *c, uint64_t index, char **out)
{
	*out = pagetree_get(&c->pages, index);
	if (*out)
		return 0;
	int err = budget_take(c->budget, 1);
	if (err < 0)
		return err;
	err = pagetree_make(&c->pages, index, out);
	if (err < 0)
		budget_give(c->budget, 1);
	return err;
}

static ssize_t pages_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	struct content *c = arg;
	for (size_t done = 0; done < n;) {
		uint64_t at = off + done;
		size_t piece = min_u64(n - done, PAGE_SIZE - at % PAGE_SIZE);
		const char *page = pagetree_get(&c->pages, at >> PAGE_SHIFT);
		if (page)
			memcpy(buf + done, page + at % PAGE_SIZE, piece);
		else
			memset(buf + done, 0, piece);
		done += piece;
	}
	return (ssize_t)n;
}

static ssize_t pages_drain(void *arg, char *buf, size_t n, uint64_t off)
{
	struct content *c = arg;
	for (size_t done = 0; done < n;) {
		uint64_t at = off + done;
		size_t piece = min_u64(n - done, PAGE_SIZE - at % PAGE_SIZE);
		char *page;
		int err = page_make(c, at >> PAGE_SHIFT, &page);
		if (err < 0)
			return done > 0 ? (ssize_t)done : err;
		memcpy(page + at % PAGE_SIZE, buf + done, piece);
		done += piece;
	}
	return (ssize_t)n;
}

static ssize_t object_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pread(((struct content *)arg)->fd, buf, n, (int64_t)off);
}

static ssize_t object_drain(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pwrite(((struct content *)arg)->fd, buf, n, (int64_t)off);
}

ssize_t content_read(struct content *c, struct uio *u, uint64_t off, size_t size)
{
	if (c->fd >= 0)
		return bounce_read(u, off, size, object_fill, c);
	const char *page = pagetree_get(&c->pages, off >> PAGE_SHIFT);
	if (page && size <= PAGE_SIZE - off % PAGE_SIZE)
		return uio_put(u, page + off % PAGE_SIZE, size);
	return bounce_read(u, off, size, pages_fill, c);
}

/* Charges a memory object up to `end` bytes. */
static int object_charge(struct content *c, uint64_t end)
{
	uint64_t want = PAGE_ALIGN(end) >> PAGE_SHIFT;
	if (want <= c->charged)
		return 0;
	int err = budget_take(c->budget, want - c->charged);
	if (err == 0)
		c->charged = want;
	return err;
}

/* Heap pages -> memory object; on failure nothing has changed. */
static int object_make(struct content *c, uint64_t length)
{
	int fd, err = host_memfd("vedette", &fd);
	if (err < 0)
		return err;
	err = host_ftruncate(fd, length);
	uint64_t index = 0, last = 0;
	for (char *page; err == 0 && (page = pagetree_next(&c->pages, &index)); index++) {
		/* A page may reach beyond the end; the object must not. */
		uint64_t off = index << PAGE_SHIFT;
		size_t n = off < length ? min_u64(PAGE_SIZE, length - off) : 0;
		ssize_t put = n > 0 ? host_pwrite(fd, page, n, (int64_t)off) : 0;
		if (put != (ssize_t)n)
			err = put < 0 ? (int)put : -ENOSPC;
		last = index + 1;
	}
	if (err < 0) {
		host_close(fd);
		return err;
	}
	/* What was charged by pages stays charged, whatever the holes were. */
	c->charged = min_u64(last, c->pages.count);
	budget_give(c->budget, c->pages.count - c->charged);
	pagetree_drop(&c->pages, 0, UINT64_MAX);
	c->fd = fd;
	return 0;
}

int content_fd(struct content *c, uint64_t length)
{
	int err = c->fd < 0 ? object_make(c, length) : 0;
	return err < 0 ? err : c->fd;
}

/* Switches to a memory object before a change that would make the heap pages too many. */
static int heap_limit(struct content *c, uint64_t off, uint64_t size, uint64_t length)
{
	uint64_t more = (PAGE_ALIGN(off + size) - (off & PAGE_MASK)) >> PAGE_SHIFT;
	if (c->fd >= 0 || (c->pages.count + more) << PAGE_SHIFT <= CONTENT_HEAP_MAX)
		return 0;
	/* Overwriting is not growth. */
	if (off + size <= length && (c->pages.count << PAGE_SHIFT) >= PAGE_ALIGN(length))
		return 0;
	return object_make(c, length);
}

/*
 * Into a page that is there: straight from the guest.  A copy that fails half way may have left
 * bytes behind what it says it moved; those behind the end of the file must be zero.
 */
static ssize_t page_write(char *page, struct uio *u, uint64_t off, size_t size, uint64_t length)
{
	ssize_t n = uio_get(u, page + off % PAGE_SIZE, size);
	uint64_t end = max_u64(length, off + (n > 0 ? (uint64_t)n : 0));
	if (n < (ssize_t)size && end < off + size)
		memset(page + end % PAGE_SIZE, 0, off + size - end);
	return n;
}

ssize_t content_write(struct content *c, struct uio *u, uint64_t off, size_t size, uint64_t length)
{
	int err = heap_limit(c, off, size, length);
	if (err < 0)
		return err;
	if (c->fd < 0) {
		char *page = pagetree_get(&c->pages, off >> PAGE_SHIFT);
		return page && size <= PAGE_SIZE - off % PAGE_SIZE
			       ? page_write(page, u, off, size, length)
			       : bounce_write(u, off, size, pages_drain, c);
	}
	err = object_charge(c, off + size);
	return err < 0 ? err : bounce_write(u, off, size, object_drain, c);
}

/*
 * What is zero already is only read, for a hole that is written becomes memory: of a
 * sparse file more than the host has.  A signal ends what takes too long.
 */
static int object_zero(struct content *c, uint64_t off, uint64_t size)
{
	enum { PIECES = 1024 };
	autofree char *buf = malloc(sizeof zeros);
	if (!buf)
		return -ENOMEM;
	for (unsigned pieces = 1; size > 0; pieces++) {
		ssize_t n = host_pread(c->fd, buf, min_u64(size, sizeof zeros), (int64_t)off);
		if (n > 0 && memcmp(buf, zeros, (size_t)n) != 0)
			n = host_pwrite(c->fd, zeros, (size_t)n, (int64_t)off);
		if (n <= 0)
			return (int)n;
		off += (uint64_t)n;
		size -= (uint64_t)n;
		if (pieces % PIECES == 0 && waiter_signalled(waiter_self()))
			return -EINTR;
	}
	return 0;
}

/* Bytes of one page, if it exists. */
static void page_zero(struct content *c, uint64_t off, uint64_t end)
{
	char *page = pagetree_get(&c->pages, off >> PAGE_SHIFT);
	if (page && off < end)
		memset(page + off % PAGE_SIZE, 0, min_u64(end - off, PAGE_SIZE - off % PAGE_SIZE));
}

int content_zero(struct content *c, uint64_t off, uint64_t size)
{
	uint64_t end = off + size;
	if (c->fd >= 0)
		return object_zero(c, off, size);
	pages_drop(c, off, end);
	page_zero(c, off, end);
	if (off >> PAGE_SHIFT != end >> PAGE_SHIFT)
		page_zero(c, end & PAGE_MASK, end);
	return 0;
}

int content_resize(struct content *c, uint64_t length, uint64_t new_length)
{
	if (c->fd >= 0) {
		int err = host_ftruncate(c->fd, new_length);
		uint64_t keep = PAGE_ALIGN(new_length) >> PAGE_SHIFT;
		if (err == 0 && keep < c->charged) {
			budget_give(c->budget, c->charged - keep);
			c->charged = keep;
		}
		return err;
	}
	/* Pages that were reserved behind the end go too. */
	if (new_length < length) {
		pages_drop(c, new_length, UINT64_MAX);
		page_zero(c, new_length, PAGE_ALIGN(new_length));
	}
	return 0;
}

int content_reserve(struct content *c, uint64_t off, uint64_t size, uint64_t length,
		    uint64_t new_length)
{
	int err = heap_limit(c, off, size, length);
	if (err < 0)
		return err;
	if (c->fd >= 0) {
		err = object_charge(c, off + size);
		return err < 0 || new_length == length ? err : host_ftruncate(c->fd, new_length);
	}
	for (uint64_t i = off >> PAGE_SHIFT; i <= (off + size - 1) >> PAGE_SHIFT; i++) {
		char *page;
		err = page_make(c, i, &page);
		if (err < 0)
			return err;
	}
	return 0;
}

uint64_t content_seek(const struct content *c, uint64_t off, uint64_t length, bool data)
{
	if (c->fd >= 0)
		return data ? off : length;
	uint64_t index = off >> PAGE_SHIFT;
	if (data) {
		if (!pagetree_next(&c->pages, &index))
			return length;
	} else {
		while (index << PAGE_SHIFT < length && pagetree_get(&c->pages, index))
			index++;
	}
	return min_u64(max_u64(off, index << PAGE_SHIFT), length);
}

uint64_t content_pages(const struct content *c)
{
	struct host_stat st;
	if (c->fd >= 0)
		return host_fstat(c->fd, &st) == 0 ? st.blocks / (PAGE_SIZE / 512) : c->charged;
	return c->pages.count;
}
