/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of shared files, through host descriptors.
 *
 * Open files with the same rights share a descriptor: all reads and writes say
 * where.  Appending is left to the host (O_APPEND), so that it is atomic with
 * what processes outside append; a file whose flag was changed later gets a
 * second descriptor without it when it first needs one, and one that got the
 * flag later writes at the end as seen under the inode's lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "platform/host.h"
#include "sentry/fs/devfs/devfs.h"
#include "sentry/fs/gofer/shared.h"
#include "sentry/fs/memfs/bounce.h"
#include "sentry/fs/pipe/fifo.h"
#include "sentry/sync/timer.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"

/* Hangs on file->priv. */
struct opened {
	struct sfd *main;     /* I  our use of it */
	struct sfd *plain;    /* inode lock; without O_APPEND, made when needed; our use */
	struct sfd *readonly; /* the same for mappings that may not be written */
};

static void sfd_put_locked(struct sfd *s)
{
	if (!s || --s->users > 0)
		return;
	list_del(&s->link);
	host_close(s->fd);
	host_close(s->lower_fd);
	free(s);
}

static bool allows(const struct sfd *s, int flags)
{
	int have = s->flags & GOFER_O_ACCMODE, want = flags & GOFER_O_ACCMODE;
	return (s->flags & ~GOFER_O_ACCMODE) == (flags & ~GOFER_O_ACCMODE) &&
	       (have == want || have == GOFER_O_RDWR);
}

static int sfd_add(struct snode *n, int fd, int flags, struct sfd **out)
{
	struct sfd *s = malloc(sizeof *s);
	if (!s) {
		host_close(fd);
		return -ENOMEM;
	}
	*s = (struct sfd){.users = 1, .fd = fd, .lower_fd = -1, .flags = flags};
	list_append(&n->fds, &s->link);
	*out = s;
	return 0;
}

/* Those who read at this moment may still use the old one. */
int node_reopen_locked(struct snode *n, const char *path)
{
	struct gofer_attr attr;
	struct sfd *s;
	int fd, err = 0;

	list_for_each(s, &n->fds, link) {
		if (err < 0 || s->lower_fd >= 0)
			continue;
		err = gofer_open(n->m->gofer, n->m->root, path, s->flags, &attr, &fd);
		if (err < 0)
			continue;
		s->lower_fd = s->fd;
		__atomic_store_n(&s->fd, fd, __ATOMIC_RELEASE);
	}
	return err;
}

static int sfd_fd(const struct sfd *s)
{
	return __atomic_load_n(&s->fd, __ATOMIC_ACQUIRE);
}

/* A descriptor with these flags: one that is open, or a new one.  -ESTALE: no name to open. */
static int sfd_get_locked(struct snode *n, int flags, struct sfd **out)
{
	struct gofer_attr attr;
	struct spath path;
	struct sfd *s;
	int fd = -1;

	if ((flags & GOFER_O_ACCMODE) != GOFER_O_RDONLY) {
		int raised = node_raise_locked(n);
		if (raised < 0)
			return raised;
	}
	list_for_each (s, &n->fds, link) {
		if (!allows(s, flags))
			continue;
		s->users++;
		*out = s;
		return 0;
	}
	moves_begin(n->m, /*write=*/false);
	int err = node_path(n, NULL, &path);
	if (err == 0)
		err = gofer_open(n->m->gofer, n->m->root, path.at, flags, &attr, &fd);
	moves_end(n->m);
	if (err == 0 && !node_is(n, &attr)) {
		host_close(fd);
		err = -ESTALE;
	}
	return err < 0 ? err : sfd_add(n, fd, flags, out);
}

int node_set_spare(struct snode *n, int fd, int flags)
{
	return sfd_add(n, fd, flags, &n->spare);
}

void node_drop_spare_locked(struct snode *n)
{
	sfd_put_locked(STEAL(n->spare));
}

int node_fd_locked(const struct snode *n, bool writable)
{
	const struct sfd *s;
	list_for_each (s, &n->fds, link)
		if (!writable || (s->flags & GOFER_O_ACCMODE) != GOFER_O_RDONLY)
			return s->fd;
	return -1;
}

