/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: listen, connect, accept, shutdown. */
#include <stdlib.h>

#include "sentry/cred/cred.h"
#include "sentry/sock/netns.h"
#include "sentry/sock/unix.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

int unix_listen(struct sock *s, const struct sock_caller *by, int backlog)
{
	struct unix_sock *u = unix_of(s);

	if (is_dgram(u))
		return -EOPNOTSUPP;
	if (!unix_addr(u))
		return -EINVAL;
	struct cred *cred = cred_get((struct cred *)(uintptr_t)by->cred);
	lock(&s->lock);
	int err = s->state == SOCK_CONNECTED ? -EINVAL : 0;
	if (err == 0) {
		__atomic_store_n(&s->state, SOCK_LISTENING, __ATOMIC_RELEASE);
		cred = unix_swap_peercred_locked(u, by->tgid, cred);
		u->limit = (unsigned)min_u64(
			(unsigned)backlog,
			(unsigned)__atomic_load_n(&u->net->somaxconn, __ATOMIC_RELAXED));
		unix_update_full_locked(u);
	}
	unlock(&s->lock);
	if (cred)
		cred_put(cred);
	if (err == 0)
		unix_wake_room(u);
	return err;
}

/* The server's end of a new connection to l. */
static struct unix_sock *embryo_new(struct unix_sock *l, const struct sock_caller *by)
{
	struct unix_sock *e = unix_alloc(l->sock.type, l->net);
	if (!e)
		return NULL;
	e->sock.state = SOCK_CONNECTED;
	unix_set_peercred(e, by);
	ref_get(&l->addr->ref);
	e->addr = l->addr;
	return e;
}

/* Nobody has seen it. */
static void embryo_drop(struct unix_sock *e)
{
	unix_close(e, /*embryo=*/true);
	unix_sock_put(e);
}

/*
 * Both locks held.  e is peer of u and waits at l.  Everything was checked
 * before, but for what another thread may have done meanwhile.
 */
static int connect_locked(struct unix_sock *u, struct unix_sock *l, struct unix_sock *e)
{
	if (l->dead || l->sock.state != SOCK_LISTENING || (l->sock.shut & SHUT_RECV))
		return -ECONNREFUSED;
	if (l->sock.full)
		return -EAGAIN;
	if (u->sock.state != SOCK_CLOSED)
		return u->sock.state == SOCK_CONNECTED ? -EISCONN : -EINVAL;
	unix_store_peer(e, unix_sock_get(u));
	unix_store_peer(u, unix_sock_get(e));
	__atomic_store_n(&u->sock.state, SOCK_CONNECTED, __ATOMIC_RELEASE);
	list_append(&l->embryos, &e->waiting);
	l->queued++;
	unix_update_full_locked(l);
	return 0;
}

static int connect_to(struct unix_sock *u, struct unix_sock *l, const struct sock_caller *by)
{
	struct cred *old = NULL;

	if (!unix_addr(l))
		return -ECONNREFUSED;
	struct unix_sock *e = embryo_new(l, by);
	if (!e)
		return -ENOMEM;
	lock_pair(&u->sock.lock, &l->sock.lock);
	int err = connect_locked(u, l, e);
	if (err == 0)
		old = unix_swap_peercred_locked(u, l->peer_tgid, cred_get(l->peer_cred));
	unlock_pair(&u->sock.lock, &l->sock.lock);
	if (err < 0) {
		embryo_drop(e);
		return err;
	}
	if (old)
		cred_put(old);
	unix_wake_readers(l);
	/* Whoever waits for this socket to become writable. */
	sock_wake_all(&u->sock);
	return 0;
}

struct unix_sock *unix_dgram_set_peer_locked(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = unix_store_peer(u, peer);
	if (old)
		waitq_remove(&u->relay);
	if (peer)
		waitq_add(&peer->sock.room, &u->relay);
	__atomic_store_n(&u->sock.state, peer ? SOCK_CONNECTED : SOCK_CLOSED, __ATOMIC_RELEASE);
	return old;
}

void unix_dgram_disconnected(struct unix_sock *u, struct unix_sock *old)
{
	struct list queue = LIST_INIT(queue);

	lock(&u->sock.iolock);
	/* Own order: iolock before lock. */
	lock_nested(&u->sock.lock);
	list_splice(&queue, &u->queue);
	u->queued = 0;
	unix_update_full_locked(u);
	unlock(&u->sock.lock);
	unlock(&u->sock.iolock);
	if (list_empty(&queue))
		return;
	unix_wake_room(u);
	lock(&old->sock.lock);
	bool tell = !old->dead && old->peer == u;
	if (tell)
		__atomic_store_n(&old->sock.error, ECONNRESET, __ATOMIC_RELEASE);
	unlock(&old->sock.lock);
	if (tell)
		sock_wake_all(&old->sock);
	unix_msgs_free(&queue);
}

