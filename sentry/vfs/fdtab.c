/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables.
 *
 * A bit map says which descriptors are taken; a taken one without a file is
 * reserved: invisible, but nobody else gets it.  `low` is a number below which
 * everything is taken.
 */
#include "sentry/vfs/fdtab.h"

#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "platform/base/lock.h"
#include "sentry/vfs/inode.h"
#include "sentry/vfs/lock.h"
#include "syscalls/abi/errno.h"

enum {
	FDS_START = 64,
	FDS_MAX = 1 << 20, /* fs.nr_open's default: no limit is above it */
};

struct fdtab {
	struct ref ref;	     /* a */
	struct lock lock;    /* RANK_FDTAB */
	unsigned size;	     /* l  of the arrays, a multiple of 64 */
	unsigned low;	     /* l */
	struct file **files; /* l  our references */
	uint64_t *taken;     /* l */
	uint64_t *cloexec;   /* l */
};

static bool bit_get(const uint64_t *map, unsigned n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static void bit_set(uint64_t *map, unsigned n, bool on)
{
	uint64_t bit = 1ull << (n % 64);
	if (on)
		map[n / 64] |= bit;
	else
		map[n / 64] &= ~bit;
}

/* A larger copy of an array, the new part zeroed. */
static void *grown(const void *old, size_t old_size, size_t size)
{
	char *p = calloc(1, size);
	if (p && old)
		memcpy(p, old, old_size);
	return p;
}

/* Makes room for descriptor n; all or nothing. */
static int grow_locked(struct fdtab *t, unsigned n)
{
	unsigned size = t->size ? t->size : FDS_START;

	while (size <= n)
		size *= 2;
	if (size == t->size)
		return 0;
	struct file **files = grown(t->files, t->size * sizeof *files, size * sizeof *files);
	uint64_t *taken = grown(t->taken, t->size / 8, size / 8);
	uint64_t *cloexec = grown(t->cloexec, t->size / 8, size / 8);
	if (!files || !taken || !cloexec) {
		free(files);
		free(taken);
		free(cloexec);
		return -ENOMEM;
	}
	free(t->files);
	free(t->taken);
	free(t->cloexec);
	t->files = files;
	t->taken = taken;
	t->cloexec = cloexec;
	t->size = size;
	return 0;
}

int fdtab_new(struct fdtab **out)
{
	struct fdtab *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	ref_init(&t->ref);
	lock_init(&t->lock, RANK_FDTAB);
	*out = t;
	count_new(fdtab);
	return 0;
}

int fdtab_copy(struct fdtab *from, struct fdtab **out)
{
	struct fdtab *t;
	int err = fdtab_new(&t);
	if (err < 0)
		return err;
	lock(&from->lock);
	if (from->size)
		err = grow_locked(t, from->size - 1);
	for (unsigned n = 0; err == 0 && n < from->size; n++) {
		if (!from->files[n])
			continue;
		t->files[n] = file_get(from->files[n]);
		bit_set(t->taken, n, true);
		bit_set(t->cloexec, n, bit_get(from->cloexec, n));
	}
	unlock(&from->lock);
	if (err < 0)
		fdtab_put(t);
	else
		*out = t;
	return err;
}

struct fdtab *fdtab_get_table(struct fdtab *t)
{
	ref_get(&t->ref);
	return t;
}

/* What close(2) owes to every descriptor, after it left the table. */
static void closed(struct fdtab *t, struct file *f)
{
	f->ops->flush(f, fdtab_owner(t));
	lock_release_posix(f->inode, fdtab_owner(t));
	file_put(f);
}

void fdtab_put(struct fdtab *t)
{
	if (!ref_put(&t->ref))
		return;
	for (unsigned n = 0; n < t->size; n++)
		if (t->files[n])
			closed(t, t->files[n]);
	free(t->files);
	free(t->taken);
	free(t->cloexec);
	free(t);
	count_gone(fdtab);
}

bool fdtab_shared(const struct fdtab *t)
{
	return ref_count(&t->ref) > 1;
}

static struct file *look(const struct fdtab *t, int fd)
{
	if (fd < 0 || (unsigned)fd >= t->size || !t->files[fd])
		return NULL;
	return file_get(t->files[fd]);
}

struct file *fdtab_get(struct fdtab *t, int fd)
{
	lock(&t->lock);
	struct file *f = look(t, fd);
	unlock(&t->lock);
	return f;
}

/* Acquire: what a task that no longer shares the table did to it is seen. */
struct file *fdtab_get_own(struct fdtab *t, int fd)
{
	bool alone = atomic_load_explicit(&t->ref.n, memory_order_acquire) == 1;

	return alone ? look(t, fd) : fdtab_get(t, fd);
}

struct file *fdtab_get_io(struct fdtab *t, int fd)
{
	struct file *f = fdtab_get_own(t, fd);
	if (f && f->kind == FILE_PATH) {
		file_put(f);
		return NULL;
	}
	return f;
}

static unsigned next_free_locked(const struct fdtab *t, unsigned from)
{
	while (from < t->size) {
		uint64_t word = ~t->taken[from / 64] >> (from % 64);
		if (word)
			return from + (unsigned)__builtin_ctzll(word);
		from = (from / 64 + 1) * 64;
	}
	return from;
}

static void release_locked(struct fdtab *t, unsigned n)
{
	bit_set(t->taken, n, false);
	if (n < t->low)
		t->low = n;
}

static int reserve_one_locked(struct fdtab *t, unsigned min, uint64_t limit)
{
	unsigned n = next_free_locked(t, min > t->low ? min : t->low);
	if (n >= limit || n >= FDS_MAX)
		return -EMFILE;
	int err = grow_locked(t, n);
	if (err < 0)
		return err;
	bit_set(t->taken, n, true);
	if (min <= t->low)
		t->low = n + 1;
	return (int)n;
}

int fd_reserve(struct fdtab *t, unsigned count, unsigned min, uint64_t limit, int *out_fds)
{
	int err = 0;

	if (min && min >= limit)
		return -EINVAL;
	lock(&t->lock);
	for (unsigned i = 0; i < count; i++) {
		err = reserve_one_locked(t, min, limit);
		if (err < 0) {
			while (i-- > 0)
				release_locked(t, (unsigned)out_fds[i]);
			break;
		}
		out_fds[i] = err;
	}
	unlock(&t->lock);
	return err < 0 ? err : 0;
}

void fd_unreserve(struct fdtab *t, int fd)
{
	lock(&t->lock);
	assert(bit_get(t->taken, (unsigned)fd) && !t->files[fd]);
	release_locked(t, (unsigned)fd);
	unlock(&t->lock);
}

void fd_publish(struct fdtab *t, int fd, struct file *f, bool cloexec)
{
	lock(&t->lock);
	assert(bit_get(t->taken, (unsigned)fd) && !t->files[fd]);
	bit_set(t->cloexec, (unsigned)fd, cloexec);
	t->files[fd] = f;
	unlock(&t->lock);
}

int fd_install(struct fdtab *t, struct file *f, bool cloexec, unsigned min, uint64_t limit)
{
	int fd, err = fd_reserve(t, 1, min, limit, &fd);
	if (err < 0) {
		file_put(f);
		return err;
	}
	fd_publish(t, fd, f, cloexec);
	return fd;
}

int fd_replace(struct fdtab *t, int to, struct file *f, bool cloexec, uint64_t limit)
{
	struct file *old = NULL;
	int err = -EBADF;

	lock(&t->lock);
	if (to >= 0 && (uint64_t)to < limit && to < FDS_MAX)
		err = grow_locked(t, (unsigned)to);
	if (err == 0 && bit_get(t->taken, (unsigned)to) && !t->files[to])
		err = -EBUSY;
	if (err == 0) {
		old = t->files[to];
		t->files[to] = f;
		bit_set(t->taken, (unsigned)to, true);
		bit_set(t->cloexec, (unsigned)to, cloexec);
	}
	unlock(&t->lock);
	if (old)
		closed(t, old);
	if (err < 0)
		file_put(f);
	return err < 0 ? err : to;
}

static struct file *take_locked(struct fdtab *t, unsigned n)
{
	if (n >= t->size || !t->files[n])
		return NULL;
	bit_set(t->cloexec, n, false);
	release_locked(t, n);
	return STEAL(t->files[n]);
}

int fd_close(struct fdtab *t, int fd)
{
	lock(&t->lock);
	struct file *f = fd < 0 ? NULL : take_locked(t, (unsigned)fd);
	unlock(&t->lock);
	if (!f)
		return -EBADF;
	closed(t, f);
	return 0;
}

int fd_close_range(struct fdtab *t, unsigned first, unsigned last, bool cloexec_only)
{
	for (uint64_t n = first; n <= last; n++) {
		struct file *f = NULL;
		lock(&t->lock);
		bool end = n >= t->size;
		if (!end && cloexec_only && t->files[n])
			bit_set(t->cloexec, (unsigned)n, true);
		else if (!end && !cloexec_only)
			f = take_locked(t, (unsigned)n);
		unlock(&t->lock);
		if (end)
			break;
		if (f)
			closed(t, f);
	}
	return 0;
}

void fdtab_exec(struct fdtab *t)
{
	for (unsigned n = 0;; n++) {
		struct file *f = NULL;
		lock(&t->lock);
		bool end = n >= t->size;
		if (!end && bit_get(t->cloexec, n))
			f = take_locked(t, n);
		unlock(&t->lock);
		if (end)
			break;
		if (f)
			closed(t, f);
	}
}

int fd_get_cloexec(struct fdtab *t, int fd)
{
	int on = -EBADF;

	lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->size && t->files[fd])
		on = bit_get(t->cloexec, (unsigned)fd);
	unlock(&t->lock);
	return on;
}

int fd_set_cloexec(struct fdtab *t, int fd, bool on)
{
	int err = -EBADF;

	lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->size && t->files[fd]) {
		bit_set(t->cloexec, (unsigned)fd, on);
		err = 0;
	}
	unlock(&t->lock);
	return err;
}

int fd_next(struct fdtab *t, int from)
{
	int found = -1;

	lock(&t->lock);
	for (unsigned n = from < 0 ? 0 : (unsigned)from; n < t->size && found < 0; n++)
		if (t->files[n])
			found = (int)n;
	unlock(&t->lock);
	return found;
}

void *fdtab_owner(struct fdtab *t)
{
	return t;
}
