/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: what all families share.
 *
 * A struct sock is the object behind a descriptor of kind FILE_SOCKET.  It
 * outlives its file: peers, queued messages and the names it is bound to hold
 * references.  Closing the file calls ops->release, which takes it out of the
 * world; the last reference frees it.
 *
 * Operations of a family try once and say -EAGAIN; waiting, timeouts and
 * O_NONBLOCK are dealt with here.  Addresses and options come as copies in the
 * sentry's memory, their sizes are checked against nothing yet.
 *
 * This layer knows no tasks: whoever calls says who he is (struct sock_caller).
 * read(2) and write(2) come without, so syscalls/ installs sock_set_caller_fn.
 *
 * Locks: iolock keeps readers apart while they copy to the guest; lock is for
 * everything else and is held for moments.  iolock, then the collector's lock,
 * then lock; of two sockets' locks lock_pair().
 */
#pragma once

#include "platform/base/list.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/socket.h"

struct cred;
struct fsctx;
struct net_ns;
struct sock;
struct sock_ops;

/* Who asks: borrowed from the calling task. */
struct sock_caller {
	const struct cred *cred;
	struct fsctx *fs;
	struct net_ns *net;
	int tgid;
	uint64_t nofile;	/* RLIMIT_NOFILE: how many descriptors a user may have in flight */
};

/* Descriptors in a message. */
struct scm_files {
	unsigned count;
	bool inflight;		/* counted by the collector */
	uint32_t uid;		/* whose they are while in flight */
	struct file *file[SCM_MAX_FD];	/* our references */
};

/* What travels with data. */
struct scm {
	struct scm_files *files;	/* NULL: none */
	bool has_cred;
	struct abi_ucred cred;
};

/* One send or receive.  The caller frees scm with scm_clear(). */
struct sock_msg {
	struct uio *uio;
	uint32_t flags;		/* MSG_* asked for */
	uint32_t out_flags;	/* receive: MSG_* to tell */
	bool want_addr;		/* receive: addr is to be filled */
	_Alignas(8) uint8_t addr[ABI_SOCKADDR_STORAGE_SIZE]; /* send: to whom; receive: from whom */
	uint32_t addr_size;	/* 0: none */
	struct scm scm;
	int64_t time_ns;	/* receive: when it came, if the socket wants to know; 0 */
	const struct sock_caller *by;

	/* Between the tries. */
	size_t done;		/* bytes that earlier tries have moved */
	struct sock *busy;	/* set with -EAGAIN: wait for room in this one; our reference */
	bool glued;		/* receive: scm.cred belongs to all that follows, too */
};

enum sock_state { SOCK_CLOSED, SOCK_LISTENING, SOCK_CONNECTED };

/* sock->shut */
enum { SHUT_RECV = 1, SHUT_SEND = 2, SHUT_BOTH = 3 };

/* Options of SOL_SOCKET: integers that are read and written atomically. */
struct sock_opt {
	int sndbuf, rcvbuf, rcvlowat, peek_off, priority, mark;
	int linger_on, linger_time;
	uint64_t flags;			/* 1 << SO_x of those that are on or off */
	int64_t rcvtimeo, sndtimeo;	/* ns; WAIT_FOREVER */
};

struct sock {
	struct ref ref;			/* a */
	const struct sock_ops *ops;	/* I */
	uint16_t family, type, protocol; /* I */
	uint64_t cookie;		/* I */
	struct lock iolock, lock;	/* RANK_SOCK */
	struct waitq wq;		/* the file's */
	struct waitq room;		/* woken when this one can take more from others */
	struct file *file;		/* l; NULL: not accepted yet, or closed */
	uint8_t state;			/* l to write, a to read */
	uint8_t shut;			/* l to write, a to read */
	bool full;			/* l to write, a to read: takes no more from others */
	int error;			/* a  SO_ERROR: positive */
	struct sock_opt opt;		/* a */
};

