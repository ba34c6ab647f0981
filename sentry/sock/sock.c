/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as files: life, and the waiting of their operations.
 */
#include "sentry/sock/sock.h"

#include <time.h>

#include "sentry/sock/unix.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

/* net.core.{r,w}mem_default. */
enum { BUF_DEFAULT = 212992 };

/* IPPROTO_MAX families Linux could have (AF_MAX), types (SOCK_MAX). */
enum { FAMILY_LIMIT = 46, TYPE_LIMIT = 11 };

struct family {
	int family;
	int (*make)(const struct sock_caller *by, int type, int protocol, struct sock **out);
	int (*pair)(const struct sock_caller *by, struct sock *a, struct sock *b);
};

static const struct family families[] = {
	{AF_UNIX, unix_new, unix_pair},
};

static void (*caller_fn)(struct sock_caller *out);
static uint64_t last_cookie;

void sock_set_caller_fn(void (*fn)(struct sock_caller *out))
{
	__atomic_store_n(&caller_fn, fn, __ATOMIC_RELEASE);
}

static struct sock_caller caller_here(void)
{
	struct sock_caller c = {.cred = NULL};
	void (*fn)(struct sock_caller *) = __atomic_load_n(&caller_fn, __ATOMIC_ACQUIRE);
	if (fn)
		fn(&c);
	return c;
}

void sock_init(struct sock *s, const struct sock_ops *ops, int family, int type, int protocol)
{
	ref_init(&s->ref);
	lock_init(&s->iolock, RANK_SOCK);
	lock_init(&s->lock, RANK_SOCK);
	waitq_init(&s->wq);
	waitq_init(&s->room);
	s->ops = ops;
	s->family = (uint16_t)family;
	s->type = (uint16_t)type;
	s->protocol = (uint16_t)protocol;
	s->cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
	s->opt = (struct sock_opt){
		.sndbuf = BUF_DEFAULT, .rcvbuf = BUF_DEFAULT, .rcvlowat = 1, .peek_off = -1,
		.rcvtimeo = WAIT_FOREVER, .sndtimeo = WAIT_FOREVER,
	};
}

void sock_fini(struct sock *s)
{
	waitq_destroy(&s->wq);
	waitq_destroy(&s->room);
}

struct sock *sock_get(struct sock *s)
{
	ref_get(&s->ref);
	return s;
}

void sock_put(struct sock *s)
{
	if (ref_put(&s->ref))
		s->ops->free(s);
}

int sock_take_error(struct sock *s)
{
	if (__atomic_load_n(&s->error, __ATOMIC_RELAXED) == 0)
		return 0;
	return -__atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL);
}

void sock_wake_all(struct sock *s)
{
	waitq_wake(&s->wq, ~0u);
}

/* --- the file --- */

static ssize_t sock_file_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct sock_caller by = caller_here();
	struct sock_msg m = {.uio = u, .by = &by};
	(void)pos;
	if (u->left == 0)
		return 0;
	ssize_t n = sock_recv(f, &m);
	scm_clear(&m.scm);
	return n;
}

static ssize_t sock_file_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct sock_caller by = caller_here();
	struct sock_msg m = {.uio = u, .by = &by};
	(void)pos;
	return sock_send(f, &m);
}

static uint32_t sock_file_poll(struct file *f)
{
	struct sock *s = f->priv;
	return s->ops->poll(s);
}

static int64_t sock_file_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct sock *s = f->priv;
	return s->ops->ioctl(s, a);
}

static void sock_file_flush(struct file *f, void *owner)
{
	(void)owner;
	unix_gc_closing(f);
}

static void sock_file_release(struct file *f)
{
	struct sock *s = f->priv;
	lock(&s->lock);
	s->file = NULL;
	unlock(&s->lock);
	s->ops->release(s);
	sock_put(s);
}

static const struct file_ops sock_file_ops = {
	.read = sock_file_read,
	.write = sock_file_write,
	.seek = file_noseek,
	.poll = sock_file_poll,
	.ioctl = sock_file_ioctl,
	FILE_NO_DATA,
	.flush = sock_file_flush,
	.release = sock_file_release,
};

struct sock *sock_of(const struct file *f)
{
	return f->ops == &sock_file_ops ? f->priv : NULL;
}

/* Takes over s; when it fails the socket is closed. */
static int sock_file_new(struct sock *s, const struct sock_caller *by, uint32_t flags,
			 struct file **out)
{
	struct file *f;
	int err = file_new_anon(&sock_file_ops, FILE_SOCKET, s, "socket:", by->cred,
				O_RDWR | (flags & O_NONBLOCK), &f);
	if (err < 0) {
		s->ops->release(s);
		sock_put(s);
		return err;
	}
	f->wq = &s->wq;
	f->waits = true;
	lock(&s->lock);
	s->file = f;
	unlock(&s->lock);
	*out = f;
	return 0;
}

static int family_find(int family, int type, const struct family **out)
{
	if (family < 0 || family >= FAMILY_LIMIT)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= TYPE_LIMIT)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (families[i].family != family)
			continue;
		*out = &families[i];
		return 0;
	}
	return -EAFNOSUPPORT;
}

int sock_new(const struct sock_caller *by, int family, int type, int protocol, uint32_t file_flags,
	     struct file **out)
{
	const struct family *fam;
	struct sock *s;
	int err = family_find(family, type, &fam);
	if (err == 0)
		err = fam->make(by, type, protocol, &s);
	return err < 0 ? err : sock_file_new(s, by, file_flags, out);
}

