/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets: their life, what poll and ioctl tell of them, and the list
 * of all of them.
 */
#include "sentry/sock/unix.h"

#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/ioctl.h"

/* net.unix.max_dgram_qlen. */
enum { QUEUE_LIMIT = 10 };

static const uint32_t in_events = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND;
static const uint32_t out_events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

static struct lock all_lock = LOCK_INIT(RANK_LEAF);
static struct list all = LIST_INIT(all);	/* all_lock */
static size_t all_count;			/* all_lock */

struct unix_sock *unix_sock_get(struct unix_sock *u)
{
	sock_get(&u->sock);
	return u;
}

void unix_sock_put(struct unix_sock *u)
{
	sock_put(&u->sock);
}

/* A sleeper in our peer's room is our own queue: whoever polls or writes waits there. */
static bool relay_wake(struct wait_entry *e, uint32_t events)
{
	struct unix_sock *u = e->arg;
	return waitq_wake_nested(&u->sock.wq, events);
}

static void unix_free(struct sock *s)
{
	struct unix_sock *u = unix_of(s);
	assert(u->dead && list_empty(&u->queue) && !u->peer && u->inflight == 0);
	if (u->addr)
		unix_addr_put(u->addr);
	if (u->peer_cred)
		cred_put(u->peer_cred);
	sock_fini(s);
	net_ns_put(u->net);
	free(u);
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	lock(&u->sock.lock);
	struct unix_sock *p = u->peer ? unix_sock_get(u->peer) : NULL;
	unlock(&u->sock.lock);
	return p;
}

struct cred *unix_swap_peercred_locked(struct unix_sock *u, int tgid, struct cred *cred)
{
	struct cred *old = u->peer_cred;
	u->peer_cred = cred;
	u->peer_tgid = tgid;
	return old;
}

void unix_set_peercred(struct unix_sock *u, const struct sock_caller *by)
{
	/* Its count is all that changes. */
	struct cred *cred = cred_get((struct cred *)(uintptr_t)by->cred);
	lock(&u->sock.lock);
	struct cred *old = unix_swap_peercred_locked(u, by->tgid, cred);
	unlock(&u->sock.lock);
	if (old)
		cred_put(old);
}

static int unix_peer(struct sock *s, int *out_tgid, struct cred **out_cred)
{
	struct unix_sock *u = unix_of(s);
	lock(&s->lock);
	int err = u->peer_cred ? 0 : -ENODATA;
	if (err == 0) {
		*out_tgid = u->peer_tgid;
		*out_cred = cred_get(u->peer_cred);
	}
	unlock(&s->lock);
	return err;
}

bool unix_update_full_locked(struct unix_sock *u)
{
	bool full = !u->dead && !(u->sock.shut & SHUT_RECV) && u->queued > u->limit;
	bool was = u->sock.full;
	__atomic_store_n(&u->sock.full, full, __ATOMIC_RELEASE);
	return was && !full;
}

bool unix_writable(const struct unix_sock *u)
{
	size_t sent = __atomic_load_n(&u->sent, __ATOMIC_RELAXED);
	return sock_state(&u->sock) != SOCK_LISTENING &&
	       sent * 4 <= (size_t)SOCK_OPT(&u->sock, sndbuf);
}

static uint32_t unix_poll(struct sock *s)
{
	struct unix_sock *u = unix_of(s);
	uint32_t mask = 0;

	lock(&s->lock);
	unsigned shut = s->shut;
	struct unix_sock *peer = u->peer;
	/* Its queue may be full only for those who are not its own peer. */
	bool peer_full = is_dgram(u) && peer && peer != u &&
			 __atomic_load_n(&peer->peer, __ATOMIC_RELAXED) != u &&
			 __atomic_load_n(&peer->sock.full, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&s->error, __ATOMIC_RELAXED))
		mask |= EPOLLERR;
	if (shut == SHUT_BOTH)
		mask |= EPOLLHUP;
	if (shut & SHUT_RECV)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (!list_empty(&u->queue) || !list_empty(&u->embryos))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (u->oob)
		mask |= EPOLLPRI;
	if (!is_dgram(u) && s->state == SOCK_CLOSED)
		mask |= EPOLLHUP;
	unlock(&s->lock);
	if (!peer_full && unix_writable(u))
		mask |= out_events;
	return mask;
}

