/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: bytes in messages, whose borders are not seen but for three: a
 * message with descriptors, a change of the sender's credentials when the
 * receiver wants them, and the urgent byte (MSG_OOB), at which a read stops.
 */
#include <stdlib.h>

#include "sentry/sock/unix.h"
#include "syscalls/abi/errno.h"

/* The most that Linux puts into one buffer. */
enum { CHUNK_MAX = 36544 };

static uint32_t chunk_size(const struct unix_sock *u, size_t left)
{
	/* Two should fit, so that reader and writer work at the same time. */
	size_t half = (size_t)SOCK_OPT(&u->sock, sndbuf) / 2 - 64;
	return (uint32_t)min_u64(min_u64(left, half), CHUNK_MAX);
}

/* One message to the peer; takes it over in any case. */
static int deliver(struct unix_sock *peer, struct unix_msg *msg, const struct sock_caller *by,
		   bool oob)
{
	lock(&peer->sock.lock);
	int err = peer->dead || (peer->sock.shut & SHUT_RECV) ? -EPIPE : 0;
	if (err == 0) {
		unix_msg_add_cred_locked(msg, peer, by);
		unix_queue_locked(peer, msg);
		/* An older urgent byte becomes an ordinary one. */
		if (oob)
			peer->oob = msg;
	}
	unlock(&peer->sock.lock);
	if (err < 0)
		unix_msg_free(msg);
	else
		unix_wake_readers(peer);
	return err;
}

static int send_chunks(struct unix_sock *u, struct unix_sock *peer, struct sock_msg *m, bool oob)
{
	while (m->uio->left > oob) {
		struct unix_msg *msg;
		uint32_t size = chunk_size(u, m->uio->left - oob);
		int err = unix_msg_new(u, m, size, /*with_files=*/true, &msg);
		if (err == 0)
			err = deliver(peer, msg, m->by, false);
		if (err < 0)
			return err;
		m->done += size;
	}
	return 0;
}

ssize_t unix_stream_send(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);
	autoput(unix_sock) struct unix_sock *peer = NULL;
	bool oob = m->flags & MSG_OOB;
	struct unix_msg *msg;

	if (oob && m->uio->left == 0 && m->done == 0)
		return -EOPNOTSUPP;
	if (m->addr_size)
		return sock_state(s) == SOCK_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	peer = unix_peer_get(u);
	if (!peer)
		return -ENOTCONN;
	if (sock_shut(s) & SHUT_SEND)
		return -EPIPE;
	int err = send_chunks(u, peer, m, oob);
	if (err == 0 && oob && m->uio->left == 1) {
		err = unix_msg_new(u, m, 1, /*with_files=*/true, &msg);
		if (err == 0)
			err = deliver(peer, msg, m->by, true);
		if (err == 0)
			m->done++;
	}
	return err < 0 ? err : (ssize_t)m->done;
}

size_t unix_unread(struct unix_sock *u)
{
	struct unix_msg *msg;
	size_t n = 0;
	lock(&u->sock.lock);
	list_for_each(msg, &u->queue, link) {
		n += msg->size - __atomic_load_n(&msg->used, __ATOMIC_RELAXED);
		if (is_dgram(u))
			break;
	}
	unlock(&u->sock.lock);
	return n;
}

/* Where a read is. */
struct reading {
	struct unix_sock *u;
	struct sock_msg *m;
	struct unix_msg *at;	/* MSG_PEEK: the message looked at last */
	size_t skip;		/* MSG_PEEK: bytes to leave out (SO_PEEK_OFF) */
	struct list dropped;	/* to free when no lock is held */
	bool peek;
	bool stop;		/* nothing may follow what was read */
};

static struct unix_msg *after_locked(struct unix_sock *u, struct unix_msg *at)
{
	struct list *l = at ? at->link.next : u->queue.next;
	return l == &u->queue ? NULL : list_entry(l, struct unix_msg, link);
}

/*
 * The next message to read from, or NULL.  An urgent byte ends a read; one at
 * the very front is passed over, unless SO_OOBINLINE makes it ordinary.
 */
static struct unix_msg *next_msg(struct reading *r)
{
	struct unix_sock *u = r->u;

	/* Own order: iolock before lock. */
	lock_nested(&u->sock.lock);
	struct unix_msg *msg = after_locked(u, r->at);
	if (msg && msg == u->oob) {
		struct unix_msg *urgent = msg;
		if (r->m->done > 0) {
			r->stop = true;
			msg = NULL;
		} else if (sock_flag(&u->sock, SO_OOBINLINE)) {
			if (!r->peek)
				u->oob = NULL;
		} else {
			msg = after_locked(u, urgent);
			if (!r->peek) {
				unix_unqueue_locked(u, urgent);
				list_append(&r->dropped, &urgent->link);
			}
		}
	}
	unlock(&u->sock.lock);
	return msg;
}

