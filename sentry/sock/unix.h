/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX: unix(7).
 *
 * A message lies in the queue of its receiver and is charged to its sender
 * until it is read: SO_SNDBUF of the sender is what bounds memory.  Datagram
 * queues are bounded in number too, unless the two are each other's peers.
 *
 * A connection is made by connect(2) alone: it makes the server's end (an
 * *embryo*, which has no file yet), and accept(2) takes it from the queue.
 *
 * peer is set once for connected streams and packets and kept, referenced,
 * until the socket's own end, even when the peer is long closed; datagram
 * sockets change theirs at will.
 *
 * Descriptors in flight: unix_gc.c.
 */
#pragma once

#include "sentry/sock/netns.h"
#include "sentry/sock/sock.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/un.h"

/* A name; immutable, never changed once a socket has it. */
struct unix_addr {
	struct ref ref;
	uint32_t size;		/* as getsockname(2) tells; a full path has its NUL behind 108 bytes */
	struct abi_sockaddr_un un;
};

struct unix_msg {
	struct list link;		/* receiver's lock */
	struct unix_sock *from;		/* I  our reference */
	size_t charge;			/* I  what from->sent holds of it */
	struct scm scm;			/* I, but that files are taken out by the receiver */
	int64_t time_ns;		/* receiver's lock; when it was queued, 0: nobody asked */
	uint32_t size;			/* I */
	uint32_t used;			/* receiver's iolock */
	char data[];
};

struct unix_sock {
	struct sock sock;
	struct net_ns *net;	 /* I  our reference: whose abstract names it knows */
	struct list all;		/* list of all that are not closed */
	struct list names;		/* name table, when addr is abstract */
	struct unix_addr *addr;		/* sock.lock to set, a to read; our reference; set once */
	struct path path;		/* sock.lock; bound to a file: our references */
	struct unix_sock *peer;		/* sock.lock to write (unix_store_peer); our reference */
	struct wait_entry relay;	/* dgram: in peer's room, wakes our wq */
	bool dead;			/* sock.lock; closed */

	struct list queue;		/* sock.lock; struct unix_msg */
	unsigned queued;		/* sock.lock; messages, or embryos of a listener */
	unsigned limit;			/* sock.lock; more than that is full */
	struct unix_msg *oob;		/* sock.lock; the urgent byte in the queue */
	struct list embryos;		/* sock.lock; listener: struct unix_sock.waiting */
	struct list waiting;		/* listener's lock */
	size_t sent;			/* a  charged for messages that nobody has read yet */

	int peer_tgid;			/* sock.lock; SO_PEERCRED: who connected or listened */
	struct cred *peer_cred;		/* sock.lock; our reference */

	/* unix_gc.c, all under its lock */
	struct list inflight_link;
	unsigned inflight;		/* a to read; references to our file that lie in queues */
	unsigned outside;		/* of them not found in queues of candidates */
	bool candidate;
};

static inline struct unix_sock *unix_of(struct sock *s)
{
	return container_of(s, struct unix_sock, sock);
}
static inline bool is_dgram(const struct unix_sock *u)
{
	return u->sock.type == SOCK_DGRAM;
}

/* Others compare it with themselves without the lock. */
static inline struct unix_sock *unix_store_peer(struct unix_sock *u, struct unix_sock *peer)
{
	return __atomic_exchange_n(&u->peer, peer, __ATOMIC_RELAXED);
}

/* unix.c */
int unix_new(const struct sock_caller *by, int type, int protocol, struct sock **out);
int unix_pair(const struct sock_caller *by, struct sock *a, struct sock *b);
/* One that has no file; NULL: out of memory. */
struct unix_sock *unix_alloc(int type, struct net_ns *net);
struct unix_sock *unix_sock_get(struct unix_sock *u);
void unix_sock_put(struct unix_sock *u);
DEFINE_AUTOPUT(unix_sock)
/* The peer, referenced, or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
/* Takes over cred; the old one.  sock.lock held. */
struct cred *unix_swap_peercred_locked(struct unix_sock *u, int tgid, struct cred *cred);
/* The same with a reference of its own, no lock held. */
void unix_set_peercred(struct unix_sock *u, const struct sock_caller *by);
/* Recomputes sock.full; sock.lock held.  True if it was full and is not now: wake room. */
bool unix_update_full_locked(struct unix_sock *u);
bool unix_writable(const struct unix_sock *u);
/* Takes u out of the world: its peer is told, its queue is dropped. */
void unix_close(struct unix_sock *u, bool embryo);
/* One line of /proc/net/unix. */
struct unix_info {
	unsigned refs;
	int type;
	enum sock_state state;
	bool has_file;
	uint64_t ino;
	uint32_t path_size;	/* bytes of path, an abstract name's leading NUL included */
	char path[UNIX_PATH_MAX + 1];
};
/* Every open socket of net, until fn returns false; no lock held while fn runs.  0 or -ENOMEM. */
int unix_for_each(const struct net_ns *net, bool (*fn)(const struct unix_info *i, void *arg),
		  void *arg);

