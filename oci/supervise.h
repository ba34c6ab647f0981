/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line while its sandbox runs: it hands signals in, stops when the
 * first process is stopped, and ends what is left when a process of the sandbox
 * is gone.  Asleep in poll all the time.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "oci/error.h"

struct control_msg;
struct pollfd;
struct sandbox_procs;

/* Signals as the caller of vedette had them, which the container inherits. */
struct inherited_signals {
	uint64_t ignored, blocked; /* bit n-1 is signal n */
};

/* Blocks what will be handed on.  Before any fork; children start with everything blocked. */
void supervise_begin(struct inherited_signals *out);
/* What else the same process attends to meanwhile. */
struct supervise_ops {
	/* The sentry has said something that is not for the supervisor. */
	void (*message)(void *arg, const struct control_msg *m);
	/* Fills in what to wait for, at most SUPERVISE_ROOM; how many. */
	size_t (*want)(void *arg, struct pollfd *fds);
	/* After the wait: the same array, with revents. */
	void (*ready)(void *arg, const struct pollfd *fds, size_t count);
	void *arg;
};
enum { SUPERVISE_ROOM = 96 };
/*
 * The processes must be children of the caller; their control is closed.  The exit status;
 * *out_signal (if not NULL): what the first process died of, 0 if it exited, SIGKILL
 * if the sandbox failed.
 */
int supervise(const struct sandbox_procs *p, const struct supervise_ops *more, int *out_signal,
	      struct error *e);
/*
 * The same for a container in another one's sandbox: control leads to its sentry, and only the
 * gofer is a child.  *out_signal is SIGKILL too if the sandbox is gone.
 */
int supervise_member(const struct sandbox_procs *p, const struct supervise_ops *more,
		     int *out_signal, struct error *e);
/*
 * The same for a process that `exec' has asked for: link leads to the sentry, and *out_signal
 * is SIGKILL too if the sandbox is gone.  STARTED goes to more->message.
 */
int supervise_visit(int link, const struct supervise_ops *more, int *out_signal, struct error *e);
