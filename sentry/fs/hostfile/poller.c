/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread that sleeps in ppoll over the descriptors somebody waits for.
 *
 * A descriptor is armed for one wake-up.  Waiters look again, by ops->poll,
 * and that arms it anew if they go on waiting, so an abandoned descriptor costs
 * one wake-up at most.  A byte through a socket pair tells the thread that the
 * set has changed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "platform/host.h"
#include "sentry/fs/hostfile/private.h"

static struct lock poller = LOCK_INIT(RANK_POLLER);
static struct list armed = LIST_INIT(armed); /* poller */
static size_t armed_count;		     /* poller */
static bool running, stopping;		     /* poller */
static int kick_fd[2] = {-1, -1};	     /* I once running: [0] is written, [1] read */
static pthread_t thread;

static void kick(void)
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	/* A full buffer means that a kick is under way already. */
	host_sendmsg(kick_fd[0], &msg, MSG_DONTWAIT);
}

static void kick_drain(void)
{
	char bytes[64];
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	while (host_recvmsg(kick_fd[1], &msg, MSG_DONTWAIT) == (ssize_t)sizeof bytes)
		;
}

/* Takes h out; the reference becomes the caller's. */
static void disarm_locked(struct hostfile *h)
{
	list_del(&h->armed);
	armed_count--;
}

/* The set as pollfds, the kick first; who is who in *out_who. */
static size_t collect(struct pollfd **out_fds, struct hostfile ***out_who)
{
	lock(&poller);
	size_t n = 0, size = armed_count + 1;
	struct pollfd *fds = calloc(size, sizeof *fds);
	struct hostfile **who = calloc(size, sizeof(struct hostfile *)), *h;
	if (fds && who) {
		fds[n++] = (struct pollfd){.fd = kick_fd[1], .events = POLLIN};
		list_for_each (h, &armed, armed) {
			who[n] = h;
			fds[n++] = (struct pollfd){.fd = h->fd, .events = h->events};
		}
	}
	unlock(&poller);
	*out_fds = fds;
	*out_who = who;
	return n;
}

/* h may have gone meanwhile: only its address is compared. */
static bool fired(struct hostfile *h)
{
	struct hostfile *a;
	bool found = false;
	lock(&poller);
	list_for_each (a, &armed, armed) {
		if (a == h) {
			found = true;
			break;
		}
	}
	if (found)
		disarm_locked(h);
	unlock(&poller);
	return found;
}

static bool turn(void)
{
	autofree struct pollfd *fds = NULL;
	autofree struct hostfile **who = NULL;
	size_t n = collect(&fds, &who);
	/* Without memory for the set: again in a moment. */
	host_poll(fds, n, n > 0 ? -1 : NSEC_PER_SEC / 100);
	if (n > 0 && fds[0].revents)
		kick_drain();
	for (size_t i = 1; i < n; i++) {
		if (!fds[i].revents || !fired(who[i]))
			continue;
		/* POLL* and EPOLL* are the same bits. */
		waitq_wake(&who[i]->wq, (uint32_t)(unsigned short)fds[i].revents);
		inode_put(who[i]->inode);
	}
	lock(&poller);
	bool more = !stopping;
	unlock(&poller);
	return more;
}

static void *poller_main(void *arg)
{
	while (turn())
		;
	return arg;
}

static int start_locked(void)
{
	if (running)
		return 0;
	int err = kick_fd[0] < 0 ? host_socketpair(SOCK_STREAM, kick_fd) : 0;
	if (err < 0)
		return err;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024); /* thread-local storage counts too */
	err = pthread_create(&thread, &attr, poller_main, NULL);
	pthread_attr_destroy(&attr);
	running = err == 0;
	return err ? -ENOMEM : 0;
}

int poller_arm(struct hostfile *h, short events)
{
	lock(&poller);
	int err = start_locked();
	bool in = !list_empty(&h->armed), news = !in || (events & ~h->events);
	if (err == 0) {
		if (!in) {
			inode_get(h->inode);
			list_append(&armed, &h->armed);
			armed_count++;
			h->events = 0;
		}
		h->events |= events;
	}
	unlock(&poller);
	if (err == 0 && news)
		kick();
	return err;
}

void poller_disarm(struct hostfile *h)
{
	lock(&poller);
	bool in = !list_empty(&h->armed);
	if (in)
		disarm_locked(h);
	unlock(&poller);
	if (in) {
		kick();
		inode_put(h->inode);
	}
}

void hostfile_shutdown(void)
{
	lock(&poller);
	bool join = running;
	stopping = true;
	unlock(&poller);
	if (!join)
		return;
	kick();
	pthread_join(thread, NULL);
	lock(&poller);
	running = stopping = false;
	unlock(&poller);
	host_close(kick_fd[0]);
	host_close(kick_fd[1]);
	kick_fd[0] = kick_fd[1] = -1;
}
