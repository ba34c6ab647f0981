/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/hostfile/hostfile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "platform/host.h"
#include "sentry/fs/hostfile/private.h"
#include "sentry/fs/memfs/bounce.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/limits.h"
#include "syscalls/abi/signal.h"

static const struct file_ops hostfile_ops;

static struct hostfile *host_of(const struct file *f)
{
	return f->priv;
}

bool hostfile_is_tty(const struct file *f)
{
	return f->ops == &hostfile_ops && host_of(f)->tty;
}

uint64_t hostfile_rdev(const struct file *f)
{
	return host_of(f)->inode->rdev;
}

void hostfile_set_terminal(struct file *f, void *terminal)
{
	host_of(f)->terminal = terminal;
}

static short ready(const struct hostfile *h, short events)
{
	struct pollfd p = {.fd = h->fd, .events = events};
	return host_poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* What the host says now; arms the poller for what is missing if anybody waits. */
static uint32_t host_poll_events(struct file *f)
{
	struct hostfile *h = host_of(f);
	short want = (short)((f->readable ? POLLIN | POLLPRI | POLLRDNORM | POLLRDHUP : 0) |
			     (f->writable ? POLLOUT | POLLWRNORM : 0));
	if (h->type == S_IFREG)
		return file_alwaysready(f);
	short now = ready(h, want);
	short missing = (short)(want & (POLLIN | POLLOUT) & ~now);
	if (missing && !(now & (POLLHUP | POLLERR | POLLNVAL)) && waitq_busy(&h->wq))
		poller_arm(h, missing);
	return (uint32_t)(unsigned short)now;
}

/* Somebody waits edge-triggered, or is about to sleep: the next change must wake. */
static void watch(struct hostfile *h, short events)
{
	if (waitq_busy(&h->wq))
		poller_arm(h, events);
}

static ssize_t stream_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	struct hostfile *h = arg;
	struct iovec iov = {.iov_base = buf, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got = -EAGAIN;

	if (off > 0) /* the second piece might be a second line, or block */
		return 0;
	lock(&h->io);
	if (h->type == S_IFSOCK)
		got = host_recvmsg(h->fd, &msg, MSG_DONTWAIT);
	else if (h->nonblock || ready(h, POLLIN))
		got = host_readv(h->fd, &iov, 1);
	unlock(&h->io);
	return got;
}

static ssize_t stream_drain(void *arg, char *buf, size_t n, uint64_t off)
{
	struct hostfile *h = arg;
	size_t done = 0;
	ssize_t put = 0;

	(void)off;
	lock(&h->io);
	while (done < n) {
		struct iovec iov = {.iov_base = buf + done,
				    .iov_len = h->nonblock ? n - done
							   : min_u64(n - done, ABI_PIPE_BUF)};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
		if (h->type == S_IFSOCK)
			put = host_sendmsg(h->fd, &msg, MSG_DONTWAIT);
		else
			put = h->nonblock || ready(h, POLLOUT) ? host_writev(h->fd, &iov, 1)
							       : -EAGAIN;
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	unlock(&h->io);
	return done > 0 ? (ssize_t)done : put;
}

/* Regular files; h->io held. */
static ssize_t disk_fill(void *arg, char *buf, size_t n, uint64_t off)
{
	struct hostfile *h = arg;
	struct iovec iov = {.iov_base = buf, .iov_len = n};
	if (h->own_pos || (int64_t)off != h->pos)
		return host_preadv(h->fd, &iov, 1, (int64_t)off);
	ssize_t got = host_readv(h->fd, &iov, 1);
	h->pos += got > 0 ? got : 0;
	return got;
}

static ssize_t disk_drain(void *arg, char *buf, size_t n, uint64_t off)
{
	struct hostfile *h = arg;
	struct iovec iov = {.iov_base = buf, .iov_len = n};
	if (!(h->flags & O_APPEND) && (h->own_pos || (int64_t)off != h->pos))
		return host_pwritev(h->fd, &iov, 1, (int64_t)off);
	ssize_t put = host_writev(h->fd, &iov, 1);
	h->pos += put > 0 ? put : 0;
	return put;
}

static ssize_t host_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct hostfile *h = host_of(f);
	if (u->left == 0)
		return 0;
	if (h->type == S_IFREG) {
		lock(&h->io);
		ssize_t got = bounce_read(u, (uint64_t)*pos, u->left, disk_fill, h);
		unlock(&h->io);
		*pos += got > 0 ? got : 0;
		return got;
	}
	int err = h->tty ? hostfile_job_check(h, SIGTTIN) : 0;
	if (err < 0)
		return err;
	ssize_t got = bounce_read(u, 0, u->left, stream_fill, h);
	if (got != 0)
		watch(h, POLLIN);
	return got;
}

static ssize_t host_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct hostfile *h = host_of(f);
	struct host_stat st;
	if (u->left == 0)
		return 0;
	if (h->type == S_IFREG) {
		lock(&h->io);
		ssize_t put = bounce_write(u, (uint64_t)*pos, u->left, disk_drain, h);
		unlock(&h->io);
		*pos += put > 0 ? put : 0;
		if (put > 0 && (h->flags & O_APPEND) && host_fstat(h->fd, &st) == 0)
			*pos = (int64_t)st.size;
		return put;
	}
	int err = h->tty ? hostfile_job_check(h, SIGTTOU) : 0;
	if (err < 0)
		return err;
	ssize_t put = bounce_write(u, 0, u->left, stream_drain, h);
	if (u->left > 0)
		watch(h, POLLOUT);
	return put;
}

