/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's host process answers to commands, beside supervising.
 *
 * A connection is one command; one message of it is one question.  Nobody is
 * waited for: descriptors are non-blocking, and who does not read its answer
 * loses it.  Room for connections is bounded, more of them wait in the backlog.
 */
#pragma once

#include "oci/life/state.h"
#include "oci/sandbox.h"
#include "oci/supervise.h"

enum { SERVER_CLIENTS = 64 };

struct bundle;

struct server {
	struct supervise_ops ops;	/* for supervise() */
	struct sandbox_procs procs;
	struct error *e;		/* why it ends, if that is known: supervise() fills it too */
	const struct bundle *bundle;	/* whose root engines are to find; NULL: the host's */
	int listener;
	int creator;			/* -1: there was none, or it has said GO; ERROR: it gives up */
	int host;			/* until then, behind us: the host's root (view.h); -1: it is ours */
	int starter;			/* a client that waits for the program to run; -1 */
	int pauser;			/* a client that waits for the sentry to stop all; -1 */
	enum state_status status;
	bool pausing;			/* the sentry has been told to, and has not said more */
	bool inside;			/* STATE_PAUSED: by the sentry, not by a freezer */
	bool over;			/* the sandbox is being killed by our own wish */
	int clients[SERVER_CLIENTS];
	size_t count;
};

/* The descriptors stay the caller's. */
void server_begin(struct server *s, int listener, int creator, const struct sandbox_procs *procs);
/* As if a command had asked for it. */
void server_start(struct server *s);
/* The sandbox is gone: who still waits is told why. */
void server_end(struct server *s, int status, const struct error *e);
