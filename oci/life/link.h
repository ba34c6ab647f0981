/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket between commands and a container's host process.
 *
 * That somebody listens is the kernel's own word that the process lives, and
 * the credentials that come with a connection are its; no number is looked up that
 * may be somebody else's by now.  Every answer is waited for with a limit.
 */
#pragma once

#include "oci/control.h"
#include "oci/life/state.h"

struct link {
	int fd;			/* -1: not connected */
	pid_t pid;		/* of the host process */
};

/* A listening descriptor, or -errno. */
int link_listen(const struct state_dir *d);
/* The next caller with our rights: a descriptor, or -errno. */
int link_accept(int listener);
/* -ECONNREFUSED: nobody lives there. */
int link_connect(const struct state_dir *d, struct link *out);
void link_close(struct link *l);
/* Sends and awaits the answer: DONE, or <0 with *e filled from ERROR or from what went wrong. */
int link_ask(const struct link *l, const struct control_msg *m, struct control_msg *reply,
	     struct error *e);
/* The answer to what was sent. */
int link_hear(const struct link *l, struct control_msg *reply, struct error *e);
/* Sleeps until the other end is gone, at most `seconds'.  0 or -ETIMEDOUT. */
int link_wait(const struct link *l, unsigned seconds);
/* SIGKILL to the process itself, which does not answer. */
int link_kill(const struct link *l);
