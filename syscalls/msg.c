/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending and receiving.
 *
 * A msghdr is copied in once; what it points to is checked and used from
 * copies, except for the data, which goes straight to its place.
 */
#include <stdlib.h>
#include <time.h>

#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/time.h"
#include "syscalls/path.h"
#include "syscalls/socket.h"
#include "syscalls/sys.h"

enum { IOV_LIMIT = 1024, MMSG_LIMIT = 1024 };
/* For 32-bit programs, which are not served. */
#define MSG_CMSG_COMPAT 0x80000000u

/* One call on one message. */
struct msg_call {
	struct sock_caller by;
	struct abi_msghdr h;
	struct uvec *vec;	/* malloc'ed */
	struct uio uio;
	struct sock_msg m;
};

static long send_end(struct task *t, struct file *f, struct sock_msg *m, long n)
{
	if (n == -EPIPE && !(m->flags & MSG_NOSIGNAL))
		signal_epipe(t, f);
	scm_clear(&m->scm);
	return n;
}

long sys_sendto(struct task *t, int fd, uaddr_t buf, uint64_t len, uint32_t flags, uaddr_t addr,
		int addrlen)
{
	struct sock_caller by = sock_caller_of(t);
	autoput(file) struct file *f = NULL;
	struct sock_msg m = {.flags = flags, .by = &by};
	struct uio u;

	int err = uio_user(&u, t->mm, buf, min_u64(len, MAX_RW_COUNT));
	if (err == 0)
		err = sock_arg(t, fd, &f);
	if (err == 0 && addr)
		err = sockaddr_in(t, addr, addrlen, m.addr);
	if (err < 0)
		return err;
	m.uio = &u;
	m.addr_size = addr ? (uint32_t)addrlen : 0;
	return send_end(t, f, &m, sock_send(f, &m));
}

long sys_recvfrom(struct task *t, int fd, uaddr_t buf, uint64_t len, uint32_t flags, uaddr_t addr,
		  uaddr_t addrlen)
{
	struct sock_caller by = sock_caller_of(t);
	autoput(file) struct file *f = NULL;
	struct sock_msg m = {.flags = flags, .by = &by, .want_addr = addr};
	struct uio u;

	int err = uio_user(&u, t->mm, buf, min_u64(len, MAX_RW_COUNT));
	if (err == 0)
		err = sock_arg(t, fd, &f);
	if (err < 0)
		return err;
	m.uio = &u;
	long n = sock_recv(f, &m);
	scm_clear(&m.scm);
	if (n >= 0 && addr) {
		err = sockaddr_out(t, m.addr, m.addr_size, addr, addrlen);
		if (err < 0)
			return err;
	}
	return n;
}

/* Copies the header and its vector in; c->vec is the caller's to free in any case. */
static int call_get(struct task *t, struct msg_call *c, uaddr_t msg, uint32_t flags, bool send)
{
	size_t total;

	*c = (struct msg_call){.by = sock_caller_of(t)};
	int err = copy_in(t->mm, &c->h, msg, sizeof c->h);
	if (err < 0)
		return err;
	if (!c->h.msg_name)
		c->h.msg_namelen = 0;
	if (c->h.msg_namelen < 0)
		return -EINVAL;
	c->m.addr_size = (uint32_t)min_u64((uint32_t)c->h.msg_namelen, ABI_SOCKADDR_STORAGE_SIZE);
	if (send)
		err = sockaddr_in(t, c->h.msg_name, (int)c->m.addr_size, c->m.addr);
	else
		c->m.addr_size = 0;
	if (err < 0)
		return err;
	if (c->h.msg_iovlen > IOV_LIMIT)
		return -EMSGSIZE;
	err = uio_copy_iovec(t->mm, c->h.msg_iov, c->h.msg_iovlen, &c->vec, &total);
	if (err < 0)
		return err;
	uio_uservec(&c->uio, t->mm, c->vec, c->h.msg_iovlen);
	c->m.uio = &c->uio;
	c->m.flags = flags;
	c->m.by = &c->by;
	c->m.want_addr = c->h.msg_name;
	return 0;
}

static long send_one(struct task *t, struct file *f, uaddr_t msg, uint32_t flags)
{
	struct msg_call c;
	long n = call_get(t, &c, msg, flags, /*send=*/true);

	if (n == 0 && c.h.msg_controllen > INT32_MAX)
		n = -ENOBUFS;
	if (n == 0)
		n = cmsg_get(t, c.h.msg_control, c.h.msg_controllen, &c.m.scm);
	if (n == 0)
		n = send_end(t, f, &c.m, sock_send(f, &c.m));
	free(c.vec);
	return n;
}

/* What recvmsg writes into the header.  msg_name itself is not touched. */
static int header_put(struct task *t, uaddr_t msg, const struct msg_call *c, uaddr_t control)
{
	uint32_t out_flags = c->m.out_flags | (c->m.flags & MSG_CMSG_CLOEXEC);
	uint64_t used = c->h.msg_control - control;
	int err = copy_out(t->mm, msg + offsetof(struct abi_msghdr, msg_flags), &out_flags,
			   sizeof out_flags);
	if (err == 0)
		err = copy_out(t->mm, msg + offsetof(struct abi_msghdr, msg_controllen), &used,
			       sizeof used);
	return err;
}

