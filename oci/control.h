/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line and the sentry say to each other while a sandbox runs:
 * packets of one size on a SOCK_SEQPACKET pair, so that each read is a message.
 *
 *	CLI -> sentry   GO       namespaces and ids are ready
 *	                SIGNAL   deliver this to the container
 *	                JOB      how the shell around us has us now: JOB_*
 *	sentry -> CLI   ERROR    why it ends: the text for the user (the gofer too may send it)
 *	                STOPPED  the first process was stopped by this signal
 *
 * Either end dies with the other: the sentry by PDEATHSIG, the CLI because it
 * waits for the sentry.  The CLI believes nothing that comes from here but
 * shows it.
 */
#pragma once

#include <stdint.h>

#include "oci/error.h"

enum control_kind { CONTROL_GO = 1, CONTROL_SIGNAL, CONTROL_ERROR, CONTROL_STOPPED, CONTROL_JOB };

enum { JOB_AWAY = 1, JOB_ORPHANED = 2 }; /* as boot_job() has them */

struct control_msg {
	uint32_t kind;
	int32_t sig;
	uint32_t foreground;	/* SIGNAL: as a terminal would send it; JOB: JOB_* */
	char text[sizeof((struct error *)0)->msg];	/* ERROR */
};

/* ends[0] is the CLI's.  0 or -errno. */
int control_pair(int ends[2]);
/* 0, or -errno (-EPIPE: the other end is gone). */
int control_send(int fd, const struct control_msg *m);
/* 0, -EPIPE at the end, -EPROTO for anything but one whole message. */
int control_recv(int fd, struct control_msg *m);
/* In the sentry, once the first process runs: threads for both directions.  0 or -errno. */
int control_start(int fd);
