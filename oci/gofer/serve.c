/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and packets.
 *
 * One thread a connection, asleep in recvmsg when there is nothing to do.  The
 * threads are made before the seccomp filter is loaded, each loads it for
 * itself (prctl, for hosts before 3.17 have no way to do it for all), and the
 * first request is read when all have.  For the same reason no thread ever
 * ends under the filter: one whose connection has closed waits for the others,
 * and the last one ends the process.
 */
#include "oci/gofer/private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/image.h"
#include "platform/base/types.h"

enum { STACK_SIZE = 256 * 1024 };

static int conn_emit(struct worker *w, const struct gofer_rep *rep, const void *body,
		     const int *fds, size_t nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(GOFER_MANY_MAX * sizeof(int))];
	} ctl;
	struct iovec iov[2] = {
		{.iov_base = (void *)(uintptr_t)rep, .iov_len = sizeof *rep},
		{.iov_base = (void *)(uintptr_t)body, .iov_len = rep->size},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	if (nfds > 0) {
		memset(&ctl, 0, sizeof ctl);
		msg.msg_control = ctl.space;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof *fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof *fds);
		memcpy(CMSG_DATA(c), fds, nfds * sizeof *fds);
	}
	ssize_t n;
	do
		n = sendmsg(w->conn, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int packet_send(struct worker *w, uint16_t flags, const void *body, size_t size)
{
	assert(size + sizeof w->rep <= GOFER_PACKET_MAX);
	w->rep.flags = flags;
	w->rep.size = (uint32_t)size;
	int err = w->emit(w, &w->rep, body, w->fds, flags & GOFER_FD ? w->nfds : 0);
	w->rep.attr = (struct gofer_attr){0};
	return err;
}

int gofer_reply_more(struct worker *w, const void *body, size_t size)
{
	return packet_send(w, GOFER_MORE, body, size);
}

void gofer_reply_fd(struct worker *w, int fd)
{
	assert(w->nfds < GOFER_MANY_MAX);
	w->fds[w->nfds++] = fd;
}

static int reply(struct worker *w)
{
	const uint8_t *body = w->body;
	int err;

	if (w->rep.status < 0) {
		w->rep.attr = (struct gofer_attr){0};
		w->rep.total = 0;
		return packet_send(w, 0, NULL, 0);
	}
	for (; w->body_size > GOFER_CHUNK; w->body_size -= GOFER_CHUNK, body += GOFER_CHUNK)
		if ((err = gofer_reply_more(w, body, GOFER_CHUNK)) < 0)
			return err;
	return packet_send(w, w->nfds > 0 ? GOFER_FD : 0, body, w->body_size);
}

int gofer_reply(struct worker *w)
{
	int err = reply(w);
	for (size_t i = 0; i < w->nfds && !w->keep_fd; i++)
		close(w->fds[i]);
	w->nfds = 0;
	return err;
}

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* The connection is gone; see the top of the file. */
static void worker_end(struct worker *w)
{
	close(w->conn);
	if (__atomic_sub_fetch(&w->s->live, 1, __ATOMIC_ACQ_REL) == 0 && w->s->confined)
		_exit(0);
	while (w->s->confined)
		futex_wait(&w->s->live, __atomic_load_n(&w->s->live, __ATOMIC_ACQUIRE));
}

/* There is room for one; the kernel drops what else was sent, and says so (MSG_CTRUNC). */
static int given_fd(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void worker_serve(struct worker *w)
{
	for (;;) {
		union {
			struct cmsghdr align;
			char space[CMSG_LEN(sizeof(int))];
		} ctl;
		struct iovec iov = {.iov_base = w->in, .iov_len = sizeof w->in};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = &ctl,
				     .msg_controllen = sizeof ctl.space};
		ssize_t n = recvmsg(w->conn, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		autoclose int given = given_fd(&msg);
		bool whole = !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
		if (gofer_handle(w, whole ? (size_t)n : 0, given) < 0)
			return;
	}
}

struct team {
	struct server s;
	pthread_barrier_t ready;
	size_t count;
	pthread_t *threads;
	struct worker *workers;
};

/* A thread that cannot lock itself up must not serve, nor let the others. */
static void team_enter(struct team *t)
{
	if (gofer_filter_enter(&t->s) < 0)
		_exit(1);
	pthread_barrier_wait(&t->ready);
}

struct thread_arg {
	struct team *team;
	struct worker *worker;
};

static void *thread_main(void *p)
{
	struct thread_arg a = *(struct thread_arg *)p;
	free(p);
	team_enter(a.team);
	worker_serve(a.worker);
	worker_end(a.worker);
	return NULL;
}

static int thread_start(struct team *t, size_t i, const pthread_attr_t *attr)
{
	struct thread_arg *a = malloc(sizeof *a);
	if (!a)
		return -ENOMEM;
	*a = (struct thread_arg){.team = t, .worker = &t->workers[i]};
	int err = pthread_create(&t->threads[i], attr, thread_main, a);
	if (err)
		free(a);
	return -err;
}

/*
 * The calling thread serves connection 0 itself.  If a thread cannot be made,
 * those already there wait at the barrier until the caller ends the process.
 */
static int team_run(struct team *t)
{
	pthread_attr_t attr;
	int err = 0;
	pthread_barrier_init(&t->ready, NULL, (unsigned)t->count);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (size_t i = 1; i < t->count && err == 0; i++)
		err = thread_start(t, i, &attr);
	pthread_attr_destroy(&attr);
	if (err < 0)
		return err;
	image_forget(); /* what compiled the filter; with it loaded there is no call for that */
	team_enter(t);
	worker_serve(&t->workers[0]);
	worker_end(&t->workers[0]);
	for (size_t i = 1; i < t->count; i++)
		pthread_join(t->threads[i], NULL);
	pthread_barrier_destroy(&t->ready);
	return 0;
}

static int team_confine(struct server *s, const struct gofer_config *cfg)
{
	int err = gofer_confine_tree(s);
	if (err == 0)
		err = gofer_confine_close(s, cfg);
	if (err == 0)
		err = gofer_confine_rights(s, cfg->die_with_parent);
	if (err == 0)
		err = gofer_filter_build(s);
	return err;
}

int gofer_serve(const struct gofer_config *cfg)
{
	/* Never freed once threads exist and one of them failed: they may still look at it. */
	struct team *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->count = cfg->nconns;
	t->threads = calloc(cfg->nconns, sizeof *t->threads);
	t->workers = calloc(cfg->nconns, sizeof *t->workers);
	int err = t->threads && t->workers ? gofer_init(&t->s, cfg) : -ENOMEM;
	for (size_t i = 0; err == 0 && i < cfg->nconns; i++) {
		t->workers[i].s = &t->s;
		t->workers[i].conn = cfg->conns[i];
		t->workers[i].emit = conn_emit;
	}
	if (err == 0 && cfg->confine)
		err = team_confine(&t->s, cfg);
	if (err == 0 && (err = team_run(t)) < 0)
		return err;
	gofer_fini(&t->s);
	free(t->threads);
	free(t->workers);
	free(t);
	return err;
}