static ssize_t fill(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pread(*(int *)arg, buf, n, (int64_t)off);
}

static ssize_t drain(void *arg, char *buf, size_t n, uint64_t off)
{
	return host_pwrite(*(int *)arg, buf, n, (int64_t)off);
}

/* The host's relatime: a read is seen if none was since the last change, or for a day. */
static void was_read(struct inode *i)
{
	enum { DAY = 24 * 60 * 60 };
	lock(&i->lock);
	struct ktime a = i->atime, m = i->mtime, c = i->ctime;
	unlock(&i->lock);
	bool newer = (a.sec > m.sec || (a.sec == m.sec && a.nsec > m.nsec)) &&
		     (a.sec > c.sec || (a.sec == c.sec && a.nsec > c.nsec));
	if (!newer || clock_real_coarse_ns() / NSEC_PER_SEC - a.sec >= DAY)
		node_forget(snode_of(i));
}

static ssize_t file_read_at(struct file *f, struct uio *u, int64_t *pos)
{
	struct opened *o = f->priv;
	int fd = sfd_fd(o->main);
	ssize_t n = bounce_read(u, (uint64_t)*pos, u->left, fill, &fd);
	if (n > 0)
		*pos += n;
	if (snode_of(f->inode)->m->own || snode_of(f->inode)->m->watches)
		was_read(f->inode);
	return n;
}

/* The file has changed: what the next call must see without asking. */
static void written_locked(struct inode *i, int fd, int64_t *end)
{
	struct gofer_attr attr;
	if (node_fstat_locked(snode_of(i), fd, &attr) < 0)
		return;
	node_refresh_locked(i, &attr);
	if (end)
		*end = (int64_t)attr.size;
}

static ssize_t append_locked(struct file *f, struct uio *u, int64_t *pos)
{
	struct opened *o = f->priv;
	int fd = o->main->fd;
	int64_t end = *pos;

	/* Where the host appends, the offset is not looked at. */
	if (!(o->main->flags & GOFER_O_APPEND))
		written_locked(f->inode, fd, &end);
	ssize_t n = bounce_write(u, (uint64_t)end, u->left, drain, &fd);
	if (n > 0)
		written_locked(f->inode, fd, pos);
	return n;
}

static int plain_fd_locked(struct file *f)
{
	struct opened *o = f->priv;
	if (!(o->main->flags & GOFER_O_APPEND))
		return o->main->fd;
	if (!o->plain) {
		int flags = o->main->flags & ~GOFER_O_APPEND;
		int err = sfd_get_locked(snode_of(f->inode), flags, &o->plain);
		if (err < 0)
			return err;
	}
	return o->plain->fd;
}

static ssize_t file_write_at(struct file *f, struct uio *u, int64_t *pos)
{
	struct inode *i = f->inode;
	ssize_t n = 0;

	if (u->left == 0)
		return 0;
	lock(&i->lock);
	if (file_flags(f) & O_APPEND) {
		n = append_locked(f, u, pos);
		unlock(&i->lock);
		return n;
	}
	int fd = plain_fd_locked(f);
	unlock(&i->lock);
	if (fd < 0)
		return fd;
	n = bounce_write(u, (uint64_t)*pos, u->left, drain, &fd);
	if (n <= 0)
		return n;
	*pos += n;
	lock(&i->lock);
	written_locked(i, fd, NULL);
	unlock(&i->lock);
	return n;
}

static int size_now(struct file *f, uint64_t *out)
{
	struct opened *o = f->priv;
	struct host_stat st;
	int err = host_fstat(sfd_fd(o->main), &st);
	if (err == 0)
		*out = st.size;
	return err;
}

static int64_t file_seek(struct file *f, int64_t off, int whence)
{
	uint64_t size = 0;
	int err = size_now(f, &size);
	if (err < 0)
		return err;
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_generic(f, off, whence, size);
	/* All is data, up to the hole at the end. */
	if (off < 0 || (uint64_t)off >= size)
		return -ENXIO;
	return whence == SEEK_DATA ? off : (int64_t)size;
}

