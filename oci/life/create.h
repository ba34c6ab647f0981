/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container: what `create' and `run' share. */
#pragma once

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "oci/life/host.h"

struct create_options {
	const char *bundle, *config, *id;
	struct place_options place;
	struct overlay overlay;
	struct start_options start;
	bool detach, keep, starts;	/* of run */
	const char *log_dir;	/* of run; NULL: none */
	uint64_t log_size;
};

/* The options of both; its input is a struct create_options. */
extern const struct argp create_argp;
/* With the defaults. */
void create_options_init(struct create_options *o);

/* On its way: closed by making_close() in any case. */
struct making {
	struct state_dir dir;
	struct bundle bundle;
	struct group group;
	struct pod pod;
	const char *log_dir;	/* the caller's */
	json_t *state;		/* as state.json; NULL: not told yet; ours */
	bool made;		/* the directory is ours to take away */
};
/* State directory (locked) and bundle.  0 or EXIT_* with *e filled. */
int making_begin(struct making *m, const struct create_options *o, struct error *e);
/* Writes state.json: from now on other commands know it. */
int making_tell(struct making *m, pid_t pid, bool attached, struct error *e);
/* The directory is given free for other commands. */
void making_unlock(struct making *m);
/* Its poststop hooks: it has ended, or has not come to be. */
void making_poststop(const struct making *m);
void making_close(struct making *m);
/* A container with a host process of its own, up to `created'.  0 or EXIT_* with *e filled. */
int create_container(const struct create_options *o, struct error *e);