/* peer NULL: AF_UNSPEC. */
static int dgram_connect_to(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = NULL;
	struct lock *other = peer ? &peer->sock.lock : &u->sock.lock;
	int err = 0;

	lock_pair(&u->sock.lock, other);
	if (peer && peer->dead)
		err = -ECONNREFUSED;
	else if (peer && peer->peer && peer->peer != u)
		err = -EPERM;
	else
		old = unix_dgram_set_peer_locked(u, peer ? unix_sock_get(peer) : NULL);
	unlock_pair(&u->sock.lock, other);
	if (err < 0)
		return err;
	sock_wake_all(&u->sock);
	if (!old)
		return 0;
	if (old != peer)
		unix_dgram_disconnected(u, old);
	unix_sock_put(old);
	return 0;
}

static int dgram_connect(struct unix_sock *u, const struct sock_caller *by, const void *addr,
			 uint32_t size)
{
	const struct abi_sockaddr_un *un = addr;
	autoput(unix_sock) struct unix_sock *peer = NULL;

	if (size < sizeof un->sun_family)
		return -EINVAL;
	if (un->sun_family == AF_UNSPEC)
		return dgram_connect_to(u, NULL);
	int err = unix_addr_check(addr, size);
	if (err == 0)
		err = unix_autobind_if_asked(u);
	if (err == 0)
		err = unix_find(u, by, addr, size, &peer);
	return err < 0 ? err : dgram_connect_to(u, peer);
}

int unix_connect(struct sock *s, const struct sock_caller *by, const void *addr, uint32_t size,
		 struct sock **out_busy)
{
	struct unix_sock *u = unix_of(s);
	autoput(unix_sock) struct unix_sock *l = NULL;

	if (is_dgram(u))
		return dgram_connect(u, by, addr, size);
	int err = unix_addr_check(addr, size);
	if (err == 0)
		err = unix_autobind_if_asked(u);
	if (err == 0)
		err = unix_find(unix_of(s), by, addr, size, &l);
	if (err == 0)
		err = connect_to(u, l, by);
	if (err == -EAGAIN)
		*out_busy = &STEAL(l)->sock;
	return err;
}

int unix_accept(struct sock *s, struct sock **out)
{
	struct unix_sock *u = unix_of(s), *e = NULL;
	bool room = false;

	if (is_dgram(u))
		return -EOPNOTSUPP;
	if (sock_state(s) != SOCK_LISTENING)
		return -EINVAL;
	int err = sock_take_error(s);
	if (err < 0)
		return err;
	lock(&s->lock);
	if (!list_empty(&u->embryos)) {
		e = list_first(&u->embryos, struct unix_sock, waiting);
		list_del(&e->waiting);
		u->queued--;
		room = unix_update_full_locked(u);
	} else {
		err = s->shut & SHUT_RECV ? -EINVAL : -EAGAIN;
	}
	unlock(&s->lock);
	if (room)
		unix_wake_room(u);
	if (!e)
		return err;
	uint64_t kept = SOCK_OPT(s, flags) & (1ull << SO_PASSCRED);
	__atomic_fetch_or(&e->sock.opt.flags, kept, __ATOMIC_RELAXED);
	*out = &e->sock;
	return 0;
}

static void shut_locked(struct sock *s, unsigned shut)
{
	__atomic_store_n(&s->shut, s->shut | (uint8_t)shut, __ATOMIC_RELEASE);
}

int unix_shutdown(struct sock *s, unsigned shut)
{
	struct unix_sock *u = unix_of(s);
	autoput(unix_sock) struct unix_sock *peer = NULL;

	lock(&s->lock);
	shut_locked(s, shut);
	unix_update_full_locked(u);
	if (u->peer && !is_dgram(u))
		peer = unix_sock_get(u->peer);
	unlock(&s->lock);
	sock_wake_all(s);
	/* Who waits for room in a listener that takes no more. */
	waitq_wake(&s->room, ~0u);
	if (!peer)
		return 0;
	unsigned theirs = (shut & SHUT_RECV ? SHUT_SEND : 0) | (shut & SHUT_SEND ? SHUT_RECV : 0);
	lock(&peer->sock.lock);
	shut_locked(&peer->sock, theirs);
	unlock(&peer->sock.lock);
	sock_wake_all(&peer->sock);
	return 0;
}
