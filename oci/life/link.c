/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open	      434
#endif

enum { ANSWER_SECONDS = 60, BACKLOG = 64 };

static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

/*
 * The name is relative: the directory's own may be longer than an address
 * holds.  Hence a change of directory, undone at once; there are no threads.
 */
static int in_dir(const struct state_dir *d, int fd,
		  int (*call)(int fd, const struct sockaddr *a, socklen_t size))
{
	autoclose int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fchdir(d->fd) < 0)
		return -errno;
	int err = call(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
	if ((back < 0 || fchdir(back) < 0) && chdir("/") < 0)
		return -errno;
	return err;
}

int link_listen(const struct state_dir *d)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 ? -errno : in_dir(d, fd, bind);
	if (err == 0 && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err < 0 && fd >= 0)
		close(fd);
	return err < 0 ? err : fd;
}

int link_accept(int listener)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0))
		return fd;
	close(fd);
	return -EPERM;
}

int link_connect(const struct state_dir *d, struct link *out)
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	struct ucred peer = {0};
	socklen_t size = sizeof peer;
	*out = (struct link){.fd = -1};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	int err = in_dir(d, fd, connect);
	if (err < 0)
		return err == -ENOENT ? -ECONNREFUSED : err;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	out->pid = peer.pid;
	out->fd = STEAL_FD(fd);
	return 0;
}

void link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* What became of sending and receiving, and what was received. */
static int judge(const struct link *l, int err, const struct control_msg *reply, struct error *e)
{
	if (err == -EPIPE || err == -ECONNRESET)
		return error_set(e, -EPIPE, "container not running: it ended meanwhile");
	if (err == -EAGAIN)
		return error_set(e, -ETIMEDOUT,
				 "the container's host process %d does not answer: "
				 "is it stopped?",
				 (int)l->pid);
	if (err == 0 && reply->kind != CONTROL_DONE && reply->kind != CONTROL_ERROR)
		err = -EPROTO;
	if (err < 0)
		return error_set(e, err,
				 "no word with the container's host process %d: %s (of "
				 "another version?)",
				 (int)l->pid, strerror(-err));
	if (reply->kind == CONTROL_ERROR)
		return error_set(e, reply->sig < 0 ? reply->sig : -EIO, "%s", reply->text);
	return 0;
}

int link_hear(const struct link *l, struct control_msg *reply, struct error *e)
{
	return judge(l, control_recv(l->fd, reply), reply, e);
}

int link_ask(const struct link *l, const struct control_msg *m, struct control_msg *reply,
	     struct error *e)
{
	int err = control_send(l->fd, m);
	return judge(l, err == 0 ? control_recv(l->fd, reply) : err, reply, e);
}

int link_wait(const struct link *l, unsigned seconds)
{
	struct pollfd p = {.fd = l->fd};
	int n;
	do
		n = poll(&p, 1, (int)seconds * 1000);
	while (n < 0 && errno == EINTR);
	return n == 0 ? -ETIMEDOUT : 0;
}

/* A pidfd taken while the connection stands is the process': its number cannot be another's. */
int link_kill(const struct link *l)
{
	struct pollfd p = {.fd = l->fd};
	autoclose int fd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
		return 0;
	if (l->pid <= 1)
		return -ESRCH;
	long r = fd >= 0 ? syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0)
			 : kill(l->pid, SIGKILL);
	return r < 0 ? -errno : 0;
}
