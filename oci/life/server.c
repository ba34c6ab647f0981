/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/life/link.h"
#include "oci/life/view.h"

static void answer_error(int fd, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void answer_error(int fd, int err, const char *fmt, ...)
{
	struct control_msg m = {.kind = CONTROL_ERROR, .sig = err, .foreground = EXIT_CONFIG};
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(m.text, sizeof m.text, fmt, ap);
	va_end(ap);
	control_send(fd, &m);
}

static void drop_client(struct server *s, int fd)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->clients[i] == fd)
			s->clients[i] = s->clients[--s->count];
	if (s->starter == fd)
		s->starter = -1;
	if (s->pauser == fd)
		s->pauser = -1;
	close(fd);
}

static void ask_start(struct server *s, int fd)
{
	if (s->status == STATE_CREATED && s->starter < 0) {
		s->starter = fd;
		server_start(s);
	} else if (s->status == STATE_STOPPED) {
		answer_error(fd, -ESRCH, "cannot start a container that has stopped");
	} else if (s->status == STATE_CREATING) {
		answer_error(fd, -EAGAIN, "cannot start a container that is still being created");
	} else {
		answer_error(fd, -EBUSY, "cannot start an already running container");
	}
}

static void ask_signal(struct server *s, int fd, const struct control_msg *m)
{
	if (s->status == STATE_STOPPED)
		answer_error(fd, -ESRCH, "container not running");
	else if (m->sig < 0 || m->sig > 64)
		answer_error(fd, -EINVAL, "there is no signal %d", m->sig);
	else if (m->sig != 0 && control_send(s->procs.control, m) < 0)
		answer_error(fd, -ESRCH, "container not running");
	else
		control_tell(fd, CONTROL_DONE, 0);
}

static void pause_inside(struct server *s, int fd)
{
	if (control_tell(s->procs.control, CONTROL_PAUSE, 0) < 0) {
		answer_error(fd, -ESRCH, "container not running");
		return;
	}
	s->pauser = fd;
	s->pausing = true;
}

static void hear_paused(struct server *s, int err)
{
	s->pausing = false;
	s->inside = err == 0;
	if (err == 0)
		s->status = STATE_PAUSED;
	if (s->pauser >= 0 && err == 0)
		control_tell(s->pauser, CONTROL_DONE, 0);
	else if (s->pauser >= 0)
		answer_error(s->pauser, err, "the container cannot be paused: %s",
			     err == -ETIMEDOUT ? "a process of it does not let itself be stopped"
					       : strerror(-err));
	s->pauser = -1;
}

/*
 * With a freezer, who asks does it, for it can reach the cgroup; this process goes on, so that it
 * can answer.
 */
static void ask_pause(struct server *s, int fd, const struct control_msg *m)
{
	bool on = m->kind == CONTROL_PAUSE;
	if (s->status != (on ? STATE_RUNNING : STATE_PAUSED)) {
		answer_error(fd, -EINVAL, "container not %s", on ? "running" : "paused");
	} else if (s->pausing) {
		answer_error(fd, -EBUSY, "the container is being paused");
	} else if (on && (m->foreground & PAUSE_INSIDE)) {
		pause_inside(s, fd);
	} else {
		if (s->inside)
			control_tell(s->procs.control, CONTROL_RESUME, 0);
		s->inside = false;
		s->status = on ? STATE_PAUSED : STATE_RUNNING;
		control_tell(fd, CONTROL_DONE, 0);
	}
}

static void ask_limit(struct server *s, int fd, const struct control_msg *m)
{
	if (s->status == STATE_STOPPED || control_send(s->procs.control, m) < 0)
		answer_error(fd, -ESRCH, "container not running");
	else
		control_tell(fd, CONTROL_DONE, 0);
}

static void tell_state(const struct server *s, int fd)
{
	const struct control_msg m = {.kind = CONTROL_DONE,
				      .sig = (int)s->status,
				      .foreground = s->inside ? PAUSE_INSIDE : 0,
				      .sandbox = (uint32_t)s->procs.sandbox};
	control_send(fd, &m);
}

static void answer(struct server *s, int fd, const struct control_msg *m)
{
	switch (m->kind) {
	case CONTROL_STATE:
		tell_state(s, fd);
		return;
	case CONTROL_START:
		ask_start(s, fd);
		return;
	case CONTROL_LIMIT:
		ask_limit(s, fd, m);
		return;
	case CONTROL_PAUSE:
	case CONTROL_RESUME:
		ask_pause(s, fd, m);
		return;
	case CONTROL_SIGNAL:
		ask_signal(s, fd, m);
		return;
	default:
		answer_error(fd, -EPROTO,
			     "the container's host process does not know this "
			     "command: it is of another version of vedette");
	}
}

/* From here on the sentry speaks with it, and we have no part in that. */
static void pass_on(struct server *s, int fd, const struct control_msg *m, const int *more,
		    size_t n)
{
	int fds[CONTROL_FDS + 1] = {fd};
	memcpy(fds + 1, more, n * sizeof *more);
	if (fcntl(fd, F_SETFL, 0) < 0 || /* there a thread sleeps on it */
		 control_send_fds(s->procs.control, m, fds, n + 1) < 0)
		answer_error(fd, -ESRCH, "container not running");
	else
		drop_client(s, fd);
}