static int64_t file_ioctl(struct file *f, const struct ioctl_args *a)
{
	uint64_t size = 0;
	if (a->cmd != FIONREAD)
		return -ENOTTY;
	int err = size_now(f, &size);
	if (err < 0)
		return err;
	lock(&f->pos_lock);
	int64_t left = (int64_t)size - f->pos;
	unlock(&f->pos_lock);
	int32_t told = (int32_t)left;
	return copy_out(a->mm, a->arg, &told, sizeof told);
}

/* Not what others have opened: their descriptor may allow more. */
static int readonly_locked(struct snode *n, struct opened *o)
{
	struct sfd *s;
	int fd;
	if (o->readonly)
		return sfd_fd(o->readonly);
	list_for_each (s, &n->fds, link) {
		if (s->flags != GOFER_O_RDONLY)
			continue;
		s->users++;
		o->readonly = s;
		return sfd_fd(s);
	}
	int err = host_readonly(sfd_fd(o->main), &fd);
	if (err == 0)
		err = sfd_add(n, fd, GOFER_O_RDONLY, &o->readonly);
	return err < 0 ? err : fd;
}

static int file_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		     struct mmap_source *out)
{
	struct opened *o = f->priv;
	int fd = sfd_fd(o->main);
	(void)prot;
	(void)off;
	(void)size;
	if (shared && f->writable)
		__atomic_store_n(&snode_of(f->inode)->mapped, true, __ATOMIC_RELAXED);
	if (!(shared && f->writable) && (o->main->flags & GOFER_O_ACCMODE) != GOFER_O_RDONLY) {
		lock(&f->inode->lock);
		fd = readonly_locked(snode_of(f->inode), o);
		unlock(&f->inode->lock);
	}
	if (fd < 0)
		return fd;
	*out = (struct mmap_source){.fd = fd};
	return 0;
}

static int file_sync(struct file *f, bool datasync)
{
	(void)datasync;
	return shared_sync(f->inode);
}

static void file_release(struct file *f)
{
	struct opened *o = f->priv;
	lock(&f->inode->lock);
	sfd_put_locked(o->main);
	sfd_put_locked(o->plain);
	sfd_put_locked(o->readonly);
	unlock(&f->inode->lock);
	free(o);
}

static const struct file_ops shared_file_ops = {
	.read = file_read_at,
	.write = file_write_at,
	.seek = file_seek,
	.poll = file_alwaysready,
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.readdir = file_noreaddir,
	.fsync = file_sync,
	.fallocate = file_nofallocate,
	.setflags = file_okflags,
	.flush = file_noflush,
	.release = file_release,
};

static int host_flags(uint32_t flags)
{
	int acc = (int)(flags & O_ACCMODE);
	/* 3: neither may be done with it, but ioctl. */
	int out = acc == 3 ? GOFER_O_RDWR : acc;
	if ((flags & O_SYNC) == O_SYNC)
		out |= GOFER_O_SYNC;
	else if (flags & O_DSYNC)
		out |= GOFER_O_DSYNC;
	return flags & O_APPEND && acc != O_RDONLY ? out | GOFER_O_APPEND : out;
}

static int open_regular(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
			struct file **out)
{
	struct snode *n = snode_of(i);
	struct opened *o = calloc(1, sizeof *o);

	if (!o)
		return -ENOMEM;
	lock(&i->lock);
	int err = sfd_get_locked(n, host_flags(flags), &o->main);
	node_drop_spare_locked(n);
	unlock(&i->lock);
	if (err < 0) {
		free(o);
		return err == -ESTALE ? -ENOENT : err;
	}
	err = file_new(&shared_file_ops, FILE_INODE, o, path, inode_get(i), cred, flags, out);
	if (err < 0) {
		lock(&i->lock);
		sfd_put_locked(o->main);
		unlock(&i->lock);
		free(o);
	}
	return err;
}

int shared_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		struct file **out)
{
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		return open_regular(i, path, cred, flags, out);
	case S_IFDIR:
		return shared_dir_open(i, path, cred, flags, out);
	case S_IFIFO:
		return fifo_open(i, path, cred, flags, out);
	case S_IFCHR:
		return dev_open(i, path, cred, flags, out);
	}
	return -ENXIO;
}
