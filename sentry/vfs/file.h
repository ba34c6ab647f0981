/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: what a descriptor points at.
 *
 * A struct file is shared by dup(2) and fork(2); it holds offset and status
 * flags and reaches the object through ops.  fdtab_get() takes a reference,
 * file_put() gives it back; the last put calls ops->release.
 *
 * Blocking is done here and not in the objects: read, write (and accept,
 * connect, ... of sockets) of an object try once and say -EAGAIN; file_read()
 * and file_write() wait on file->wq and try again unless O_NONBLOCK is set.
 * Objects with timeouts of their own (sockets) set file->waits and do it themselves.
 */
#pragma once

#include "platform/base/cleanup.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "sentry/mm/copy.h"
#include "sentry/sync/waitq.h"

struct cred;
struct dentry;
struct file;
struct inode;
struct mm;
struct mount;
struct task;

/* A name and the mount it is seen through; both referenced while stored. */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* ioctl's arguments; mm and task are the caller's, task is opaque below sentry/task. */
struct ioctl_args {
	uint32_t cmd;
	uint64_t arg;
	struct mm *mm;
	struct task *task;
	const struct cred *cred;
};

/*
 * What an object can be mapped from: filled by ops->mmap.  `fd` is a host
 * descriptor that stays valid as long as the struct file does.  It reaches the
 * guest's own process, so it can be written only if the mapping is shared and
 * the file is open for writing (host_readonly makes it so).
 */
struct mmap_source {
	int fd;		/* -1: plain anonymous memory (/dev/zero) */
	int64_t off;	/* added to the file offset */
	bool sealed;	/* a shared mapping may never become writable */
};

/* Receives directory entries; returns false when its buffer is full (the entry is not consumed). */
typedef bool (*dirent_fn)(void *arg, const char *name, size_t name_size, uint64_t ino,
			  uint8_t type, int64_t next_pos);

/*
 * None is NULL: unsupported operations name a file_no* function below.
 * No lock is held on entry, except that read/write/readdir/seek of files with
 * FILE_SEEKABLE run under f->pos_lock when pos is &f->pos.
 */
struct file_ops {
	/*
	 * Tries once.  pos: where to read, advanced by what was read; ignored by
	 * streams.  Bytes, 0 at the end, -EAGAIN when it would block.
	 */
	ssize_t (*read)(struct file *f, struct uio *u, int64_t *pos);
	/* Tries once.  O_APPEND is the object's to honour.  rwflags: RWF_*. */
	ssize_t (*write)(struct file *f, struct uio *u, int64_t *pos);
	/* The new offset, stored in f->pos by the caller. */
	int64_t (*seek)(struct file *f, int64_t off, int whence);
	/* EPOLL* events that hold now; f->wq is woken when they may have changed. */
	uint32_t (*poll)(struct file *f);
	int64_t (*ioctl)(struct file *f, const struct ioctl_args *a);
	/* prot and shared as for mmap(2), already checked against the open mode. */
	int (*mmap)(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		    struct mmap_source *out);
	/* Feeds entries from *pos on and advances it; 0 or -errno. */
	int (*readdir)(struct file *f, int64_t *pos, dirent_fn fn, void *arg);
	int (*fsync)(struct file *f, bool datasync);
	int (*fallocate)(struct file *f, int mode, int64_t off, int64_t size);
	/* fcntl(F_SETFL) is about to change O_* flags; -EINVAL to refuse. */
	int (*setflags)(struct file *f, int flags);
	/* A descriptor was closed (each time), with the table's owner key for POSIX locks. */
	void (*flush)(struct file *f, void *owner);
	/* The last reference is gone; no lock held; frees f->priv. */
	void (*release)(struct file *f);
};

enum file_kind {
	FILE_INODE,	/* regular file or directory, device: the ops table says what it does */
	FILE_PIPE, FILE_SOCKET, FILE_EVENTFD, FILE_EPOLL, FILE_SIGNALFD, FILE_TIMERFD,
	FILE_INOTIFY, FILE_PIDFD, FILE_TTY, FILE_PATH /* O_PATH */, FILE_HOST,
};

/*
 * What a SysV segment wants to know: an area that maps a file of it appears, or goes.
 * The memory's lock is held.
 */
struct file_attach {
	void (*opened)(struct file_attach *a);
	void (*closed)(struct file_attach *a);
};

struct file {
	struct ref ref;			/* a */
	const struct file_ops *ops;	/* I */
	enum file_kind kind;		/* I  how to interpret priv safely: check before casting */
	void *priv;			/* I  the object's */
	struct waitq *wq;		/* I  woken on poll changes; NULL: always ready, never blocks */
	struct path path;		/* I  our references; anonymous files have an anon inode */
	struct inode *inode;		/* I  == path.dentry->inode, or the anonymous inode; our ref */
	struct cred *cred;		/* I  the opener's */
	bool seekable;			/* I  has an offset */
	bool waits;			/* I  read and write wait themselves unless O_NONBLOCK */
	bool readable, writable;	/* I  from O_ACCMODE */
	uint32_t flags;			/* a  O_APPEND, O_NONBLOCK, O_DIRECT, ...; atomic access only */
	struct lock pos_lock;		/* RANK_FILEPOS */
	int64_t pos;			/* pos_lock */
	int32_t owner_pid, owner_sig;	/* a  F_SETOWN, F_SETSIG */
	int32_t owner_type;		/* a  F_OWNER_*: what owner_pid counts */
	uint32_t owner_uid, owner_euid;	/* a  by whose right owner_pid is sent signals */
	struct file_async *async;	/* pos_lock  O_ASYNC: async.h */
	struct list epolls;		/* ep_lock of epoll: interest entries that watch this file */
	bool watched;			/* epoll's: an entry has been in that list */
	uint32_t dir_cookie;		/* pos_lock  file systems' own, for readdir */
	struct file_attach *attach;	/* I  valid while an area maps it; NULL: nobody counts */
	bool created;			/* I  open made it: F_CREATED_QUERY */
	bool write_counted;		/* I  counted in inode->writers and mount->writers */
};

