/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host process of a container: the one whose pid engines know.
 *
 * It supervises the sandbox, holds the container's 0 to 2, answers commands on
 * the socket, and ends as the container's first process has ended, of the same
 * signal if it was one.  Killed with SIGKILL it takes all the others along.
 *
 * The sandbox is what sentry and platform are; the container what has a state
 * directory, this process and a gofer.  A pod's containers share the sandbox of the first: then
 * this process has the gofer alone, and a connection to that one's sentry.
 */
#pragma once

#include "oci/bundle.h"
#include "oci/life/group.h"
#include "oci/life/pod.h"

struct host {
	struct bundle *bundle;
	const struct state_dir *dir;
	struct group *group;
	const struct pod *pod;	/* whose sandbox it goes into */
	int creator;		/* `create', which waits for DONE or ERROR and says GO; -1: none */
	int console;		/* the terminal's slave, for 0 to 2; -1: none */
	bool hold;		/* the program waits for `start' */
	bool alone;		/* this process is nothing but that */
};

/*
 * Runs the container to its end.  The exit status, or EXIT_* with *e filled;
 * *out_signal as of supervise().  Takes the state directory away if its creator
 * was lost; else it stays, for `delete'.
 */
int host_run(struct host *h, int *out_signal, struct error *e);
/*
 * The same in a process of its own, which belongs to nobody's session and ends with the
 * container's status.  Its pid, or -errno with *e filled; *out_creator: this side's end.
 */
pid_t host_fork(const struct host *h, int *out_creator, struct error *e);
