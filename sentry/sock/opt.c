/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of SOL_SOCKET: socket(7).
 *
 * Most are one flag, kept for whoever asks, since nothing on the way of a
 * local message depends on it.  Options that would have to do something we do
 * not do (filters, descriptors of processes) are -ENOPROTOOPT; those that are
 * off and cannot be switched on tell so.
 */
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/sock/netns.h"
#include "sentry/sock/sock.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/time.h"

/* net.core.{w,r}mem_max and the least there can be (SOCK_MIN_*). */
enum { BUF_MAX = 212992, SNDBUF_MIN = 4608, RCVBUF_MIN = 2304 };

/* On or off, told as 0 or 1, no right needed. */
static const uint64_t plain_flags =
	1ull << SO_REUSEADDR | 1ull << SO_DONTROUTE | 1ull << SO_BROADCAST | 1ull << SO_KEEPALIVE |
	1ull << SO_OOBINLINE | 1ull << SO_NO_CHECK | 1ull << SO_PASSCRED | 1ull << SO_PASSSEC |
	1ull << SO_RXQ_OVFL | 1ull << SO_NOFCS | 1ull << SO_SELECT_ERR_QUEUE;

static bool is_plain_flag(int opt)
{
	return opt >= 0 && opt < 64 && (plain_flags >> opt & 1);
}

static void put_int(int *field, int v)
{
	__atomic_store_n(field, v, __ATOMIC_RELAXED);
}

static void put_flag(struct sock *s, int opt, bool on)
{
	uint64_t bit = 1ull << opt;
	if (on)
		__atomic_fetch_or(&s->opt.flags, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&s->opt.flags, ~bit, __ATOMIC_RELAXED);
}

