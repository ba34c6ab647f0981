/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/control.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "oci/layer/stream.h"
#include "oci/life/member.h"
#include "oci/life/session.h"
#include "oci/thread.h"
#include "platform/host.h"
#include "sentry/boot/boot.h"

int control_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int control_send_fds(int fd, const struct control_msg *m, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
	} rights = {.head = {.cmsg_len = CMSG_LEN(n * sizeof(int)),
			     .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)m, .iov_len = sizeof *m};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n > CONTROL_FDS)
		return -E2BIG;
	if (n > 0) {
		memcpy(CMSG_DATA(&rights.head), fds, n * sizeof *fds);
		msg.msg_control = &rights;
		msg.msg_controllen = CMSG_SPACE(n * sizeof *fds);
	}
	ssize_t r = host_sendmsg(fd, &msg, 0);
	return r < 0 ? (int)r : 0;
}

int control_send(int fd, const struct control_msg *m)
{
	return control_send_fds(fd, m, NULL, 0);
}

int control_tell(int fd, enum control_kind kind, int sig)
{
	struct control_msg m = {.kind = kind, .sig = sig};
	return control_send(fd, &m);
}

static size_t take_fds(struct msghdr *msg, int *fds)
{
	size_t count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (count < CONTROL_FDS)
				fds[count++] = fd;
			else
				host_close(fd);
		}
	}
	return count;
}

void control_close(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		host_close(fds[i]);
}

int control_recv_fds(int fd, struct control_msg *m, int *fds, size_t *out_n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
	} rights;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof *m};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights,
			     .msg_controllen = sizeof rights};
	ssize_t n;
	/*
	 * ECONNRESET, once: the other end was closed with something unread in it.  What it sent
	 * before, its last words, is still there.
	 */
	do
		n = host_recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n == -EINTR || n == -ECONNRESET);
	*out_n = 0;
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	*out_n = take_fds(&msg, fds);
	if (n == sizeof *m && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		m->text[sizeof m->text - 1] = '\0';
		return 0;
	}
	control_close(fds, *out_n);
	*out_n = 0;
	return -EPROTO;
}

int control_recv(int fd, struct control_msg *m)
{
	int fds[CONTROL_FDS];
	size_t n;
	int err = control_recv_fds(fd, m, fds, &n);
	control_close(fds, n);
	return err;
}

static void deliver(struct boot_container *c, const struct control_msg *m)
{
	if (m->foreground == TO_ALL)
		boot_signal_all(c, m->sig);
	else
		boot_signal(c, m->sig, m->foreground == TO_FOREGROUND);
}

static void limit(struct boot_container *c, const struct control_msg *m)
{
	struct limits l;
	_Static_assert(sizeof l < sizeof m->text, "it fits");
	memcpy(&l, m->text, sizeof l);
	boot_limit(c, &l);
}

static void *pause_first(void *arg)
{
	control_tell(*(int *)arg, CONTROL_PAUSED, boot_pause(boot_first, /*on=*/true));
	return NULL;
}

/*
 * A hostile guest can make it take long.  Where that would keep a kill of other containers from
 * being heard, it has a thread of its own.
 */
static void pause_container(int fd, struct boot_container *c)
{
	static int first;
	int err;
	if (c != boot_first) {
		control_tell(fd, CONTROL_PAUSED, boot_pause(c, /*on=*/true));
		return;
	}
	first = fd;
	if ((err = thread_start(pause_first, &first)) < 0)
		control_tell(fd, CONTROL_PAUSED, err);
}

void control_obey(int fd, struct boot_container *c, const struct control_msg *m, const int *fds, size_t n)
{
	if (m->kind == CONTROL_EXEC) {
		session_start(c, fds, n);
		return;
	}
	if (m->kind == CONTROL_CHANGES) {
		stream_start(c, m, fds, n);
		return;
	}
	if (m->kind == CONTROL_JOIN && c == boot_first) {
		member_start(m, fds, n);
		return;
	}
	if (m->kind == CONTROL_ZYGOTE && c == boot_first && n > 1)
		boot_zygote(fds[1]); /* else the other end hears that nobody has this one */
	control_close(fds, n);
	if (m->kind == CONTROL_SIGNAL && m->sig > 0 && m->sig <= 64)
		deliver(c, m);
	else if (m->kind == CONTROL_START)
		boot_go(c);
	else if (m->kind == CONTROL_LIMIT)
		limit(c, m);
	else if (m->kind == CONTROL_PAUSE)
		pause_container(fd, c);
	else if (m->kind == CONTROL_RESUME)
		boot_pause(c, /*on=*/false);
	else if (m->kind == CONTROL_JOB && c == boot_first)
		boot_job(m->foreground & JOB_AWAY, m->foreground & JOB_ORPHANED);
}

/* Ends with the process: a CLI that has gone takes us along. */
static void *listen_main(void *arg)
{
	int fd = *(int *)arg;
	int fds[CONTROL_FDS];
	struct control_msg m;
	size_t n;
	while (control_recv_fds(fd, &m, fds, &n) == 0)
		control_obey(fd, boot_first, &m, fds, n);
	return NULL;
}

static void *watch_main(void *arg)
{
	int fd = *(int *)arg;
	struct control_msg m = {.kind = CONTROL_STOPPED};
	while ((m.sig = boot_watch()) != 0 && control_send(fd, &m) == 0)
		;
	return NULL;
}

int control_start(int fd)
{
	static int control;
	control = fd;
	int err = thread_start(listen_main, &control);
	return err < 0 ? err : thread_start(watch_main, &control);
}
