/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands on containers have in common. */
#pragma once

#include "oci/cli.h"
#include "oci/life/link.h"

/* A container by its ID: its directory, what is known of it, and its host process if it lives. */
struct target {
	struct state_dir dir;
	struct state state;
	struct link link;
	enum state_status status;
	bool inside;		/* STATE_PAUSED: by the sentry, not by a freezer */
};

/*
 * Opens it, locked if told so (a command that changes something).  0 or -errno with *e filled;
 * target_close() in either case.  -EINVAL, -ENOENT with dir.fd >= 0: there is one, but damaged.
 */
int target_open(const char *id, bool locked, struct target *out, struct error *e);
void target_close(struct target *t);
/* One question to the host process; "container not running" if there is none. */
int target_ask(const struct target *t, const struct control_msg *m, struct error *e);

/* state.c's JSON of the OCI runtime specification, as state(5) and hooks get it; NULL: no memory. */
json_t *target_json(const struct target *t);

/* argp: one argument, the ID, into *out. */
error_t id_argument(int key, char *arg, struct argp_state *state, const char **out);
/* pause.c: a paused one goes on; who stands still cannot die. */
void container_thaw(const struct target *t);
/* Other commands' work.  0 or EXIT_* with *e filled. */
int start_container(const char *id, bool hooked, struct error *e); /* hooked: startContainer's have run */
/* 0 or -errno with *e filled. */
int delete_container(const char *id, bool force, struct error *e);

/* What create, run and exec are told alike about a process' place on the host (options.c). */
struct place_options {
	const char *pid_file, *console_socket;
	/* Descriptors from 3 on that the program gets, all of them open: of socket activation, and after
	 * them those of --preserve-fds. */
	unsigned listen, preserve;
};
/* Its input is a struct place_options. */
extern const struct argp place_argp;

/* Writes a pid file, whole or not at all.  0 or -errno with *e filled. */
int pid_file_write(const char *path, pid_t pid, struct error *e);
/* "TERM", "SIGTERM", "15"; -EINVAL. */
int signal_parse(const char *text);
