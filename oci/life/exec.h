/* SPDX-License-Identifier: Apache-2.0 */
/* What `exec' is told, and the process that this describes. */
#pragma once

#include "oci/bundle.h"
#include "oci/life/command.h"

enum { EXEC_LIST_MAX = 256 };

struct exec_options {
	const char *id, *process, *cwd, *cgroup;
	struct place_options place;
	bool tty, detach, has_user, no_new_privs, ignore_paused;
	uint32_t uid, gid;
	uint32_t gids[EXEC_LIST_MAX];
	char *env[EXEC_LIST_MAX], *caps[EXEC_LIST_MAX];
	size_t ngids, nenv, ncaps;
	char **args;
};

/*
 * The process of --process, or that of the container as the options change it, into s->process.
 * 0 or -errno with *e filled; spec_free() in either case, and *env, which s then points to, is the
 * caller's to free.
 */
int exec_load(struct spec *s, const struct target *t, const struct exec_options *o, char ***env,
	      struct error *e);