/* unix_name.c */
void unix_addr_put(struct unix_addr *a);
static inline struct unix_addr *unix_addr(const struct unix_sock *u)
{
	return __atomic_load_n(&u->addr, __ATOMIC_ACQUIRE);
}
/* 0, or -EINVAL. */
int unix_addr_check(const void *addr, uint32_t size);
int unix_bind(struct sock *s, const struct sock_caller *by, const void *addr, uint32_t size);
/* Gives it an abstract name if it has none. */
int unix_autobind(struct unix_sock *u);
/* SO_PASSCRED sockets get a name before they connect or send. */
int unix_autobind_if_asked(struct unix_sock *u);
/* The socket of u's type with that name, referenced.  addr has been checked. */
int unix_find(const struct unix_sock *u, const struct sock_caller *by, const void *addr,
	      uint32_t size, struct unix_sock **out);
void unix_unbind(struct unix_sock *u);
int unix_name(struct sock *s, bool peer, void *addr);
/* What recvfrom tells of the sender. */
void unix_tell_addr(struct sock_msg *m, const struct unix_sock *from);

/* unix_conn.c */
int unix_listen(struct sock *s, const struct sock_caller *by, int backlog);
int unix_connect(struct sock *s, const struct sock_caller *by, const void *addr, uint32_t size,
		 struct sock **out_busy);
int unix_accept(struct sock *s, struct sock **out);
int unix_shutdown(struct sock *s, unsigned shut);
/* u, a datagram socket, lost its peer: what came from it is dropped, and it is told. */
void unix_dgram_disconnected(struct unix_sock *u, struct unix_sock *old);
/* Sets or clears (NULL) a datagram peer; sock.lock held.  Takes over peer; returns the old. */
struct unix_sock *unix_dgram_set_peer_locked(struct unix_sock *u, struct unix_sock *peer);

/* unix_msg.c */
/*
 * A message of size bytes charged to from, filled from m->uio.  -EAGAIN: over its SO_SNDBUF;
 * -EPIPE after shutdown, the pending error, -EFAULT, -ENOBUFS, -ETOOMANYREFS.  with_files: the
 * descriptors of m go with this one.
 */
int unix_msg_new(struct unix_sock *from, struct sock_msg *m, uint32_t size, bool with_files,
		 struct unix_msg **out);
/* Frees it and uncharges the sender; no lock held if it has descriptors. */
void unix_msg_free(struct unix_msg *msg);
/* Credentials if one of the ends asks for them.  to's lock held. */
void unix_msg_add_cred_locked(struct unix_msg *msg, struct unix_sock *to,
			      const struct sock_caller *by);
/* Puts it at the end of to's queue; lock held.  The caller wakes readers afterwards. */
void unix_queue_locked(struct unix_sock *to, struct unix_msg *msg);
/* Takes it out; true: there is room again, wake to->sock.room. */
bool unix_unqueue_locked(struct unix_sock *to, struct unix_msg *msg);
void unix_wake_readers(struct unix_sock *u);
void unix_wake_room(struct unix_sock *u);
/* Frees a list of messages; no lock held. */
void unix_msgs_free(struct list *msgs);
/* Hands the descriptors of msg over to the receiver (or copies of them); iolock held. */
int unix_msg_give_files(struct unix_msg *msg, struct sock_msg *m, bool peek);

/* unix_stream.c, unix_dgram.c */
ssize_t unix_stream_send(struct sock *s, struct sock_msg *m);
ssize_t unix_stream_recv(struct sock *s, struct sock_msg *m);
ssize_t unix_dgram_send(struct sock *s, struct sock_msg *m);
ssize_t unix_dgram_recv(struct sock *s, struct sock_msg *m);
/* SO_PEEK_OFF: where a peek starts, and that n bytes were looked at or read. */
size_t unix_peek_off(const struct unix_sock *u);
void unix_move_peek_off(struct unix_sock *u, size_t n, bool peek);
/* Bytes that can be read: of a datagram socket, in the next message. */
size_t unix_unread(struct unix_sock *u);

/* unix_gc.c */
/* Counts files as in flight: -ETOOMANYREFS over the user's limit. */
int unix_gc_attach(struct scm_files *files, const struct sock_caller *by);
void unix_gc_detach(struct scm_files *files);
/* New references to the same files, for MSG_PEEK; NULL: out of memory. */
struct scm_files *unix_gc_dup(const struct scm_files *files);
/* Frees what only messages in its own queues can reach; no lock held. */
void unix_gc(void);
/* The same if something may have become unreachable: cheap when nothing is in flight. */
void unix_gc_maybe(void);
/* A descriptor of f is being closed. */
void unix_gc_closing(struct file *f);