void unix_wake_readers(struct unix_sock *u)
{
	waitq_wake(&u->sock.wq, in_events);
}

void unix_wake_room(struct unix_sock *u)
{
	waitq_wake(&u->sock.room, out_events);
}

static int ioctl_number(struct unix_sock *u, uint32_t cmd, int32_t *out)
{
	if (cmd == SIOCATMARK) {
		lock(&u->sock.lock);
		*out = u->oob && u->queue.next == &u->oob->link;
		unlock(&u->sock.lock);
		return is_dgram(u) ? -EOPNOTSUPP : 0;
	}
	if (cmd == FIONREAD && sock_state(&u->sock) == SOCK_LISTENING)
		return -EINVAL;
	*out = cmd == FIONREAD ? (int32_t)unix_unread(u)
			       : (int32_t)__atomic_load_n(&u->sent, __ATOMIC_RELAXED);
	return 0;
}

static int64_t unix_ioctl(struct sock *s, const struct ioctl_args *a)
{
	int32_t n = 0;
	if (a->cmd != FIONREAD && a->cmd != TIOCOUTQ && a->cmd != SIOCATMARK)
		return -ENOTTY;
	int err = ioctl_number(unix_of(s), a->cmd, &n);
	return err < 0 ? err : copy_out(a->mm, a->arg, &n, sizeof n);
}

static void embryos_close(struct list *embryos)
{
	while (!list_empty(embryos)) {
		struct unix_sock *e = list_first(embryos, struct unix_sock, waiting);
		list_del(&e->waiting);
		unix_close(e, /*embryo=*/true);
		unix_sock_put(e);
	}
}

/* The other end of a connection sees the end; it is an error if something was never read. */
static void peer_closed(struct unix_sock *peer, bool lost)
{
	lock(&peer->sock.lock);
	__atomic_store_n(&peer->sock.shut, SHUT_BOTH, __ATOMIC_RELEASE);
	if (lost)
		__atomic_store_n(&peer->sock.error, ECONNRESET, __ATOMIC_RELEASE);
	unlock(&peer->sock.lock);
	sock_wake_all(&peer->sock);
}

void unix_close(struct unix_sock *u, bool embryo)
{
	struct list queue = LIST_INIT(queue), embryos = LIST_INIT(embryos);
	struct path path;

	lock(&all_lock);
	list_del(&u->all);
	all_count--;
	unlock(&all_lock);
	unix_unbind(u);
	lock(&u->sock.lock);
	u->dead = true;
	__atomic_store_n(&u->sock.shut, SHUT_BOTH, __ATOMIC_RELEASE);
	__atomic_store_n(&u->sock.state, SOCK_CLOSED, __ATOMIC_RELEASE);
	list_splice(&queue, &u->queue);
	list_splice(&embryos, &u->embryos);
	u->queued = 0;
	u->oob = NULL;
	unix_update_full_locked(u);
	path = u->path;
	u->path = (struct path){NULL, NULL};
	struct unix_sock *peer = unix_store_peer(u, NULL);
	unlock(&u->sock.lock);
	waitq_remove(&u->relay);
	waitq_wake(&u->sock.room, ~0u);
	sock_wake_all(&u->sock);
	if (peer) {
		if (!is_dgram(u))
			peer_closed(peer, embryo || !list_empty(&queue));
		unix_sock_put(peer);
	}
	embryos_close(&embryos);
	unix_msgs_free(&queue);
	path_put(&path);
}

static void unix_release(struct sock *s)
{
	unix_close(unix_of(s), /*embryo=*/false);
	unix_gc_maybe();
}