/* None is NULL.  No lock is held on entry. */
struct sock_ops {
	int (*bind)(struct sock *s, const struct sock_caller *by, const void *addr, uint32_t size);
	int (*listen)(struct sock *s, const struct sock_caller *by, int backlog);
	/* -EAGAIN with *out_busy: referenced, wait for room in it. */
	int (*connect)(struct sock *s, const struct sock_caller *by, const void *addr,
		       uint32_t size, struct sock **out_busy);
	/* The reference is the caller's. */
	int (*accept)(struct sock *s, struct sock **out);
	/* Fills up to ABI_SOCKADDR_STORAGE_SIZE bytes; the size. */
	int (*name)(struct sock *s, bool peer, void *addr);
	/* Bytes; what partial tries have moved is in m->done and counts in the result. */
	ssize_t (*send)(struct sock *s, struct sock_msg *m);
	ssize_t (*recv)(struct sock *s, struct sock_msg *m);
	int (*shutdown)(struct sock *s, unsigned shut);
	uint32_t (*poll)(struct sock *s);
	int64_t (*ioctl)(struct sock *s, const struct ioctl_args *a);
	/* What SO_PEERCRED and SO_PEERGROUPS tell: *out_cred is referenced; -ENODATA: nobody. */
	int (*peer)(struct sock *s, int *out_tgid, struct cred **out_cred);
	/* The file is gone.  The caller's reference stays his. */
	void (*release)(struct sock *s);
	/* The last reference is gone: frees what is around s.  Locks may be held. */
	void (*free)(struct sock *s);
};

/* For families. */
void sock_init(struct sock *s, const struct sock_ops *ops, int family, int type, int protocol);
void sock_fini(struct sock *s);
struct sock *sock_get(struct sock *s);
void sock_put(struct sock *s);
DEFINE_AUTOPUT(sock)
/* Takes and clears the pending error: 0 or -errno. */
int sock_take_error(struct sock *s);
/* Everybody looks again: state, errors, shutdown. */
void sock_wake_all(struct sock *s);
static inline unsigned sock_shut(const struct sock *s)
{
	return __atomic_load_n(&s->shut, __ATOMIC_ACQUIRE);
}
static inline unsigned sock_state(const struct sock *s)
{
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}
#define SOCK_OPT(s, name) __atomic_load_n(&(s)->opt.name, __ATOMIC_RELAXED)
static inline bool sock_flag(const struct sock *s, unsigned so)
{
	return SOCK_OPT(s, flags) & (1ull << so);
}

/* When a message came is told. */
static inline bool sock_stamps(const struct sock *s)
{
	return sock_flag(s, SO_TIMESTAMP) || sock_flag(s, SO_TIMESTAMPNS);
}

/* For system calls.  Files are new references. */
int sock_new(const struct sock_caller *by, int family, int type, int protocol, uint32_t file_flags,
	     struct file **out);
int sock_new_pair(const struct sock_caller *by, int family, int type, int protocol,
		  uint32_t file_flags, struct file *out[2]);
/* The socket of a file, borrowed; NULL: it is none. */
struct sock *sock_of(const struct file *f);

int sock_bind(struct file *f, const struct sock_caller *by, const void *addr, uint32_t size);
int sock_listen(struct file *f, const struct sock_caller *by, int backlog);
int sock_connect(struct file *f, const struct sock_caller *by, const void *addr, uint32_t size);
/* file_flags: O_NONBLOCK of the new file. */
int sock_accept(struct file *f, const struct sock_caller *by, uint32_t file_flags,
		struct file **out);
int sock_name(struct file *f, bool peer, void *addr);
int sock_shutdown(struct file *f, int how);
/* Bytes, -EAGAIN at the end of the timeout, -ERESTARTSYS or -EINTR. */
ssize_t sock_send(struct file *f, struct sock_msg *m);
ssize_t sock_recv(struct file *f, struct sock_msg *m);
/* val is what the guest gave, size its length; other levels: -EOPNOTSUPP. */
int sock_set_option(struct file *f, const struct sock_caller *by, int level, int opt,
		    const void *val, uint32_t size);
/* How many bytes of val the option reads at most. */
enum { SOCK_OPTION_MAX = 16 };
/*
 * Fills buf (*size bytes) and sets *size to what it holds.  -ERANGE with *size:
 * that many are needed.
 */
int sock_get_option(struct file *f, const struct cred *by, int level, int opt, void *buf,
		    uint32_t *size);

/* Who runs on this host thread, for read(2) and write(2). */
void sock_set_caller_fn(void (*fn)(struct sock_caller *out));

/* Frees what is in it: closes files.  No lock held. */
void scm_clear(struct scm *m);