static int64_t host_seek(struct file *f, int64_t off, int whence)
{
	struct hostfile *h = host_of(f);
	struct host_stat st;
	if (h->type != S_IFREG)
		return -ESPIPE;
	int err = host_fstat(h->fd, &st);
	if (err < 0)
		return err;
	int64_t at = file_seek_generic(f, off, whence, st.size);
	lock(&h->io);
	if (at >= 0 && at != h->pos)
		h->own_pos = true;
	unlock(&h->io);
	return at;
}

static int host_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		     struct mmap_source *out)
{
	struct hostfile *h = host_of(f);
	(void)prot;
	(void)off;
	(void)size;
	if (h->type != S_IFREG || shared)
		return -ENODEV;
	int fd = h->fd;
	if ((h->flags & O_ACCMODE) != O_RDONLY) {
		lock(&h->io);
		int err = h->readonly < 0 ? host_readonly(h->fd, &h->readonly) : 0;
		fd = err < 0 ? err : h->readonly;
		unlock(&h->io);
	}
	if (fd < 0)
		return fd;
	*out = (struct mmap_source){.fd = fd};
	return 0;
}

/* What of the description cannot be had without changing it for others. */
static int host_setflags(struct file *f, int flags)
{
	struct hostfile *h = host_of(f);
	if (h->type == S_IFREG && (((uint32_t)flags ^ h->flags) & O_APPEND))
		return -EINVAL;
	return 0;
}

static void host_release(struct file *f)
{
	struct hostfile *h = host_of(f);
	if (__atomic_sub_fetch(&h->files, 1, __ATOMIC_ACQ_REL) == 0)
		poller_disarm(h);
	inode_put(h->inode);
}

static const struct file_ops hostfile_ops = {
	.read = host_read,
	.write = host_write,
	.seek = host_seek,
	.poll = host_poll_events,
	.ioctl = hostfile_ioctl,
	.mmap = host_mmap,
	.readdir = file_noreaddir,
	.fsync = file_okfsync,
	.fallocate = file_nofallocate,
	.setflags = host_setflags,
	.flush = file_noflush,
	.release = host_release,
};

static int file_over(struct hostfile *h, struct inode *i, struct path path, const struct cred *cred,
		     uint32_t flags, struct file **out)
{
	int err = file_new(&hostfile_ops, FILE_HOST, h, path, inode_get(i), cred, flags, out);
	if (err < 0)
		return err;
	inode_get(h->inode);
	__atomic_add_fetch(&h->files, 1, __ATOMIC_RELAXED);
	(*out)->wq = h->type == S_IFREG ? NULL : &h->wq;
	(*out)->seekable = h->type == S_IFREG;
	lock(&h->io);
	(*out)->pos = h->type == S_IFREG ? h->pos : 0;
	unlock(&h->io);
	return 0;
}

