/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of containers between commands: --root/ID/, a directory each.
 *
 *	state.json   facts that do not change; written whole, then renamed into place
 *	cgroup.json  where its cgroup is, or is going to be, and its limits
 *	config.json  the bundle's, as it was
 *	socket       its host process answers here; whether it lives is whether somebody listens
 *	alive        locked by every process of it to its end, so that their end can be waited for
 *
 * Commands that change something hold the directory's flock(2), which the kernel
 * gives back whatever becomes of them.  A directory without state.json is one whose
 * making was cut short.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "oci/error.h"

struct state_dir {
	const char *id;		/* the caller's */
	int root, fd;		/* --root, and ID in it; -1: not open */
};

enum state_status { STATE_CREATING, STATE_CREATED, STATE_RUNNING, STATE_PAUSED, STATE_STOPPED };

struct state {
	json_t *json;		/* state.json, or an empty object; ours */
	const char *bundle;	/* in json; "" if it is not there */
	pid_t pid;		/* of its host process */
	bool attached;		/* of `run' in the foreground */
};

/* 0, or -EINVAL with *e filled: no name for a container. */
int state_check_id(const char *id, struct error *e);
/* --root, made if it is not there.  A descriptor, or -errno with *e filled. */
int state_root(struct error *e);
/* Makes and locks it.  -EEXIST.  *out is to be closed in any case. */
int state_make(const char *id, struct state_dir *out, struct error *e);
/* Opens it, and locks it if told so.  -ENOENT. */
int state_open(const char *id, bool locked, struct state_dir *out, struct error *e);
void state_close(struct state_dir *d);
/* Takes it away; what is not there is no error. */
int state_remove(const struct state_dir *d, struct error *e);

/* Another file of its directory, whole or not at all; takes over json. */
int state_put(const struct state_dir *d, const char *name, json_t *json, struct error *e);
/* 0, -ENOENT, -EINVAL (not ours); *out is the caller's. */
int state_get(const struct state_dir *d, const char *name, json_t **out);
/* Takes over json. */
int state_write(const struct state_dir *d, json_t *json, struct error *e);
/* -ENOENT: never written; -EINVAL: not ours.  Both fill *e, and *out is empty. */
int state_read(const struct state_dir *d, struct state *out, struct error *e);
void state_free(struct state *s);

/* The lock that all processes of a container keep: a descriptor, or -errno. */
int state_alive_take(const struct state_dir *d);
/* Sleeps until none of them is left, at most `seconds'.  0, -ETIMEDOUT, -errno. */
int state_alive_wait(const struct state_dir *d, unsigned seconds);

const char *state_name(enum state_status s);
