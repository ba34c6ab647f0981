/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cli.h"
#include "oci/life/pack.h"
#include "oci/thread.h"
#include "platform/base/cleanup.h"
#include "platform/base/ref.h"
#include "platform/host.h"

struct session {
	struct ref ref;	       /* of the two threads */
	int fd;		       /* ours */
	struct boot_container *c; /* ours */
	struct boot_exec *x;   /* ours */
	struct boot_spec spec; /* until it runs */
	void *block;
};

static void session_put(struct session *s)
{
	if (!ref_put(&s->ref))
		return;
	if (s->x)
		boot_exec_put(s->x);
	boot_container_put(s->c);
	host_close(s->fd);
	free(s->block);
	free(s);
}

/* To the end of the connection: the host process has read the exit status, or is dead. */
static void *hear(void *arg)
{
	struct session *s = arg;
	struct control_msg m;
	while (control_recv(s->fd, &m) == 0)
		if (m.kind == CONTROL_SIGNAL && m.sig > 0 && m.sig <= 64)
			boot_exec_signal(s->x, m.sig, m.foreground == TO_FOREGROUND);
	boot_exec_signal(s->x, SIGKILL, /*foreground=*/false);
	session_put(s);
	return NULL;
}

static int status_of(int err)
{
	return err == -ENOENT || err == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}

static void fail(int fd, int err, const char *text)
{
	struct control_msg m = {.kind = CONTROL_ERROR, .sig = err};
	m.foreground = (uint32_t)status_of(err);
	strncpy(m.text, text, sizeof m.text - 1);
	control_send(fd, &m);
}

void session_fail(int fd, int err, const struct boot_error *be)
{
	struct control_msg m = {.kind = CONTROL_ERROR, .sig = err};
	m.foreground = (uint32_t)(be->exec ? status_of(err) : EXIT_INTERNAL);
	_Static_assert(sizeof m.text >= sizeof be->text, "it fits");
	strcpy(m.text, be->text);
	control_send(fd, &m);
}

static void *live(void *arg)
{
	struct session *s = arg;
	struct boot_error be = {.text = ""};
	int err = boot_exec(s->c, &s->spec, &s->x, &be);
	free(STEAL(s->block));
	if (err < 0) {
		fail(s->fd, err, be.text);
		session_put(s);
		return NULL;
	}
	control_tell(s->fd, CONTROL_STARTED, 0);
	ref_get(&s->ref);
	if (thread_start(hear, s) < 0) { /* then nobody could end it from outside */
		boot_exec_signal(s->x, SIGKILL, /*foreground=*/false);
		session_put(s);
	}
	control_tell(s->fd, CONTROL_EXIT, boot_exec_wait(s->x));
	session_put(s);
	return NULL;
}

void session_start(struct boot_container *c, const int *fds, size_t n)
{
	if (n < 2) {
		control_close(fds, n);
		return;
	}
	struct session *s = calloc(1, sizeof *s);
	int err = s ? pack_read(fds[1], fds + 2, n - 2, &s->spec, &s->block) : -ENOMEM;
	host_close(fds[1]);
	if (err == 0) {
		ref_init(&s->ref);
		s->c = boot_container_get(c);
		s->fd = fds[0];
		if ((err = thread_start(live, s)) < 0) {
			fail(s->fd, err, "no thread for another process");
			session_put(s);
			control_close(fds + 2, n - 2);
		}
		return;
	}
	fail(fds[0], err, "the description of a process is damaged");
	free(s);
	host_close(fds[0]);
	control_close(fds + 2, n - 2);
}
