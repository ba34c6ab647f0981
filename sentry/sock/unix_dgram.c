/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams and sequenced packets: whole messages.
 *
 * A full queue refuses strangers; two that are each other's peers are bounded
 * by their send buffers alone.  A reader takes its message out first and then
 * copies it, so one that cannot be copied is lost, as in Linux.
 */
#include "sentry/sock/unix.h"

#include <time.h>

#include "syscalls/abi/errno.h"

/* The peer is closed: u is disconnected from it. */
static int peer_dead(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = NULL;

	if (u->sock.type == SOCK_SEQPACKET)
		return -EPIPE;
	lock(&u->sock.lock);
	if (u->peer == peer)
		old = unix_dgram_set_peer_locked(u, NULL);
	unlock(&u->sock.lock);
	if (!old)
		return 0;
	unix_dgram_disconnected(u, old);
	unix_sock_put(old);
	return -ECONNREFUSED;
}

enum { GONE = 1 };

static int64_t real_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Queues msg, 0; GONE if the receiver is closed; -EAGAIN if it is full; -EPERM, -EPIPE. */
static int queue_to(struct unix_sock *u, struct unix_sock *to, struct unix_msg *msg,
		    const struct sock_caller *by)
{
	int err = 0;

	lock(&to->sock.lock);
	if (to->peer && to->peer != u)
		err = -EPERM;
	else if (to->dead)
		err = GONE;
	else if (to->sock.shut & SHUT_RECV)
		err = -EPIPE;
	else if (to != u && to->peer != u && to->sock.full)
		err = -EAGAIN;
	if (err == 0) {
		unix_msg_add_cred_locked(msg, to, by);
		msg->time_ns = sock_stamps(&to->sock) ? real_ns() : 0;
		unix_queue_locked(to, msg);
	}
	unlock(&to->sock.lock);
	if (err == 0)
		unix_wake_readers(to);
	return err;
}

/* Finds the receiver and queues.  What is not queued stays the caller's. */
static int msg_send(struct unix_sock *u, struct unix_sock *peer, struct unix_msg *msg,
		    struct sock_msg *m)
{
	for (;;) {
		autoput(unix_sock) struct unix_sock *to = NULL;
		int err = 0;
		if (peer)
			to = unix_sock_get(peer);
		else
			err = unix_find(u, m->by, m->addr, m->addr_size, &to);
		if (err == 0)
			err = queue_to(u, to, msg, m->by);
		if (err == GONE)
			err = peer_dead(u, to);
		else if (err == -EAGAIN)
			m->busy = &STEAL(to)->sock;
		else
			return err;
		if (err < 0)
			return err;
		/* It was another one's peer meanwhile; a name may lead elsewhere now. */
		if (peer)
			return -ECONNRESET;
	}
}

static int find_peer(struct unix_sock *u, struct sock_msg *m, struct unix_sock **out)
{
	if (u->sock.type == SOCK_SEQPACKET) {
		int err = sock_take_error(&u->sock);
		if (err < 0)
			return err;
		if (sock_state(&u->sock) != SOCK_CONNECTED)
			return -ENOTCONN;
		m->addr_size = 0;
	}
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->addr_size)
		return unix_addr_check(m->addr, m->addr_size);
	*out = unix_peer_get(u);
	return *out ? 0 : -ENOTCONN;
}

ssize_t unix_dgram_send(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);
	autoput(unix_sock) struct unix_sock *peer = NULL;
	size_t size = m->uio->left;
	struct unix_msg *msg;

	int err = find_peer(u, m, &peer);
	if (err == 0)
		err = unix_autobind_if_asked(u);
	if (err < 0)
		return err;
	if (size > (size_t)SOCK_OPT(s, sndbuf) - 32)
		return -EMSGSIZE;
	err = unix_msg_new(u, m, (uint32_t)size, /*with_files=*/true, &msg);
	if (err < 0)
		return err;
	err = msg_send(u, peer, msg, m);
	if (err == 0)
		return (ssize_t)size;
	/* To try again is to start again. */
	if (err == -EAGAIN) {
		uio_revert(m->uio, size);
		m->scm.files = STEAL(msg->scm.files);
		if (m->scm.files)
			unix_gc_detach(m->scm.files);
	}
	unix_msg_free(msg);
	return err;
}

