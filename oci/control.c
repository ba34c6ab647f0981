/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "platform/host.h"
#include "sentry/boot/boot.h"

enum { STACK_SIZE = 256 * 1024 };

int control_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int control_send(int fd, const struct control_msg *m)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)m, .iov_len = sizeof *m};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = host_sendmsg(fd, &msg, 0);
	return n < 0 ? (int)n : 0;
}

int control_tell(int fd, enum control_kind kind, int sig)
{
	struct control_msg m = {.kind = kind, .sig = sig};
	return control_send(fd, &m);
}

int control_recv(int fd, struct control_msg *m)
{
	struct iovec iov = {.iov_base = m, .iov_len = sizeof *m};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;
	/*
	 * ECONNRESET, once: the other end was closed with something unread in it.  What it sent
	 * before, its last words, is still there.
	 */
	do
		n = host_recvmsg(fd, &msg, 0);
	while (n == -EINTR || n == -ECONNRESET);
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	if (n != sizeof *m || (msg.msg_flags & MSG_TRUNC))
		return -EPROTO;
	m->text[sizeof m->text - 1] = '\0';
	return 0;
}

static void deliver(const struct control_msg *m)
{
	if (m->foreground == TO_ALL)
		boot_signal_all(m->sig);
	else
		boot_signal(m->sig, m->foreground == TO_FOREGROUND);
}

static void limit(const struct control_msg *m)
{
	struct limits l;
	_Static_assert(sizeof l < sizeof m->text, "it fits");
	memcpy(&l, m->text, sizeof l);
	boot_limit(&l);
}

/* Ends with the process: a CLI that has gone takes us along. */
static void *listen_main(void *arg)
{
	int fd = *(int *)arg;
	struct control_msg m;
	while (control_recv(fd, &m) == 0) {
		if (m.kind == CONTROL_SIGNAL && m.sig > 0 && m.sig <= 64)
			deliver(&m);
		else if (m.kind == CONTROL_START)
			boot_go();
		else if (m.kind == CONTROL_LIMIT)
			limit(&m);
		else if (m.kind == CONTROL_JOB)
			boot_job(m.foreground & JOB_AWAY, m.foreground & JOB_ORPHANED);
	}
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
	pthread_attr_t attr;
	pthread_t thread;
	control = fd;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	int err = pthread_create(&thread, &attr, listen_main, &control);
	if (err == 0)
		err = pthread_create(&thread, &attr, watch_main, &control);
	pthread_attr_destroy(&attr);
	return -err;
}
