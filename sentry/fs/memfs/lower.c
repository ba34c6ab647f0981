/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files that are still the lower tree's.
 *
 * The host descriptor is opened with the first open(2) and lives as long as an
 * open file may use it; then it waits on the idle list, because the same
 * libraries are opened again and again.  node->lower_fd belongs to the open
 * files while there are any (inode lock), to the idle list otherwise.
 */
#include <errno.h>
#include <stdlib.h>

#include "platform/host.h"
#include "sentry/fs/memfs/bounce.h"
#include "sentry/fs/memfs/private.h"

enum { COPY_CHUNK = 128 * 1024 };

/* A file that has grown below since its directory was read is shown as it is now. */
static void refresh(struct inode *i, uint64_t size, int64_t mtime_sec, uint64_t mtime_nsec)
{
	if (i->size == size)
		return;
	i->size = size;
	i->mtime = (struct ktime){mtime_sec, (uint32_t)mtime_nsec};
	__atomic_fetch_add(&i->generation, 1, __ATOMIC_RELAXED);
}

/* Takes the descriptor back from the idle list; false if it is not there. */
static bool idle_take(struct node *n)
{
	lock(&n->m->lower_lock);
	bool was = !list_empty(&n->idle);
	if (was) {
		list_del(&n->idle);
		n->m->idle_count--;
	}
	unlock(&n->m->lower_lock);
	return was;
}

static void idle_give(struct node *n)
{
	struct memfs *m = n->m;
	int surplus = -1;
	lock(&m->lower_lock);
	list_append(&m->idle, &n->idle);
	if (++m->idle_count > LOWER_IDLE_MAX) {
		struct node *oldest = list_first(&m->idle, struct node, idle);
		surplus = oldest->lower_fd;
		oldest->lower_fd = -1;
		list_del(&oldest->idle);
		m->idle_count--;
	}
	unlock(&m->lower_lock);
	host_close(surplus);
}

/*
 * One that was opened ahead is good if the file was left alone since: what took its name meanwhile has
 * changed its ctime, and is what the name must lead to.
 */
static bool idle_good(struct node *n, const struct host_stat *st)
{
	bool ahead = n->ahead.set;
	n->ahead.set = false;
	return !ahead || (st->nlink > 0 && st->ctime_sec == n->ahead.sec &&
			  st->ctime_nsec == n->ahead.nsec);
}

static bool lower_fd_idle(struct inode *i)
{
	struct node *n = node_of(i);
	struct host_stat st;

	if (!idle_take(n))
		return false;
	int err = host_fstat(n->lower_fd, &st);
	if (err == 0 && !idle_good(n, &st)) {
		host_close(n->lower_fd);
		n->lower_fd = -1;
		return false;
	}
	if (err == 0)
		refresh(i, st.size, st.mtime_sec, st.mtime_nsec);
	return true;
}

bool lower_unopened_locked(struct inode *i)
{
	struct node *n = node_of(i);
	if (!n->origin || n->changed || n->opens > 0)
		return false;
	lock(&n->m->lower_lock);
	bool none = list_empty(&n->idle);
	unlock(&n->m->lower_lock);
	return none;
}

void lower_give_locked(struct inode *i, int fd, const struct gofer_attr *attr)
{
	struct node *n = node_of(i);
	if (!lower_unopened_locked(i)) {
		host_close(fd);
		return;
	}
	n->lower_fd = fd;
	n->ahead.sec = attr->ctime_sec;
	n->ahead.nsec = (uint32_t)attr->ctime_nsec;
	n->ahead.set = true;
	idle_give(n);
}

static int lower_fd_open(struct inode *i)
{
	struct node *n = node_of(i);
	struct gofer_attr attr;
	char path[GOFER_PATH_MAX + 1];

	if (lower_fd_idle(i))
		return 0;
	int fd, err = origin_path(n->origin, path);
	if (err == 0)
		err = gofer_open(n->m->gofer, n->m->root, path, GOFER_O_RDONLY, &attr, &fd);
	if (err < 0)
		return err;
	n->lower_fd = fd;
	refresh(i, attr.size, attr.mtime_sec, attr.mtime_nsec);
	return 0;
}

int lower_open_locked(struct inode *i)
{
	struct node *n = node_of(i);
	int err = n->opens == 0 && !n->changed ? lower_fd_open(i) : 0;
	if (err == 0)
		n->opens++;
	return err;
}

void lower_close_locked(struct inode *i)
{
	struct node *n = node_of(i);
	if (--n->opens > 0 || n->lower_fd < 0)
		return;
	if (!n->changed) {
		idle_give(n);
		return;
	}
	host_close(n->lower_fd);
	n->lower_fd = -1;
}

void lower_forget(struct node *n)
{
	idle_take(n);
	host_close(n->lower_fd);
	n->lower_fd = -1;
}

static ssize_t lower_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pread(*(int *)arg, buf, n, (int64_t)off);
}

ssize_t lower_read(struct inode *i, struct uio *u, uint64_t off)
{
	int fd = node_of(i)->lower_fd;
	return bounce_read(u, off, u->left, lower_fill, &fd);
}

/* Copies until `length` bytes or the end of the lower file; the bytes copied. */
static int64_t copy_content(struct node *n, uint64_t length)
{
	autofree char *buf = malloc(COPY_CHUNK);
	uint64_t done = 0;
	if (!buf)
		return -ENOMEM;
	/* Big files skip the heap. */
	int fd = length > CONTENT_HEAP_MAX ? content_fd(&n->content, 0) : 0;
	if (fd < 0)
		return fd;
	while (done < length) {
		struct uio u;
		ssize_t got = host_pread(n->lower_fd, buf, min_u64(COPY_CHUNK, length - done),
					 (int64_t)done);
		if (got <= 0)
			return got < 0 ? got : (int64_t)done;
		uio_kernel(&u, buf, (size_t)got);
		ssize_t put = content_write(&n->content, &u, done, (size_t)got, done);
		if (put != got)
			return put < 0 ? put : -ENOSPC;
		done += (uint64_t)got;
	}
	return (int64_t)done;
}

int lower_copy_up_locked(struct inode *i, uint64_t length)
{
	struct node *n = node_of(i);
	if (n->changed)
		return 0;
	node_altered(i);
	length = min_u64(length, i->size);
	int64_t done = 0;
	if (length > 0) {
		int err = lower_open_locked(i);
		if (err < 0)
			return err;
		done = copy_content(n, length);
		if (done >= 0)
			n->changed = true;
		lower_close_locked(i);
	}
	if (done < 0) {
		content_free(&n->content);
		return (int)done;
	}
	n->changed = true;
	i->size = (uint64_t)done;
	return 0;
}