static const struct sock_ops stream_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.connect = unix_connect,
	.accept = unix_accept,
	.name = unix_name,
	.send = unix_stream_send,
	.recv = unix_stream_recv,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.peer = unix_peer,
	.release = unix_release,
	.free = unix_free,
};

/* Datagrams and packets. */
static const struct sock_ops dgram_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.connect = unix_connect,
	.accept = unix_accept,
	.name = unix_name,
	.send = unix_dgram_send,
	.recv = unix_dgram_recv,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.peer = unix_peer,
	.release = unix_release,
	.free = unix_free,
};

struct unix_sock *unix_alloc(int type, struct net_ns *net)
{
	struct unix_sock *u = calloc(1, sizeof *u);
	if (!u)
		return NULL;
	sock_init(&u->sock, type == SOCK_STREAM ? &stream_ops : &dgram_ops, AF_UNIX, type, 0);
	u->net = net_ns_get(net);
	u->limit = QUEUE_LIMIT;
	list_init(&u->names);
	list_init(&u->queue);
	list_init(&u->embryos);
	list_init(&u->waiting);
	list_init(&u->inflight_link);
	u->relay = (struct wait_entry){.events = EPOLLOUT, .wake = relay_wake, .arg = u};
	list_init(&u->relay.link);
	lock(&all_lock);
	list_append(&all, &u->all);
	all_count++;
	unlock(&all_lock);
	return u;
}

int unix_new(const struct sock_caller *by, int type, int protocol, struct sock **out)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	unix_gc_maybe();
	struct unix_sock *u = unix_alloc(type, by->net);
	if (!u)
		return -ENOMEM;
	*out = &u->sock;
	return 0;
}

int unix_pair(const struct sock_caller *by, struct sock *a, struct sock *b)
{
	struct unix_sock *ua = unix_of(a), *ub = unix_of(b);
	unix_set_peercred(ua, by);
	unix_set_peercred(ub, by);
	lock_pair(&a->lock, &b->lock);
	if (is_dgram(ua)) {
		unix_dgram_set_peer_locked(ua, unix_sock_get(ub));
		unix_dgram_set_peer_locked(ub, unix_sock_get(ua));
	} else {
		unix_store_peer(ua, unix_sock_get(ub));
		unix_store_peer(ub, unix_sock_get(ua));
	}
	a->state = b->state = SOCK_CONNECTED;
	unlock_pair(&a->lock, &b->lock);
	return 0;
}

static void info_fill(struct unix_sock *u, struct unix_info *out)
{
	struct unix_addr *a = unix_addr(u);
	memset(out, 0, sizeof *out);
	lock(&u->sock.lock);
	out->refs = ref_count(&u->sock.ref) - 1;
	out->type = u->sock.type;
	out->state = u->sock.state;
	out->has_file = u->sock.file;
	if (u->sock.file)
		out->ino = u->sock.file->inode->ino;
	unlock(&u->sock.lock);
	if (!a)
		return;
	out->path_size = a->size - (uint32_t)offsetof(struct abi_sockaddr_un, sun_path);
	/* The NUL at the end of a path is no part of it. */
	if (a->un.sun_path[0])
		out->path_size--;
	memcpy(out->path, a->un.sun_path, out->path_size);
}

int unix_for_each(const struct net_ns *net, bool (*fn)(const struct unix_info *i, void *arg),
		  void *arg)
{
	size_t count = 0, room;
	struct unix_sock *u;
	bool more = true;

	lock(&all_lock);
	room = all_count + 16;
	unlock(&all_lock);
	autofree struct unix_sock **list = calloc(room, sizeof(struct unix_sock *));
	if (!list)
		return -ENOMEM;
	lock(&all_lock);
	list_for_each (u, &all, all)
		if (u->net == net && count < room && ref_tryget(&u->sock.ref))
			list[count++] = u;
	unlock(&all_lock);
	for (size_t i = 0; i < count; i++) {
		struct unix_info info;
		info_fill(list[i], &info);
		more = more && fn(&info, arg);
		unix_sock_put(list[i]);
	}
	return 0;
}