/* The buffer's size is twice what is asked for: bookkeeping counts too. */
static int set_buffer(struct sock *s, int opt, int v, const struct sock_caller *by)
{
	bool send = opt == SO_SNDBUF || opt == SO_SNDBUFFORCE;
	bool force = opt == SO_SNDBUFFORCE || opt == SO_RCVBUFFORCE;
	int least = send ? SNDBUF_MIN : RCVBUF_MIN;

	if (force && !cred_capable(by->cred, CAP_NET_ADMIN))
		return -EPERM;
	if (force)
		v = v < 0 ? 0 : v;
	else if ((unsigned)v > BUF_MAX)
		v = BUF_MAX;
	v = v > INT32_MAX / 2 ? INT32_MAX - 1 : v * 2;
	put_int(send ? &s->opt.sndbuf : &s->opt.rcvbuf, v < least ? least : v);
	if (send)
		waitq_wake(&s->wq, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

static int set_timeout(int64_t *field, const void *val, uint32_t size)
{
	struct abi_timeval tv;
	int64_t ns;

	if (size < sizeof tv)
		return -EINVAL;
	memcpy(&tv, val, sizeof tv);
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		ns = 0;
	else if ((tv.tv_sec == 0 && tv.tv_usec == 0) || tv.tv_sec >= INT64_MAX / NSEC_PER_SEC - 1)
		ns = WAIT_FOREVER;
	else
		ns = tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC;
	__atomic_store_n(field, ns, __ATOMIC_RELAXED);
	return 0;
}

static struct abi_timeval timeout_tell(int64_t ns)
{
	if (ns == WAIT_FOREVER)
		return (struct abi_timeval){0, 0};
	return (struct abi_timeval){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC};
}

static int set_linger(struct sock *s, const void *val, uint32_t size)
{
	struct abi_linger l;

	if (size < sizeof l)
		return -EINVAL;
	memcpy(&l, val, sizeof l);
	if (l.l_onoff)
		put_int(&s->opt.linger_time, l.l_linger);
	put_int(&s->opt.linger_on, l.l_onoff != 0);
	return 0;
}

/* Over what belongs to the network namespace. */
static bool net_capable(const struct sock_caller *by, unsigned cap)
{
	return cred_capable_in(by->cred, by->net->ns.owner, cap);
}

static int set_priority(struct sock *s, int v, const struct sock_caller *by)
{
	if ((v < 0 || v > 6) && !net_capable(by, CAP_NET_RAW) && !net_capable(by, CAP_NET_ADMIN))
		return -EPERM;
	put_int(&s->opt.priority, v);
	return 0;
}

static int set_peek_off(struct sock *s, int v)
{
	if (s->family != AF_UNIX)
		return -EOPNOTSUPP;
	put_int(&s->opt.peek_off, v);
	return 0;
}

static int set_privileged(struct sock *s, int opt, int v, const struct sock_caller *by)
{
	bool may = net_capable(by, CAP_NET_ADMIN);

	if (opt == SO_DEBUG && v && !cred_capable(by->cred, CAP_NET_ADMIN))
		return -EACCES;
	if (opt == SO_MARK && !may && !net_capable(by, CAP_NET_RAW))
		return -EPERM;
	if (opt == SO_DEBUG)
		put_flag(s, opt, v);
	else
		put_int(&s->opt.mark, v);
	return 0;
}

/* One of the two forms; off means both. */
static int set_stamps(struct sock *s, int opt, bool on)
{
	put_flag(s, SO_TIMESTAMP, on && opt == SO_TIMESTAMP);
	put_flag(s, SO_TIMESTAMPNS, on && opt == SO_TIMESTAMPNS);
	return 0;
}

int sock_set_option(struct file *f, const struct sock_caller *by, int level, int opt,
		    const void *val, uint32_t size)
{
	struct sock *s = f->priv;
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (is_plain_flag(opt)) {
		put_flag(s, opt, v);
		return 0;
	}
	switch (opt) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return set_buffer(s, opt, v, by);
	case SO_RCVTIMEO:
		return set_timeout(&s->opt.rcvtimeo, val, size);
	case SO_SNDTIMEO:
		return set_timeout(&s->opt.sndtimeo, val, size);
	case SO_LINGER:
		return set_linger(s, val, size);
	case SO_PRIORITY:
		return set_priority(s, v, by);
	case SO_RCVLOWAT:
		put_int(&s->opt.rcvlowat, v < 0 ? INT32_MAX : v ? v : 1);
		return 0;
	case SO_PEEK_OFF:
		return set_peek_off(s, v);
	case SO_DEBUG:
	case SO_MARK:
		return set_privileged(s, opt, v, by);
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
		return set_stamps(s, opt, v);
	case SO_REUSEPORT:
		/* Of IP only. */
		return v ? -EOPNOTSUPP : 0;
	case SO_BSDCOMPAT:
		return 0;
	case SO_DETACH_FILTER:
		return -ENOENT;
	}
	return -ENOPROTOOPT;
}

/* The options that are one int: 0 with *out, or -ENOPROTOOPT. */
static int get_int(struct sock *s, int opt, int *out)
{
	if (is_plain_flag(opt) || opt == SO_DEBUG || opt == SO_TIMESTAMP || opt == SO_TIMESTAMPNS) {
		*out = sock_flag(s, (unsigned)opt);
		return 0;
	}
	switch (opt) {
	case SO_TYPE:
		*out = s->type;
		return 0;
	case SO_DOMAIN:
		*out = s->family;
		return 0;
	case SO_PROTOCOL:
		*out = s->protocol;
		return 0;
	case SO_ERROR:
		*out = -sock_take_error(s);
		return 0;
	case SO_ACCEPTCONN:
		*out = sock_state(s) == SOCK_LISTENING;
		return 0;
	case SO_SNDBUF:
		*out = SOCK_OPT(s, sndbuf);
		return 0;
	case SO_RCVBUF:
		*out = SOCK_OPT(s, rcvbuf);
		return 0;
	case SO_RCVLOWAT:
		*out = SOCK_OPT(s, rcvlowat);
		return 0;
	case SO_SNDLOWAT:
		*out = 1;
		return 0;
	case SO_PRIORITY:
		*out = SOCK_OPT(s, priority);
		return 0;
	case SO_MARK:
		*out = SOCK_OPT(s, mark);
		return 0;
	case SO_PEEK_OFF:
		*out = SOCK_OPT(s, peek_off);
		return s->family == AF_UNIX ? 0 : -EOPNOTSUPP;
	case SO_BSDCOMPAT:
	case SO_REUSEPORT:
	case SO_LOCK_FILTER:
	case SO_BUSY_POLL:
	case SO_INCOMING_NAPI_ID:
	case SO_ZEROCOPY:
	case SO_BINDTOIFINDEX:
		*out = 0;
		return 0;
	case SO_INCOMING_CPU:
		*out = -1;
		return 0;
	}
	return -ENOPROTOOPT;
}

static int answer(void *buf, uint32_t *size, const void *val, uint32_t have)
{
	*size = (uint32_t)min_u64(*size, have);
	memcpy(buf, val, *size);
	return 0;
}

/* Ids as `by` calls them. */
static int get_peercred(struct sock *s, const struct cred *by, void *buf, uint32_t *size)
{
	struct abi_ucred u = {0, UINT32_MAX, UINT32_MAX};
	struct cred *cred;

	if (s->ops->peer(s, &u.pid, &cred) == 0) {
		u.uid = uid_seen(by->user_ns, cred->euid);
		u.gid = gid_seen(by->user_ns, cred->egid);
		cred_put(cred);
	}
	return answer(buf, size, &u, sizeof u);
}

static int get_peergroups(struct sock *s, const struct cred *by, void *buf, uint32_t *size)
{
	autoput(cred) struct cred *cred = NULL;
	int tgid, err = s->ops->peer(s, &tgid, &cred);

	if (err < 0)
		return err;
	uint32_t need = cred->ngroups * (uint32_t)sizeof cred->groups[0];
	if (*size < need) {
		*size = need;
		return -ERANGE;
	}
	uint32_t *groups = buf;
	for (uint32_t i = 0; i < cred->ngroups; i++)
		groups[i] = gid_seen(by->user_ns, cred->groups[i]);
	*size = need;
	return 0;
}

static int get_peername(struct file *f, void *buf, uint32_t *size)
{
	char addr[ABI_SOCKADDR_STORAGE_SIZE];
	int n = sock_name(f, /*peer=*/true, addr);

	if (n < 0)
		return -ENOTCONN;
	return (uint32_t)n < *size ? -EINVAL : answer(buf, size, addr, (uint32_t)n);
}

int sock_get_option(struct file *f, const struct cred *by, int level, int opt, void *buf,
		    uint32_t *size)
{
	struct sock *s = f->priv;
	struct abi_timeval tv;
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (opt) {
	case SO_LINGER: {
		struct abi_linger l = {SOCK_OPT(s, linger_on), SOCK_OPT(s, linger_time)};
		return answer(buf, size, &l, sizeof l);
	}
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		tv = timeout_tell(opt == SO_RCVTIMEO ? SOCK_OPT(s, rcvtimeo)
						     : SOCK_OPT(s, sndtimeo));
		return answer(buf, size, &tv, sizeof tv);
	case SO_PEERCRED:
		return get_peercred(s, by, buf, size);
	case SO_PEERGROUPS:
		return get_peergroups(s, by, buf, size);
	case SO_PEERNAME:
		return get_peername(f, buf, size);
	case SO_BINDTODEVICE:
	case SO_ATTACH_FILTER:
		/* No device, no filter: nothing to tell. */
		*size = 0;
		return 0;
	case SO_COOKIE:
		return *size < sizeof s->cookie ? -EINVAL
						: answer(buf, size, &s->cookie, sizeof s->cookie);
	}
	int err = get_int(s, opt, &v);
	return err < 0 ? err : answer(buf, size, &v, sizeof v);
}