/*
 * A new file with one reference; takes a reference to cred.  flags: O_*.
 * Takes over the inode reference in any case, and the references in path on
 * success only (on failure they stay the caller's: that is what ops->open wants).
 * path may be all NULL: the file gets a nameless path of its own, which
 * path_format() shows as inode->label.  f->path is never NULL.  -ENFILE, -ENOMEM.
 * ->wq is set by the caller before anybody else sees the file.
 */
int file_new(const struct file_ops *ops, enum file_kind kind, void *priv, struct path path,
	     struct inode *inode, const struct cred *cred, uint32_t flags, struct file **out);
/*
 * As file_new for objects without a name.  `label` is what readlink of
 * /proc/PID/fd shows: "[x]" becomes "anon_inode:[x]", "x:" becomes "x:[INO]", the rest is
 * shown as it is.  Each call makes an inode of its own; see inode_new_anon for shared ones.
 */
int file_new_anon(const struct file_ops *ops, enum file_kind kind, void *priv, const char *label,
		  const struct cred *cred, uint32_t flags, struct file **out);
struct file *file_get(struct file *f);
/* Called by the last put before ops->release: epoll drops its interest entries. */
void file_set_epoll_hook(void (*gone)(struct file *f));
void file_put(struct file *f);
DEFINE_AUTOPUT(file)

static inline uint32_t file_flags(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
}

/*
 * What read(2), pread(2), ... do after the descriptor was found: checks of
 * mode, blocking, offset handling, SIGPIPE left to the caller (-EPIPE).
 * pos NULL: the file's own offset.  nonblock: as RWF_NOWAIT/MSG_DONTWAIT.
 */
ssize_t file_read(struct file *f, struct uio *u, int64_t *pos, bool nonblock);
ssize_t file_write(struct file *f, struct uio *u, int64_t *pos, bool nonblock);
/*
 * RWF_APPEND and RWF_NOAPPEND of pwritev2(2), regular files only: as if O_APPEND were
 * set or not.  The operation sees a private copy of f, so it must not keep the pointer.
 */
ssize_t file_write_as(struct file *f, struct uio *u, int64_t *pos, bool append);
/*
 * Waits until poll() of f shows one of `events` (or EPOLLERR/EPOLLHUP); 0,
 * -EAGAIN if f or nonblock says not to wait, -ERESTARTSYS, -EAGAIN at deadline.
 */
int file_wait(struct file *f, uint32_t events, bool nonblock, int64_t deadline_ns);
uint32_t file_poll(struct file *f);
/* Brings atime up to date by the rules of O_NOATIME, noatime and relatime; no inode lock held. */
void file_accessed(struct file *f);
/* lseek's arithmetic for SEEK_SET, _CUR and _END: the new offset or -EINVAL (-EOVERFLOW). */
int64_t file_seek_generic(struct file *f, int64_t off, int whence, uint64_t size);
/* In a directory, which has no end: -EINVAL. */
int64_t file_seek_dir(struct file *f, int64_t off, int whence);

/* Shared refusals for ops tables. */
ssize_t file_noread(struct file *f, struct uio *u, int64_t *pos);	/* -EINVAL */
ssize_t file_nowrite(struct file *f, struct uio *u, int64_t *pos);	/* -EINVAL */
ssize_t file_isdir(struct file *f, struct uio *u, int64_t *pos);	/* -EISDIR */
int64_t file_noseek(struct file *f, int64_t off, int whence);		/* -ESPIPE */
int64_t file_noopseek(struct file *f, int64_t off, int whence);		/* 0: /dev/null */
uint32_t file_alwaysready(struct file *f);				/* IN|OUT|RDNORM|WRNORM */
int64_t file_noioctl(struct file *f, const struct ioctl_args *a);	/* -ENOTTY */
int file_nommap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		struct mmap_source *out);				/* -ENODEV */
int file_noreaddir(struct file *f, int64_t *pos, dirent_fn fn, void *arg); /* -ENOTDIR */
/* "." and "..", at positions 0 and 1 of a directory; false when the buffer is full. */
bool file_put_dots(struct file *f, int64_t *pos, dirent_fn fn, void *arg);
int file_nofsync(struct file *f, bool datasync);			/* -EINVAL */
int file_okfsync(struct file *f, bool datasync);			/* 0: memory has nothing to sync */
int file_nofallocate(struct file *f, int mode, int64_t off, int64_t size); /* -EOPNOTSUPP */
int file_okflags(struct file *f, int flags);				/* 0 */
void file_noflush(struct file *f, void *owner);
void file_norelease(struct file *f);

/* Tables of what has no data of its own that could be mapped, listed or allocated: events, sockets. */
#define FILE_NO_DATA                                                                               \
	.mmap = file_nommap, .readdir = file_noreaddir, .fsync = file_nofsync,                     \
	.fallocate = file_nofallocate, .setflags = file_okflags
/* ... of directories: all but readdir, fsync and release. */
#define FILE_IS_DIR                                                                                \
	.read = file_isdir, .write = file_nowrite, .seek = file_seek_dir,                          \
	.poll = file_alwaysready, .ioctl = file_noioctl, .mmap = file_nommap,                      \
	.fallocate = file_nofallocate, .setflags = file_okflags, .flush = file_noflush