static int name_put(struct task *t, uaddr_t msg, const struct msg_call *c)
{
	uint32_t told = c->m.addr_size;
	uint32_t size = (uint32_t)min_u64(told, (uint32_t)c->h.msg_namelen);
	int err = size > 0 ? copy_out(t->mm, c->h.msg_name, c->m.addr, size) : 0;
	if (err < 0)
		return err;
	return copy_out(t->mm, msg + offsetof(struct abi_msghdr, msg_namelen), &told, sizeof told);
}

/* *out_flags: MSG_* of what came. */
static long recv_one(struct task *t, struct file *f, uaddr_t msg, uint32_t flags,
		     uint32_t *out_flags)
{
	struct msg_call c;
	long n = call_get(t, &c, msg, flags, /*send=*/false);
	uaddr_t control = c.h.msg_control;
	int err = 0;

	if (n == 0) {
		n = sock_recv(f, &c.m);
		if (n >= 0)
			cmsg_put(t, f, &c.m, &c.h);
		scm_clear(&c.m.scm);
	}
	if (n >= 0 && c.h.msg_name)
		err = name_put(t, msg, &c);
	if (n >= 0 && err == 0)
		err = header_put(t, msg, &c, control);
	*out_flags = c.m.out_flags;
	free(c.vec);
	return err < 0 ? err : n;
}

static int msg_arg(struct task *t, int fd, uint32_t flags, struct file **out)
{
	return flags & MSG_CMSG_COMPAT ? -EINVAL : sock_arg(t, fd, out);
}

long sys_sendmsg(struct task *t, int fd, uaddr_t msg, uint32_t flags)
{
	autoput(file) struct file *f = NULL;
	int err = msg_arg(t, fd, flags, &f);
	return err < 0 ? err : send_one(t, f, msg, flags);
}

long sys_recvmsg(struct task *t, int fd, uaddr_t msg, uint32_t flags)
{
	autoput(file) struct file *f = NULL;
	uint32_t got;
	int err = msg_arg(t, fd, flags, &f);
	return err < 0 ? err : recv_one(t, f, msg, flags, &got);
}

static uaddr_t entry_at(uaddr_t vec, uint32_t i)
{
	return vec + (uaddr_t)i * sizeof(struct abi_mmsghdr);
}

static int entry_put_len(struct task *t, uaddr_t entry, long n)
{
	uint32_t len = (uint32_t)n;
	return copy_out(t->mm, entry + offsetof(struct abi_mmsghdr, msg_len), &len, sizeof len);
}

long sys_sendmmsg(struct task *t, int fd, uaddr_t msgvec, uint32_t vlen, uint32_t flags)
{
	autoput(file) struct file *f = NULL;
	uint32_t done = 0;
	long err = msg_arg(t, fd, flags, &f);
	if (err < 0)
		return err;
	vlen = (uint32_t)min_u64(vlen, MMSG_LIMIT);
	for (; done < vlen; done++) {
		uaddr_t entry = entry_at(msgvec, done);
		err = send_one(t, f, entry, flags);
		if (err >= 0)
			err = entry_put_len(t, entry, err);
		if (err < 0)
			break;
	}
	return done > 0 ? (long)done : err;
}

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* ts in nanoseconds, as long as can be told. */
static int64_t span_of(const struct abi_timespec *ts)
{
	const int64_t most = INT64_MAX / 4;
	return ts->tv_sec >= most / NSEC_PER_SEC ? most : ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

/*
 * As in Linux the timeout is looked at between messages only: it does not end
 * the wait for one.
 */
static long recv_many(struct task *t, struct file *f, uaddr_t msgvec, uint32_t vlen, uint32_t flags,
		      int64_t *left)
{
	int64_t end = left ? now_ns() + *left : 0;
	long err = sock_take_error(sock_of(f));
	uint32_t done = 0;

	while (err >= 0 && done < vlen) {
		uaddr_t entry = entry_at(msgvec, done);
		uint32_t got = 0;
		err = recv_one(t, f, entry, flags & ~(uint32_t)MSG_WAITFORONE, &got);
		if (err >= 0)
			err = entry_put_len(t, entry, err);
		if (err < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (left) {
			int64_t rest = end - now_ns();
			*left = rest > 0 ? rest : 0;
		}
		if ((left && *left == 0) || (got & MSG_OOB))
			break;
	}
	if (done == 0)
		return err;
	/* What ended it is told by the next call. */
	if (err < 0 && err != -EAGAIN)
		__atomic_store_n(&sock_of(f)->error, err == -ERESTARTSYS ? EINTR : (int)-err,
				 __ATOMIC_RELEASE);
	return done;
}

long sys_recvmmsg(struct task *t, int fd, uaddr_t msgvec, uint32_t vlen, uint32_t flags,
		  uaddr_t timeout)
{
	autoput(file) struct file *f = NULL;
	struct abi_timespec ts = {0, 0};
	int64_t left = 0;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	if (timeout && copy_in(t->mm, &ts, timeout, sizeof ts) < 0)
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	int err = sock_arg(t, fd, &f);
	if (err < 0)
		return err;
	left = span_of(&ts);
	long n = recv_many(t, f, msgvec, vlen, flags, timeout ? &left : NULL);
	if (n > 0 && timeout) {
		ts = (struct abi_timespec){left / NSEC_PER_SEC, left % NSEC_PER_SEC};
		if (copy_out(t->mm, timeout, &ts, sizeof ts) < 0)
			return -EFAULT;
	}
	return n;
}