size_t unix_peek_off(const struct unix_sock *u)
{
	int off = SOCK_OPT(&u->sock, peek_off);
	return off > 0 ? (size_t)off : 0;
}

void unix_move_peek_off(struct unix_sock *u, size_t n, bool peek)
{
	int off = SOCK_OPT(&u->sock, peek_off);
	if (off < 0 || n == 0)
		return;
	if (peek)
		off += (int)n;
	else
		off = (size_t)off > n ? off - (int)n : 0;
	__atomic_store_n(&u->sock.opt.peek_off, off, __ATOMIC_RELAXED);
}

/* Takes the next message, or, peeking, looks at the one behind *skip bytes.  iolock held. */
static struct unix_msg *take(struct unix_sock *u, bool peek, size_t *skip, bool *out_room)
{
	struct unix_msg *msg, *found = NULL;

	/* Own order: iolock before lock. */
	lock_nested(&u->sock.lock);
	list_for_each(msg, &u->queue, link) {
		if (peek && *skip >= msg->size && (*skip > 0 || msg->size > 0)) {
			*skip -= msg->size;
			continue;
		}
		found = msg;
		break;
	}
	if (found && !peek)
		*out_room = unix_unqueue_locked(u, found);
	unlock(&u->sock.lock);
	return found;
}

/* The bytes of a message, and what is told with them. */
static ssize_t msg_read(struct unix_sock *u, struct unix_msg *msg, struct sock_msg *m,
			size_t skip)
{
	bool peek = m->flags & MSG_PEEK;
	size_t have = msg->size - skip, size = min_u64(have, m->uio->left);

	unix_tell_addr(m, msg->from);
	if (size < have)
		m->out_flags |= MSG_TRUNC;
	if (size > 0 && uio_put(m->uio, msg->data + skip, size) != (ssize_t)size)
		return -EFAULT;
	if (sock_stamps(&u->sock))
		m->time_ns = msg->time_ns ? msg->time_ns : real_ns();
	m->scm.has_cred = msg->scm.has_cred;
	m->scm.cred = msg->scm.cred;
	int err = unix_msg_give_files(msg, m, peek);
	if (err < 0)
		return err;
	unix_move_peek_off(u, peek ? size : msg->size, peek);
	return (ssize_t)(m->flags & MSG_TRUNC ? have : size);
}

/* Nothing is there: what that means. */
static ssize_t recv_empty(struct unix_sock *u, const struct sock_msg *m)
{
	bool packets = u->sock.type == SOCK_SEQPACKET;
	if (sock_shut(&u->sock) & SHUT_RECV)
		return packets || !(m->flags & MSG_DONTWAIT) ? 0 : -EAGAIN;
	return -EAGAIN;
}

ssize_t unix_dgram_recv(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);
	bool peek = m->flags & MSG_PEEK, room = false;
	size_t skip = peek ? unix_peek_off(u) : 0;

	if (s->type == SOCK_SEQPACKET && sock_state(s) != SOCK_CONNECTED)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	int err = sock_take_error(s);
	if (err < 0)
		return err;
	lock(&s->iolock);
	struct unix_msg *msg = take(u, peek, &skip, &room);
	/* Only a peek needs the message to stay where it is. */
	ssize_t n = msg && peek ? msg_read(u, msg, m, skip) : 0;
	unlock(&s->iolock);
	if (!msg)
		return recv_empty(u, m);
	if (peek)
		return n;
	if (room)
		unix_wake_room(u);
	n = msg_read(u, msg, m, 0);
	if (m->scm.files)
		unix_gc_detach(m->scm.files);
	unix_msg_free(msg);
	return n;
}
