/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the gofer and the packets on them.
 *
 * Invariants
 *  1. A connection is used by one thread at a time: its bit in `idle` is clear.
 *  2. A connection goes back to the pool only between two exchanges, so the
 *     next packet read from it is always the first of the reply to its request.
 *  3. `dead` never becomes false.  Who waits for a connection is woken by it.
 *
 * The host's socket structures are needed here because host_recvmsg takes them;
 * nothing of them leaves this file.
 */
#include "sentry/fs/gofer/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "platform/base/cleanup.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/host.h"

enum { CONNS_MAX = 64 };

struct conn {
	int fd;		 /* I */
	uint32_t seq;	 /* owner of the connection */
	uint8_t *packet; /* owner; GOFER_PACKET_MAX bytes */
};

struct gofer {
	struct ref ref;	      /* a: the maker's, and one of each file system */
	struct lock lock;     /* RANK_GOFER */
	pthread_cond_t freed; /* l: a bit of idle was set, or dead */
	uint64_t idle;	      /* l: bit i: conns[i] is free */
	uint64_t asked;	      /* l */
	bool dead;	      /* l */
	size_t count;	      /* I */
	struct conn conns[CONNS_MAX];
};

int gofer_client_new(const int *conn_fds, size_t n, struct gofer **out)
{
	if (n == 0 || n > CONNS_MAX)
		return -EINVAL;
	struct gofer *g = calloc(1, sizeof *g);
	if (!g)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		g->conns[i].packet = malloc(GOFER_PACKET_MAX);
		if (!g->conns[i].packet)
			goto undo_packets;
	}
	for (size_t i = 0; i < n; i++)
		g->conns[i].fd = conn_fds[i];
	ref_init(&g->ref);
	lock_init(&g->lock, RANK_GOFER);
	pthread_cond_init(&g->freed, NULL);
	g->idle = n == 64 ? UINT64_MAX : (1ull << n) - 1;
	g->count = n;
	*out = g;
	return 0;

undo_packets:
	for (size_t i = 0; i < n; i++)
		free(g->conns[i].packet);
	free(g);
	return -ENOMEM;
}

struct gofer *gofer_client_get(struct gofer *g)
{
	ref_get(&g->ref);
	return g;
}

uint64_t gofer_client_asked(struct gofer *g)
{
	lock(&g->lock);
	uint64_t asked = g->asked;
	unlock(&g->lock);
	return asked;
}

void gofer_client_free(struct gofer *g)
{
	if (!g || !ref_put(&g->ref))
		return;
	uint64_t all = g->count == 64 ? UINT64_MAX : (1ull << g->count) - 1;
	assert(g->idle == all || g->dead);
	for (size_t i = 0; i < g->count; i++) {
		host_close(g->conns[i].fd);
		free(g->conns[i].packet);
	}
	pthread_cond_destroy(&g->freed);
	pthread_mutex_destroy(&g->lock.mutex);
	free(g);
}

/* The lowest free one: few connections stay warm, the others are never touched. */
static struct conn *conn_get(struct gofer *g)
{
	struct conn *c = NULL;
	lock(&g->lock);
	while (!g->dead && g->idle == 0)
		pthread_cond_wait(&g->freed, &g->lock.mutex);
	if (!g->dead) {
		unsigned i = (unsigned)__builtin_ctzll(g->idle);
		g->idle &= g->idle - 1;
		g->asked++;
		c = &g->conns[i];
	}
	unlock(&g->lock);
	return c;
}

static void conn_put(struct gofer *g, struct conn *c, bool broken)
{
	lock(&g->lock);
	g->idle |= 1ull << (c - g->conns);
	if (broken) {
		g->dead = true;
		pthread_cond_broadcast(&g->freed);
	} else {
		pthread_cond_signal(&g->freed);
	}
	unlock(&g->lock);
}

bool wire_attr_valid(const struct gofer_attr *a)
{
	switch (a->mode & 0170000) {
	case 0010000:
	case 0020000:
	case 0040000:
	case 0060000:
	case 0100000:
	case 0120000:
	case 0140000:
		break;
	default:
		return false;
	}
	return a->flags <= GOFER_LOWER && a->mode <= 0177777 && a->nlink <= UINT32_MAX && a->uid <= UINT32_MAX &&
	       a->gid <= UINT32_MAX && a->size <= INT64_MAX && a->blksize <= UINT32_MAX &&
	       a->blocks <= INT64_MAX && a->atime_nsec < 1000000000 && a->mtime_nsec < 1000000000 &&
	       a->ctime_nsec < 1000000000 && a->btime_nsec < 1000000000;
}

static int send_request(struct conn *conn, struct wire_call *c)
{
	struct gofer_req *r = &c->req;
	size_t path = c->path ? strlen(c->path) : 0, name = c->name ? strlen(c->name) : 0;
	if (path > GOFER_PATH_MAX || name > GOFER_PATH_MAX)
		return -ENAMETOOLONG;
	if (c->data_size > GOFER_XATTR_MAX ||
	    sizeof *r + path + name + c->data_size > GOFER_PACKET_MAX)
		return -E2BIG;
	r->magic = GOFER_MAGIC;
	r->seq = ++conn->seq;
	r->path_size = (uint32_t)path;
	r->name_size = (uint32_t)name;
	r->data_size = (uint32_t)c->data_size;
	struct iovec iov[4] = {
		{.iov_base = r, .iov_len = sizeof *r},
		{.iov_base = (void *)(uintptr_t)c->path, .iov_len = path},
		{.iov_base = (void *)(uintptr_t)c->name, .iov_len = name},
		{.iov_base = (void *)(uintptr_t)c->data, .iov_len = c->data_size},
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 4};
	if (c->give) {
		msg.msg_control = ctl.space;
		msg.msg_controllen = sizeof ctl.space;
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), c->give, sizeof(int));
	}
	return host_sendmsg(conn->fd, &msg, MSG_NOSIGNAL) < 0 ? -EIO : 0;
}