static bool same_cred(const struct scm *a, const struct scm *b)
{
	if (a->has_cred != b->has_cred)
		return false;
	return !a->has_cred || (a->cred.pid == b->cred.pid && a->cred.uid == b->cred.uid &&
				a->cred.gid == b->cred.gid);
}

/* False: it is another writer's, and the reader wants to know who wrote. */
static bool may_join(struct reading *r, struct unix_msg *msg)
{
	struct sock_msg *m = r->m;
	if (m->glued)
		return same_cred(&m->scm, &msg->scm);
	if (sock_flag(&r->u->sock, SO_PASSCRED)) {
		m->scm.has_cred = msg->scm.has_cred;
		m->scm.cred = msg->scm.cred;
		m->glued = true;
	}
	if (!m->addr_size)
		unix_tell_addr(m, msg->from);
	return true;
}

static void consume(struct reading *r, struct unix_msg *msg, size_t n)
{
	uint32_t used = msg->used + (uint32_t)n;

	__atomic_store_n(&msg->used, used, __ATOMIC_RELAXED);
	if (used < msg->size)
		return;
	lock_nested(&r->u->sock.lock);
	unix_unqueue_locked(r->u, msg);
	unlock(&r->u->sock.lock);
	unix_msg_free(msg);
}

/* Copies from one message; 0 or -errno. */
static int read_msg(struct reading *r, struct unix_msg *msg)
{
	struct sock_msg *m = r->m;
	size_t have = msg->size - msg->used;

	if (r->skip >= have && have > 0) {
		r->skip -= have;
		r->at = msg;
		return 0;
	}
	if (!may_join(r, msg)) {
		r->stop = true;
		return 0;
	}
	size_t n = min_u64(have - r->skip, m->uio->left);
	const char *from = msg->data + msg->used + r->skip;
	ssize_t put = n > 0 ? uio_put(m->uio, from, n) : 0;
	if (put < (ssize_t)n) {
		if (put > 0)
			uio_revert(m->uio, (size_t)put);
		return -EFAULT;
	}
	r->skip = 0;
	r->at = r->peek ? msg : NULL;
	m->done += n;
	r->stop = msg->scm.files || m->uio->left == 0;
	int err = unix_msg_give_files(msg, m, r->peek);
	if (!r->peek)
		consume(r, msg, n);
	return err;
}

static int recv_urgent(struct unix_sock *u, struct sock_msg *m)
{
	bool peek = m->flags & MSG_PEEK;
	int err = -EINVAL;

	lock(&u->sock.iolock);
	lock_nested(&u->sock.lock);
	struct unix_msg *msg = sock_flag(&u->sock, SO_OOBINLINE) ? NULL : u->oob;
	if (msg && !peek)
		unix_unqueue_locked(u, msg);
	unlock(&u->sock.lock);
	if (msg) {
		m->out_flags |= MSG_OOB;
		err = m->uio->left == 0 || uio_put(m->uio, msg->data, 1) == 1 ? 1 : -EFAULT;
	}
	unlock(&u->sock.iolock);
	if (msg && !peek)
		unix_msg_free(msg);
	return err;
}

/* Nothing (more) is there: what that means. */
static ssize_t recv_empty(struct unix_sock *u, struct sock_msg *m)
{
	int err = sock_take_error(&u->sock);
	if (err < 0)
		return err;
	if (sock_shut(&u->sock) & SHUT_RECV)
		return (ssize_t)m->done;
	return -EAGAIN;
}

static size_t low_mark(const struct unix_sock *u, const struct sock_msg *m)
{
	size_t all = m->done + m->uio->left;
	size_t mark = m->flags & MSG_WAITALL ? all
					     : min_u64((size_t)SOCK_OPT(&u->sock, rcvlowat), all);
	return mark ? mark : 1;
}

static int read_all(struct reading *r)
{
	int err = 0;
	while (err == 0 && !r->stop) {
		struct unix_msg *msg = next_msg(r);
		if (!msg)
			break;
		err = read_msg(r, msg);
	}
	return err;
}

ssize_t unix_stream_recv(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);
	struct reading r = {.u = u, .m = m, .peek = m->flags & MSG_PEEK};
	size_t target = low_mark(u, m), before = m->done;

	if (sock_state(s) != SOCK_CONNECTED)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return recv_urgent(u, m);
	list_init(&r.dropped);
	if (r.peek)
		r.skip = unix_peek_off(u);
	lock(&s->iolock);
	int err = read_all(&r);
	unlock(&s->iolock);
	unix_msgs_free(&r.dropped);
	unix_move_peek_off(u, m->done - before, r.peek);
	if (m->scm.files && m->scm.files->inflight)
		unix_gc_detach(m->scm.files);
	if (err < 0)
		return m->done > 0 ? (ssize_t)m->done : err;
	/* A peek does not wait for more than there is. */
	if (r.stop || m->done >= target || (r.peek && m->done > 0))
		return (ssize_t)m->done;
	return recv_empty(u, m);
}