static void ask_enter(struct server *s, int fd, const struct control_msg *m, const int *more,
		      size_t n)
{
	const char *what = m->kind == CONTROL_EXEC ? "exec" : "put another container";
	if (s->status == STATE_STOPPED || s->status == STATE_CREATING)
		answer_error(fd, -ESRCH, "cannot %s in a stopped container", what);
	else if (s->status == STATE_PAUSED && !(m->foreground & EXEC_PAUSED))
		answer_error(fd, -EBUSY, "cannot %s in a paused container", what);
	else
		pass_on(s, fd, m, more, n);
}

static void ask_changes(struct server *s, int fd, const struct control_msg *m, const int *more,
			size_t n)
{
	if (s->status == STATE_STOPPED || s->status == STATE_CREATING)
		answer_error(fd, -ESRCH, "container not running");
	else if (s->status == STATE_PAUSED && !s->inside)
		answer_error(fd, -EBUSY,
			     "its changes are in the memory of a sandbox that is paused: resume it "
			     "first");
	else
		pass_on(s, fd, m, more, n);
}

static void hear_client(struct server *s, int fd)
{
	int fds[CONTROL_FDS];
	struct control_msg m;
	size_t n;
	int err = control_recv_fds(fd, &m, fds, &n);
	if (err == -EAGAIN)
		return;
	if (err < 0) {
		drop_client(s, fd);
		return;
	}
	if (m.kind == CONTROL_EXEC || m.kind == CONTROL_JOIN || m.kind == CONTROL_ZYGOTE)
		ask_enter(s, fd, &m, fds, n);
	else if (m.kind == CONTROL_CHANGES)
		ask_changes(s, fd, &m, fds, n);
	else
		answer(s, fd, &m);
	control_close(fds, n);
}

/* `create' was killed before its container was anybody's. */
static void lose_creator(struct server *s)
{
	const struct control_msg m = {.kind = CONTROL_SIGNAL, .sig = SIGKILL, .foreground = TO_ALL};
	s->creator = -1;
	s->over = true;
	if (s->procs.sentry)
		kill(s->procs.sentry, SIGKILL);
	else
		control_send(s->procs.control, &m);
}

static void hear_creator(struct server *s)
{
	struct control_msg m;
	int err = control_recv(s->creator, &m);
	if (err == -EAGAIN)
		return;
	if (err == 0 && m.kind == CONTROL_GO) {
		s->creator = -1;
		if (s->host >= 0)
			close(s->host);
		s->host = -1;
		return;
	}
	if (err == 0 && m.kind == CONTROL_ERROR && !s->e->msg[0])
		error_set(s->e, m.sig < 0 ? m.sig : -EIO, "%s", m.text);
	lose_creator(s);
}

static size_t want(void *arg, struct pollfd *fds)
{
	struct server *s = arg;
	size_t n = 0;
	fds[n++] = (struct pollfd){.fd = s->creator, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->count < SERVER_CLIENTS ? s->listener : -1,
				   .events = POLLIN};
	for (size_t i = 0; i < s->count; i++)
		fds[n++] = (struct pollfd){.fd = s->clients[i], .events = POLLIN};
	return n;
}

static void ready(void *arg, const struct pollfd *fds, size_t count)
{
	struct server *s = arg;
	if (fds[0].revents)
		hear_creator(s);
	for (size_t i = 2; i < count; i++)
		if (fds[i].revents)
			hear_client(s, fds[i].fd);
	if (fds[1].revents) {
		int fd = link_accept(s->listener);
		if (fd >= 0)
			s->clients[s->count++] = fd;
	}
}

static void message(void *arg, const struct control_msg *m)
{
	struct server *s = arg;
	if (m->kind == CONTROL_CREATED && s->status == STATE_CREATING) {
		s->status = STATE_CREATED;
		if (s->bundle && s->bundle->spec.ns[NS_MOUNT].listed)
			s->host = view_enter(s->bundle, s->procs.sandbox);
		if (s->creator >= 0)
			control_tell(s->creator, CONTROL_DONE, 0);
	} else if (m->kind == CONTROL_STARTED && s->status == STATE_CREATED) {
		s->status = STATE_RUNNING;
		if (s->starter >= 0)
			control_tell(s->starter, CONTROL_DONE, 0);
		s->starter = -1;
	} else if (m->kind == CONTROL_PAUSED && s->pausing) {
		hear_paused(s, m->sig);
	} else if (m->kind == CONTROL_EXIT) {
		s->status = STATE_STOPPED;
	}
}

void server_begin(struct server *s, int listener, int creator, const struct sandbox_procs *procs)
{
	*s = (struct server){.procs = *procs,
			     .listener = listener,
			     .creator = creator,
			     .host = -1,
			     .starter = -1,
			     .pauser = -1,
			     .status = STATE_CREATING};
	s->ops = (struct supervise_ops){.message = message, .want = want, .ready = ready, .arg = s};
	_Static_assert(SERVER_CLIENTS + 2 <= (int)SUPERVISE_ROOM, "all have their place");
}

void server_start(struct server *s)
{
	control_tell(s->procs.control, CONTROL_START, 0);
}

void server_end(struct server *s, int status, const struct error *e)
{
	if (s->starter >= 0) {
		struct control_msg m = {.kind = CONTROL_ERROR,
					.sig = e->err ? e->err : -ESRCH,
					.foreground = (uint32_t)status};
		snprintf(m.text, sizeof m.text, "%s",
			 e->msg[0] ? e->msg : "the container was killed before it ran");
		control_send(s->starter, &m);
	}
	for (size_t i = 0; i < s->count; i++)
		close(s->clients[i]);
	s->count = 0;
}