/* What came with a packet: closed by packet_drop() unless somebody took it. */
struct packet_fds {
	int fds[GOFER_MANY_MAX];
	size_t n;
	bool cut; /* the host has dropped some */
};

static void packet_drop(struct packet_fds *p)
{
	for (size_t i = 0; i < p->n; i++)
		host_close(p->fds[i]);
	p->n = 0;
}

/* False if there were more than anybody may send. */
static bool take_fds(struct msghdr *msg, struct packet_fds *out)
{
	bool all = true;
	out->n = 0;
	out->cut = msg->msg_flags & MSG_CTRUNC;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= m->cmsg_len; at += sizeof(int)) {
			int fd;
			memcpy(&fd, (char *)m + at, sizeof fd);
			if (out->n < GOFER_MANY_MAX) {
				out->fds[out->n++] = fd;
				continue;
			}
			host_close(fd);
			all = false;
		}
	}
	return all;
}

/* As many descriptors as the header and the caller say. */
static bool fds_valid(const struct wire_call *c, const struct gofer_rep *rep,
		      const struct packet_fds *p)
{
	bool some = rep->flags & GOFER_FD;
	if (!c->fds)
		return !p->cut && p->n == some;
	return some ? p->n > 0 || p->cut : p->n == 0 && !p->cut;
}

/* One packet, header checked and copied to *rep; what is in *fds is the caller's. */
static int receive_packet(struct conn *conn, const struct wire_call *c, struct gofer_rep *rep,
			  struct packet_fds *fds)
{
	const struct gofer_req *req = &c->req;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(GOFER_MANY_MAX * sizeof(int))];
	} ctl;
	struct iovec iov = {.iov_base = conn->packet, .iov_len = GOFER_PACKET_MAX};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.space,
		.msg_controllen = sizeof ctl.space,
	};
	fds->n = 0;
	ssize_t n = host_recvmsg(conn->fd, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -EIO;
	if (!take_fds(&msg, fds) || (size_t)n < sizeof *rep || (msg.msg_flags & MSG_TRUNC))
		return -EIO;
	memcpy(rep, conn->packet, sizeof *rep);
	if (rep->magic != GOFER_MAGIC || rep->seq != req->seq || rep->op != req->op ||
	    rep->zero != 0 || (rep->flags & ~(GOFER_MORE | GOFER_FD)) ||
	    rep->size != (size_t)n - sizeof *rep || rep->status > 0 || rep->status < -4095 ||
	    !fds_valid(c, rep, fds))
		return -EIO;
	/* An error says nothing else, and ends the reply. */
	if (rep->status < 0 && (rep->flags || rep->size || rep->total))
		return -EIO;
	return 0;
}

/* What only the first packet of a successful reply brings. */
static int take_first(struct wire_call *c, const struct gofer_rep *rep, struct packet_fds *fds)
{
	if ((!c->fds && (fds->n > 0) != c->want_fd) ||
	    (c->want_attr && !wire_attr_valid(&rep->attr)))
		return -EIO;
	c->attr = rep->attr;
	c->total = rep->total;
	if (c->fds) {
		memcpy(c->fds, fds->fds, fds->n * sizeof *fds->fds);
		c->nfds = fds->n;
	} else if (fds->n > 0) {
		c->fd = fds->fds[0];
	}
	fds->n = 0;
	return 0;
}

/* The later ones go on with the body and nothing else, or end it with an error. */
static int receive_reply(struct conn *conn, struct wire_call *c, int *out_status)
{
	static const struct gofer_attr none;
	struct gofer_rep rep;
	bool first = true;
	int err;

	do {
		__attribute__((cleanup(packet_drop))) struct packet_fds fds;
		if ((err = receive_packet(conn, c, &rep, &fds)) < 0)
			return err;
		*out_status = rep.status;
		if (rep.status < 0)
			return 0;
		if ((!c->want_attr || !first) && memcmp(&rep.attr, &none, sizeof none) != 0)
			return -EIO;
		if (first && (err = take_first(c, &rep, &fds)) < 0)
			return err;
		if (fds.n > 0 || rep.total != c->total)
			return -EIO;
		/* An empty packet in between would let a reply go on for ever. */
		if (rep.size == 0 && (rep.flags & GOFER_MORE))
			return -EIO;
		if (rep.size > 0 &&
		    (!c->body || c->body(c->arg, conn->packet + sizeof rep, rep.size) < 0))
			return -EIO;
		first = false;
	} while (rep.flags & GOFER_MORE);
	return 0;
}

int wire_call(struct gofer *g, struct wire_call *c)
{
	int status = -EIO;
	c->fd = -1;
	c->nfds = 0;
	struct conn *conn = conn_get(g);
	if (!conn)
		return -EIO;
	int err = send_request(conn, c);
	/* Refused here before anything was sent: the connection is as good as before. */
	bool broken = err == -EIO;
	if (err == 0) {
		err = receive_reply(conn, c, &status);
		broken = err < 0;
	}
	conn_put(g, conn, broken);
	if (err == 0 && status == 0)
		return 0;
	host_close(c->fd);
	c->fd = -1;
	return err < 0 ? err : status;
}