static bool allows(const struct hostfile *h, uint32_t flags)
{
	uint32_t have = h->flags & O_ACCMODE, want = flags & O_ACCMODE;
	return have == O_RDWR || have == want;
}

/* /dev/stdout and its like: never more rights than the descriptor came with. */
static int host_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		     struct file **out)
{
	struct hostfile *h = i->priv;
	return allows(h, flags) ? file_over(h, i, path, cred, flags, out) : -EACCES;
}

int hostfile_reopen(struct file *f, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	struct hostfile *h = host_of(f);
	struct inode *i = path.dentry ? path.dentry->inode : h->inode;
	return allows(h, flags) ? file_over(h, i, path, cred, flags, out) : -EACCES;
}

static int host_getattr(struct inode *i, struct kstat *out)
{
	struct hostfile *h = i->priv;
	struct host_stat st;
	inode_fill_stat(i, out);
	int err = host_fstat(h->fd, &st);
	if (err < 0 || h->type != S_IFREG)
		return err;
	out->size = st.size;
	out->blocks = st.blocks;
	out->mtime = (struct ktime){st.mtime_sec, st.mtime_nsec};
	return 0;
}

/* Owner and mode are the guest's affair; only the length is the file's. */
static int host_setattr(struct inode *i, const struct iattr *a)
{
	struct hostfile *h = i->priv;
	if (a->mask & ATTR_SIZE) {
		/* O_TRUNC of a terminal or pipe does nothing. */
		int err = h->type == S_IFREG ? host_ftruncate(h->fd, a->size) : 0;
		if (err < 0)
			return err;
	}
	return inode_generic_setattr(i, a);
}

static void host_evict(struct inode *i)
{
	struct hostfile *h = i->priv;
	if (h->terminal)
		hostfile_forget_terminal(h->terminal);
	waitq_destroy(&h->wq);
	host_close(h->fd);
	host_close(h->readonly);
	free(h);
}

static const struct inode_ops hostfile_inode_ops = {
	INODE_NO_NAMES,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = host_setattr,
	.getattr = host_getattr,
	.open = host_open,
	INODE_NO_XATTRS,
	.evict = host_evict,
};

/* As readlink of /proc/PID/fd shows it. */
static void label_format(char *buf, size_t size, const struct host_stat *st, bool tty)
{
	if (tty && abi_major(st->rdev) >= 136 && abi_major(st->rdev) < 144)
		snprintf(buf, size, "/dev/pts/%u", abi_minor(st->rdev));
	else if (tty)
		snprintf(buf, size, "/dev/console");
	else if (S_ISFIFO(st->mode))
		snprintf(buf, size, "pipe:");
	else if (S_ISSOCK(st->mode))
		snprintf(buf, size, "socket:");
	else if (S_ISCHR(st->mode))
		snprintf(buf, size, "/dev/null");
	else
		snprintf(buf, size, "/host");
}

int hostfile_new(const struct hostfile_options *o, const struct cred *cred, struct file **out)
{
	struct host_stat st;
	struct inode *i;
	char label[32];
	int err = host_fstat(o->fd, &st);
	if (err < 0)
		return err;
	if (S_ISDIR(st.mode))
		return -EINVAL;
	struct hostfile *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	*h = (struct hostfile){

		.fd = -1,
		.readonly = -1,
		.flags = o->flags,
		.type = st.mode & S_IFMT,
		.pos = o->pos,
		.nonblock = o->nonblock};
	h->tty = S_ISCHR(st.mode) && hostfile_probe_tty(o->fd);
	lock_init(&h->io, RANK_PIPE);
	waitq_init(&h->wq);
	list_init(&h->armed);
	label_format(label, sizeof label, &st, h->tty);
	err = inode_new_anon(&hostfile_inode_ops, st.mode, label, h, &i);
	if (err < 0) {
		free(h);
		return err;
	}
	h->inode = i;
	h->fd = o->fd;
	i->rdev = st.rdev;
	i->uid = o->uid;
	i->gid = o->gid;
	err = file_over(h, i, (struct path){NULL, NULL}, cred, o->flags, out);
	if (err < 0)
		h->fd = -1; /* stays the caller's */
	inode_put(i);
	return err;
}
