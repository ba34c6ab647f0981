/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/zygote.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/life/join.h"
#include "oci/life/link.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/* A sentry that has been frozen meanwhile is not waited for without end. */
enum { ANSWER_SECONDS = 60 };

static int make_pair(int ends[2])
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	const int on = 1;
	int err = control_pair(ends);
	if (err < 0)
		return err;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0)
		return 0;
	err = -errno;
	close(ends[0]);
	close(ends[1]);
	return err;
}

/* Its first word, and who it is here. */
static int hear(int fd, int *out_pid, pid_t *out_host_pid)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} creds;
	uint64_t word = 0;
	struct ucred who;
	struct iovec iov = {.iov_base = &word, .iov_len = sizeof word};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &creds,
			     .msg_controllen = sizeof creds};
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n == sizeof word ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    (msg.msg_flags & MSG_CTRUNC))
		return n < 0 && errno == EAGAIN ? -ETIMEDOUT : -EPIPE;
	memcpy(&who, CMSG_DATA(c), sizeof who);
	*out_pid = (int)word;
	*out_host_pid = who.pid;
	/* 0: of a process that is in no pid namespace of ours. */
	return *out_pid > 0 && who.pid > 1 ? 0 : -ESRCH;
}

static int ask(const struct state_dir *own, const char *sandbox, int sock, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_ZYGOTE};
	struct link link;
	pid_t ignored;
	int err = join_connect(own, sandbox, &link, &ignored, e);
	if (err == 0 && (err = control_send_fds(link.fd, &m, &sock, 1)) < 0)
		error_set(e, err, "cannot speak to the sandbox %s: %s", sandbox, strerror(-err));
	link_close(&link);
	return err;
}

int zygote_make(struct zygote_link *out, const struct state_dir *own, const char *sandbox,
		const struct cgroup *c, bool must, struct error *e)
{
	int ends[2];
	pid_t pid = 0;
	*out = (struct zygote_link){.fd = -1};
	if (c->count == 0)
		return 0;
	int err = make_pair(ends);
	if (err < 0)
		return error_set(e, err, "no socket for the processes of a container: %s",
				 strerror(-err));
	err = ask(own, sandbox, ends[1], e);
	close(ends[1]);
	autoclose int fd = ends[0];
	if (err < 0)
		return err;
	if ((err = hear(fd, &out->pid, &pid)) < 0)
		return error_set(e, err, "the sandbox %s makes no processes for a container: %s",
				 sandbox, strerror(-err));
	err = cgroup_take(c, pid, e);
	if (err == 0) {
		out->fd = STEAL_FD(fd);
	} else if (!must) {
		log_warning("limits are shown inside, but those of the sandbox %s are enforced: %s",
			    sandbox, e->msg);
		*e = (struct error){.msg = ""};
		out->pid = err = 0;
	}
	return err;
}
