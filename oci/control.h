/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line and the sentry say to each other while a sandbox runs:
 * packets of one size on a SOCK_SEQPACKET pair, so that each read is a message.
 *
 *	CLI -> sentry   GO       namespaces and ids are ready
 *	                START    the first process may execute its program
 *	                SIGNAL   deliver this to the container
 *	                LIMIT    the container's limits are these now: text is a struct limits
 *	                JOB      how the shell around us has us now: JOB_*
 *	                PAUSE    the container's processes stand still; answered by PAUSED
 *	                RESUME   they go on
 *	sentry -> CLI   ERROR    why it ends: the text for the user (the gofer too may send it)
 *	                CREATED  all is there but the program, which has been found
 *	                STARTED  the program runs
 *	                STOPPED  the first process was stopped by this signal
 *	                PAUSED   they stand still, or -errno: they go on
 *	                EXIT     the wait status of the first process
 *
 * Other commands speak to the container's host process (life/host.c) in the same
 * packets, on a socket in its state directory:
 *
 *	command -> host START, SIGNAL, LIMIT, PAUSE, RESUME; STATE: how is it?; GO: `create' is done, live on
 *	                EXEC     another process: pack.h; passed on to the sentry with the
 *	                         connection itself, which then is the process': SIGNAL to it,
 *	                         STARTED, EXIT and ERROR from it; its end is the process' end
 *	                CHANGES  what was changed in the root file system, into the descriptor that
 *	                         comes with it; passed on likewise, DONE or ERROR from the sentry
 *	                JOIN     another container in this sandbox: passed on like EXEC, and the
 *	                         connection then is that container's, as ours to the CLI;
 *	                         sig: the pid of its zygote, if one comes with it;
 *	                         foreground: bits, which files of struct usage_files come
 *	                ZYGOTE   another zygote for such a container: passed on likewise with
 *	                         its socket (life/zygote.h)
 *	host -> command DONE     it was done; of STATE: sig is an enum state_status
 *	                ERROR    why not; `foreground' is what to exit with
 *
 * Either end dies with the other: the sentry by PDEATHSIG, the CLI because it
 * waits for the sentry.  The CLI believes nothing that comes from here but
 * shows it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "oci/error.h"

enum control_kind {
	CONTROL_GO = 1,
	CONTROL_START,
	CONTROL_SIGNAL,
	CONTROL_JOB,
	CONTROL_ERROR,
	CONTROL_CREATED,
	CONTROL_STARTED,
	CONTROL_STOPPED,
	CONTROL_EXIT,
	CONTROL_LIMIT,
	CONTROL_PAUSE,
	CONTROL_RESUME,
	CONTROL_STATE,
	CONTROL_DONE,
	CONTROL_EXEC,
	CONTROL_CHANGES,
	CONTROL_JOIN,
	CONTROL_PAUSED,
	CONTROL_ZYGOTE,
};

/* Descriptors with one message: SCM_RIGHTS has no room for more than 253. */
enum { CONTROL_FDS = 250 };

/* SIGNAL: whom it is for. */
enum { TO_FIRST, TO_FOREGROUND, TO_ALL };
/* PAUSE, in `foreground': the sentry is to do it, for there is no freezer; DONE of STATE: it did. */
enum { PAUSE_INSIDE = 1 };
/* EXEC: in `foreground'. */
enum { EXEC_PAUSED = 1 /* though it is paused */ };

/* CHANGES: in `foreground'.  Neither: a list. */
enum { CHANGES_ARCHIVE = 1, CHANGES_ALL = 2 /* also what was not changed */ };

enum { JOB_AWAY = 1, JOB_ORPHANED = 2 }; /* as boot_job() has them */

struct control_msg {
	uint32_t kind;
	int32_t sig;	     /* ERROR: -errno; EXIT: a wait status */
	uint32_t foreground; /* SIGNAL: TO_*; JOB: JOB_*; ERROR: an exit status */
	uint32_t sandbox;    /* DONE of STATE: the pid of the sentry */
	char text[sizeof((struct error *)0)->msg]; /* ERROR; LIMIT */
};

/* ends[0] is the CLI's.  0 or -errno. */
int control_pair(int ends[2]);
/* 0, or -errno (-EPIPE: the other end is gone). */
int control_send(int fd, const struct control_msg *m);
/* The same with nothing but a kind and a number. */
int control_tell(int fd, enum control_kind kind, int sig);
/* 0, -EPIPE at the end, -EPROTO for anything but one whole message. */
int control_recv(int fd, struct control_msg *m);
/* The same with descriptors, which stay the sender's; room for CONTROL_FDS of them. */
int control_send_fds(int fd, const struct control_msg *m, const int *fds, size_t n);
int control_recv_fds(int fd, struct control_msg *m, int *fds, size_t *out_n);
void control_close(const int *fds, size_t n);
/* In the sentry, once the first process is there: threads for both directions.  0 or -errno. */
int control_start(int fd);
struct boot_container;
/* In the sentry: what the host process of c, on fd, wants.  Any thread; fds are taken over. */
void control_obey(int fd, struct boot_container *c, const struct control_msg *m, const int *fds,
		  size_t n);