int sock_new_pair(const struct sock_caller *by, int family, int type, int protocol,
		  uint32_t file_flags, struct file *out[2])
{
	autoput(file) struct file *a = NULL, *b = NULL;
	const struct family *fam;
	int err = family_find(family, type, &fam);
	if (err == 0)
		err = sock_new(by, family, type, protocol, file_flags, &a);
	if (err == 0)
		err = sock_new(by, family, type, protocol, file_flags, &b);
	if (err == 0)
		err = fam->pair(by, a->priv, b->priv);
	if (err < 0)
		return err;
	out[0] = STEAL(a);
	out[1] = STEAL(b);
	return 0;
}

/* --- waiting --- */

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int64_t deadline_of(int64_t timeo)
{
	int64_t at;
	if (timeo == WAIT_FOREVER || __builtin_add_overflow(now_ns(), timeo, &at))
		return WAIT_FOREVER;
	return at;
}

/* How a sleep ended, as these calls tell it: with a timeout they are not restarted. */
static int wait_result(int err, int64_t deadline)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && deadline != WAIT_FOREVER ? -EINTR : err;
}

/* Until there may be room in busy, which is put. */
static int wait_room(struct sock *busy, int64_t deadline)
{
	int err = waitq_sleep(&busy->room, EPOLLOUT, WAIT_INTR, deadline,
			      !__atomic_load_n(&busy->full, __ATOMIC_ACQUIRE));
	sock_put(busy);
	return wait_result(err, deadline);
}

static bool is_nonblock(const struct file *f, uint32_t msg_flags)
{
	return (file_flags(f) & O_NONBLOCK) || (msg_flags & MSG_DONTWAIT);
}

typedef ssize_t (*msg_fn)(struct sock *s, struct sock_msg *m);

/* Tries again each time the socket is woken, or, if that is what it lacks, the busy one. */
static ssize_t try_blocking(struct sock *s, msg_fn op, struct sock_msg *m, uint32_t events,
			    int64_t timeo)
{
	int64_t deadline = deadline_of(timeo);
	ssize_t n = op(s, m);
	while (n == -EAGAIN) {
		int err;
		if (m->busy) {
			err = wait_room(STEAL(m->busy), deadline);
			if (err == 0)
				n = op(s, m);
		} else {
			err = waitq_sleep(&s->wq, events, WAIT_INTR, deadline,
					  (n = op(s, m)) != -EAGAIN || m->busy);
			err = wait_result(err, deadline);
		}
		if (err < 0)
			return err;
	}
	return n;
}

static ssize_t msg_run(struct file *f, msg_fn op, struct sock_msg *m, uint32_t events,
		       int64_t timeo)
{
	struct sock *s = f->priv;
	ssize_t n;

	if (is_nonblock(f, m->flags)) {
		m->flags |= MSG_DONTWAIT;
		n = op(s, m);
	} else {
		n = try_blocking(s, op, m, events, timeo);
	}
	if (m->busy)
		sock_put(STEAL(m->busy));
	/* What was moved before the end of the wait is not lost. */
	return n < 0 && m->done > 0 ? (ssize_t)m->done : n;
}

ssize_t sock_send(struct file *f, struct sock_msg *m)
{
	struct sock *s = f->priv;
	return msg_run(f, s->ops->send, m, EPOLLOUT | EPOLLERR | EPOLLHUP, SOCK_OPT(s, sndtimeo));
}

ssize_t sock_recv(struct file *f, struct sock_msg *m)
{
	struct sock *s = f->priv;
	return msg_run(f, s->ops->recv, m, EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP,
		       SOCK_OPT(s, rcvtimeo));
}

int sock_connect(struct file *f, const struct sock_caller *by, const void *addr, uint32_t size)
{
	struct sock *s = f->priv, *busy = NULL;
	int64_t deadline = deadline_of(SOCK_OPT(s, sndtimeo));
	int err;

	while ((err = s->ops->connect(s, by, addr, size, &busy)) == -EAGAIN && busy) {
		if (is_nonblock(f, 0)) {
			sock_put(busy);
			return err;
		}
		err = wait_room(STEAL(busy), deadline);
		if (err < 0)
			return err;
	}
	return err;
}

int sock_accept(struct file *f, const struct sock_caller *by, uint32_t file_flags,
		struct file **out)
{
	struct sock *s = f->priv, *n = NULL;
	int err = s->ops->accept(s, &n);
	if (err == -EAGAIN && !is_nonblock(f, 0)) {
		int64_t deadline = deadline_of(SOCK_OPT(s, rcvtimeo));
		int slept = waitq_sleep(&s->wq, EPOLLIN | EPOLLERR | EPOLLHUP, WAIT_INTR, deadline,
					(err = s->ops->accept(s, &n)) != -EAGAIN);
		if (slept < 0)
			err = wait_result(slept, deadline);
	}
	return err < 0 ? err : sock_file_new(n, by, file_flags, out);
}

/* --- the rest --- */

int sock_bind(struct file *f, const struct sock_caller *by, const void *addr, uint32_t size)
{
	struct sock *s = f->priv;
	return s->ops->bind(s, by, addr, size);
}

int sock_listen(struct file *f, const struct sock_caller *by, int backlog)
{
	struct sock *s = f->priv;
	return s->ops->listen(s, by, backlog);
}

int sock_name(struct file *f, bool peer, void *addr)
{
	struct sock *s = f->priv;
	return s->ops->name(s, peer, addr);
}

int sock_shutdown(struct file *f, int how)
{
	struct sock *s = f->priv;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown(s, (unsigned)how + 1);
}
