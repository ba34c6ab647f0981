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

int budget_take(struct budget *b, uint64_t n)
{
	uint64_t used = __atomic_add_fetch(&b->used, n, __ATOMIC_RELAXED);
	uint64_t limit = __atomic_load_n(&b->limit, __ATOMIC_RELAXED);
	int err = limit == 0 || used <= limit ? 0 : -ENOSPC;
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
	*c = (struct content){.budget = b};
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
	if (c->object)
		object_free(STEAL(c->object), c->budget);
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

static bool is_object(const struct content *c)
{
	return c->object != NULL;
}

ssize_t content_read(struct content *c, struct uio *u, uint64_t off, size_t size)
{
	if (is_object(c))
		return object_read(c->object, u, off, size);
	const char *page = pagetree_get(&c->pages, off >> PAGE_SHIFT);
	if (page && size <= PAGE_SIZE - off % PAGE_SIZE)
		return uio_put(u, page + off % PAGE_SIZE, size);
	return bounce_read(u, off, size, pages_fill, c);
}

/* One page of the heap; it may reach beyond the end, where the object must not. */
static int page_copy(struct object *o, const char *page, uint64_t index, uint64_t length)
{
	uint64_t off = index << PAGE_SHIFT;
	size_t n = off < length ? min_u64(PAGE_SIZE, length - off) : 0;
	ssize_t put = n > 0 ? host_pwrite(o->fd, page, n, (int64_t)off) : 0;
	if (put != (ssize_t)n)
		return put < 0 ? (int)put : -ENOSPC;
	int err = pageset_add(&o->charged, index, index);
	return err < 0 || n == 0 ? err : pageset_add(&o->data, index, index);
}

/* Heap pages -> memory object, charged as they were; on failure nothing has changed. */
static int object_make(struct content *c, uint64_t length)
{
	uint64_t index = 0;
	struct object *o = object_alloc();
	if (!o)
		return -ENOMEM;
	int err = host_memfd("vedette", &o->fd);
	if (err == 0)
		err = host_ftruncate(o->fd, length);
	for (char *page; err == 0 && (page = pagetree_next(&c->pages, &index)); index++)
		err = page_copy(o, page, index, length);
	if (err < 0) {
		object_free(o, NULL);
		return err;
	}
	pagetree_drop(&c->pages, 0, UINT64_MAX);
	c->object = o;
	return 0;
}

int content_fd(struct content *c, uint64_t length)
{
	int err = is_object(c) ? 0 : object_make(c, length);
	return err < 0 ? err : c->object->fd;
}

int content_readonly_fd(struct content *c, uint64_t length)
{
	int fd = content_fd(c, length);
	return fd < 0 ? fd : object_readonly(c->object);
}

int content_sealed(struct content *c, uint64_t length)
{
	return is_object(c) ? object_renew(c->object, length) : 0;
}

/* Switches to a memory object before a change that would make the heap pages too many. */
static int heap_limit(struct content *c, uint64_t off, uint64_t size, uint64_t length)
{
	uint64_t more = (PAGE_ALIGN(off + size) - (off & PAGE_MASK)) >> PAGE_SHIFT;
	if (is_object(c) || (c->pages.count + more) << PAGE_SHIFT <= CONTENT_HEAP_MAX)
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
	if (!is_object(c)) {
		char *page = pagetree_get(&c->pages, off >> PAGE_SHIFT);
		return page && size <= PAGE_SIZE - off % PAGE_SIZE
			       ? page_write(page, u, off, size, length)
			       : bounce_write(u, off, size, pages_drain, c);
	}
	return object_write(c->object, c->budget, u, off, size);
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
	if (is_object(c))
		return object_zero(c->object, off, size);
	pages_drop(c, off, end);
	page_zero(c, off, end);
	if (off >> PAGE_SHIFT != end >> PAGE_SHIFT)
		page_zero(c, end & PAGE_MASK, end);
	return 0;
}

int content_resize(struct content *c, uint64_t length, uint64_t new_length)
{
	if (is_object(c))
		return object_resize(c->object, c->budget, new_length);
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
	if (is_object(c)) {
		err = object_charge(c->object, c->budget, off, size);
		return err < 0 || new_length == length ? err
						       : host_ftruncate(c->object->fd, new_length);
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
	if (is_object(c))
		return object_seek(c->object, off, length, data);
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
	if (is_object(c))
		return host_fstat(c->object->fd, &st) == 0 ? st.blocks / (PAGE_SIZE / 512)
							   : c->object->charged.count;
	return c->pages.count;
}
