/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/member.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "oci/life/pack.h"
#include "oci/life/pack_container.h"
#include "oci/life/session.h"
#include "oci/sandbox.h"
#include "oci/thread.h"
#include "platform/base/cleanup.h"
#include "platform/base/ref.h"
#include "platform/host.h"
#include "sentry/fs/gofer/client.h"

enum { FDS = MEMBER_CONNS + GOFER_CONNS };

struct member {
	struct ref ref;		  /* of the two threads */
	int fd, alive;		  /* ours; alive: until nothing of it is left */
	struct boot_container *c; /* our reference */
	struct boot_spec spec;
	struct usage_files usage;
	void *process, *container; /* what spec is made of */
};

static void member_put(struct member *m)
{
	if (!ref_put(&m->ref))
		return;
	if (m->c)
		boot_container_put(m->c);
	host_close(m->fd);
	free(m);
}

/* To the end of the connection: the host process has read the exit status, or is dead. */
static void *hear(void *arg)
{
	struct member *m = arg;
	struct control_msg msg;
	int fds[CONTROL_FDS];
	size_t n;
	while (control_recv_fds(m->fd, &msg, fds, &n) == 0)
		control_obey(m->fd, m->c, &msg, fds, n);
	boot_signal_all(m->c, SIGKILL);
	member_put(m);
	return NULL;
}

/* Nothing of it is left, and who waits for that may know. */
static void give_back(struct member *m)
{
	gofer_client_free(STEAL(m->spec.gofer));
	host_close(m->alive);
	free(STEAL(m->process));
	free(STEAL(m->container));
}

static void run(struct member *m)
{
	struct boot_error be = {.text = ""};
	struct boot_container *c = m->c;
	control_tell(m->fd, CONTROL_CREATED, 0);
	int err = boot_start(c, &be);
	if (err < 0)
		session_fail(m->fd, err, &be);
	else
		control_tell(m->fd, CONTROL_STARTED, 0);
	int status = boot_part(c);
	give_back(m);
	if (err == 0)
		control_tell(m->fd, CONTROL_EXIT, status);
	boot_parted(c);
}

static void *live(void *arg)
{
	struct member *m = arg;
	struct boot_error be = {.text = ""};
	struct boot_container *c;
	int err = boot_join(&m->spec, &c, &be);
	if (c)
		m->c = boot_container_get(c);
	if (err < 0)
		session_fail(m->fd, err, &be);
	if (err == 0) {
		ref_get(&m->ref);
		if (thread_start(hear, m) < 0) { /* then nobody could end it from outside */
			boot_signal_all(c, SIGKILL);
			member_put(m);
		}
		run(m);
	} else if (c) {
		boot_start(c, &be);
		boot_part(c);
		give_back(m);
		boot_parted(c);
	} else {
		give_back(m);
	}
	member_put(m);
	return NULL;
}

/* How many there are, from the descriptor fds[FDS] on. */
static size_t read_usage(struct member *m, uint32_t which, const int *fds, size_t n)
{
	size_t used = 0;
	m->usage.own = true;
	for (int i = 0; i < USAGE_FILES; i++)
		m->usage.fd[i] = (which >> i & 1) && FDS + used < n ? fds[FDS + used++] : -1;
	return used;
}

/* Descriptors from FDS on are the spec's if that succeeds. */
static int read_spec(struct member *m, const struct control_msg *msg, const int *fds, size_t n)
{
	size_t used = FDS + read_usage(m, msg->foreground, fds, n);
	int err = pack_read(fds[MEMBER_PROCESS], fds + used, n - used, &m->spec, &m->process);
	m->spec.usage = msg->foreground ? &m->usage : NULL;
	m->spec.zygote_pid = msg->sig;
	m->spec.zygote_fd = fds[MEMBER_ZYGOTE];
	if (err == 0)
		err = pack_container_read(fds[MEMBER_CONTAINER], &m->spec, &m->container);
	if (err == 0)
		err = gofer_client_new(fds + MEMBER_CONNS, GOFER_CONNS, &m->spec.gofer);
	return err;
}

void member_start(const struct control_msg *msg, const int *fds, size_t n)
{
	struct boot_error be = {.text = "the description of a container is damaged"};
	struct member *m = n < FDS ? NULL : calloc(1, sizeof *m);
	int err = m ? read_spec(m, msg, fds, n) : -EINVAL;
	if (err < 0) {
		if (n > 0)
			session_fail(fds[0], err, &be);
		if (m) {
			free(m->process);
			free(m->container);
			free(m);
		}
		control_close(fds, n);
		return;
	}
	ref_init(&m->ref);
	m->fd = fds[0];
	m->alive = fds[MEMBER_ALIVE];
	if (!m->spec.zygote_pid)
		host_close(fds[MEMBER_ZYGOTE]);
	host_close(fds[MEMBER_PROCESS]);
	host_close(fds[MEMBER_CONTAINER]);
	if ((err = thread_start(live, m)) == 0)
		return;
	strcpy(be.text, "no thread for another container");
	session_fail(m->fd, err, &be);
	control_close(fds + FDS, n - FDS);
	if (m->spec.zygote_pid)
		host_close(fds[MEMBER_ZYGOTE]);
	give_back(m);
	member_put(m);
}
