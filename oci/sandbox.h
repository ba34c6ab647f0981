/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of one sandbox, from outside.
 *
 *	CLI --clone--> sentry (pid 1 of its own namespaces) --fork--> zygote, stubs
 *	    --clone--> gofer  (the caller's rights, below the roots only)
 *
 * Killing any of them ends them all: sentry and gofer die with the CLI
 * (PDEATHSIG), the CLI ends what is left when one of them is gone, and the
 * sentry takes its pid namespace along; where there is none, stubs have
 * PDEATHSIG of their own.
 */
#pragma once

#include "oci/cli.h"
#include "oci/gofer/gofer.h"
#include "oci/stdio.h"
#include "sentry/boot/boot.h"

enum { GOFER_CONNS = 4, PRESERVE_MAX = 240 };

struct sandbox {
	struct boot_spec spec; /* gofer, stdio and sig_* are filled in */
	const struct gofer_root
		*roots; /* [0] is the root file system; descriptors stay the caller's */
	size_t nroots;
	struct id_map uids, gids;	/* of their files, none: as on the host */
	const struct trace_options *trace;
	const int *oom_score_adj; /* of all its host processes; NULL: the caller's */
	unsigned preserve;		/* descriptors 3 and up that the first process gets */
	bool hold;		  /* the program waits for CONTROL_START */
	bool apart;		  /* nobody reads messages of ours on 2: it is the program's alone */
	int alive_fd;		  /* kept open by all its processes to their end; 0: none */
};

/* The processes, as their parent has them. */
struct sandbox_procs {
	pid_t sentry, gofer; /* sentry 0: another container's host process has it */
	pid_t sandbox;	     /* the sentry's, whoever's child it is */
	int control; /* ours; closed by supervise() */
};
/*
 * Forks them.  They are to be supervised to the end at once: supervise() of supervise.h.
 * EXIT_* with *e filled, or 0.
 */
int sandbox_start(const struct sandbox *s, struct sandbox_procs *out, struct error *e);

/*
 * The gofer alone, of a container in another one's sandbox, whose sentry gets conns; after
 * supervise_begin().  EXIT_* with *e filled, or 0.
 */
int sandbox_gofer(const struct sandbox *s, int conns[GOFER_CONNS], pid_t *out, struct error *e);
/* oom_score_adj of the calling process and all it forks; -errno with *e filled. */
int sandbox_score(const struct sandbox *s, struct error *e);

/* numbers.c: of its namespaces; in the command line, and then in the sentry. */
struct spec;
void numbers_outside(const struct spec *s, struct boot_spec *out);
void numbers_inside(struct boot_spec *s);

/* Runs it to the end: the exit status (128 + signal), or why there is none in *e. */
int sandbox_run(const struct sandbox *s, struct error *e);

/* sentry.c: all of the sentry's life, in its own process, from its connections on. */
struct sentry_ends {
	int conns[GOFER_CONNS];
	int control;
	struct stdio stdio;
};
int sentry_main(const struct sandbox *s, const struct sentry_ends *ends);
