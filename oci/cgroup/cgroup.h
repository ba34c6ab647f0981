/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup of a container on the host: one directory in each hierarchy of v1, or
 * one in v2's, or (a "hybrid" host) both.  All host processes of a container are in
 * it, from the one whose pid engines know on; it limits and counts them together.
 *
 *	cgroup_plan     where it will be
 *	cgroup_create   makes the directories and writes the limits
 *	cgroup_join     the calling process, and so all it forks from now on; cgroup_take another one
 *	cgroup_leave    ... goes back, so that it can take the group away itself
 *	cgroup_remove   when its processes are gone
 *
 * What was created is kept as JSON with the container's state, so that any command
 * can go on with it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "oci/cgroup/scope.h"
#include "oci/cgroup/settings.h"
#include "sentry/boot/boot.h"

struct cgroup_dir {
	char *path;
	char *controllers;	/* of its hierarchy, as struct hierarchy has them */
	char *home;		/* where the process that planned it was before; may be NULL */
	bool v2;
};

struct cgroup {
	struct cgroup_dir *dirs;
	size_t count;		/* 0: there is none */
	bool v2;		/* limits are v2's: no hierarchy of v1 has controllers */
	char *freezer;		/* v1: its group in a hierarchy that containers are not put into */
	struct scope *scope;	/* whose cgroup it is; NULL: nobody's but ours */
};

/*
 * path: linux.cgroupsPath; NULL: `name' below the caller's own group.  systemd: path is
 * "slice:prefix:name", and where it is may be another place once it is made.  0 or -errno with *e filled; cgroup_free() in either case.
 */
int cgroup_plan(struct cgroup *out, const char *path, const char *name, bool systemd,
		struct error *e);
void cgroup_free(struct cgroup *c);

/* 0; -EBUSY with *e filled: there are processes in it already, or it is frozen. */
int cgroup_check_free(const struct cgroup *c, struct error *e);

/*
 * Directories first, then limits.  Of a scope the calling process is in it from then on.  -errno with *e filled: what was made is taken
 * away again; c is empty if systemd made nothing.
 */
int cgroup_create(struct cgroup *c, const struct spec_resources *r, struct error *e);
/* Limits of one that exists; devices are not touched. */
int cgroup_update(const struct cgroup *c, const struct spec_resources *r, struct error *e);
int cgroup_join(const struct cgroup *c, struct error *e);
/* Another process, of one thread.  -errno with *e filled: it may be in some hierarchies already. */
int cgroup_take(const struct cgroup *c, pid_t pid, struct error *e);
void cgroup_leave(const struct cgroup *c);
/*
 * With all groups below it.  Waits for processes that are on their way out, some seconds at
 * most.  A scope that the caller could not leave is left to systemd, which takes it away then.  0, or -EBUSY with *e filled; what is not there is no error.
 */
int cgroup_remove(const struct cgroup *c, struct error *e);

/* SIGKILL to every process in it but `except'; returns when they are gone.  0 or -ETIMEDOUT. */
int cgroup_kill(const struct cgroup *c, pid_t except);
/*
 * Stops or continues all processes in it but `except', which the caller is.  0 or -errno with *e
 * filled; then nothing is frozen.
 */
int cgroup_freeze(const struct cgroup *c, bool freeze, pid_t except, struct error *e);
/* The pids in it: malloc'ed, *out_count of them.  0 or -errno. */
int cgroup_pids(const struct cgroup *c, pid_t **out, size_t *out_count);

/* For state.json.  NULL: no memory. */
json_t *cgroup_to_json(const struct cgroup *c);
/* 0 or -EINVAL: not ours. */
int cgroup_from_json(const json_t *j, struct cgroup *out);

/* The directory that a controller's files are in; NULL: nowhere. */
const char *cgroup_path(const struct cgroup *c, const char *controller);

/* ---- limits.c: what the sentry is told of it ---- */

/* The container's limits as the guest is to see them. */
void limits_of(const struct spec_resources *r, struct limits *out);
/* ... lowered to what the groups above it leave. */
void limits_lower(const struct cgroup *c, struct limits *l);
/* Opens the files that say what is used.  The descriptors are the caller's. */
void usage_open(const struct cgroup *c, struct usage_files *out);
void usage_close(const struct usage_files *u);
/*
 * For a sandbox without a group of its own: the group that the caller is in.  If that
 * has a limit on memory, *l is lowered to it and *u is for reading what is left; else
 * all of *u is -1.
 */
void usage_here(struct limits *l, struct usage_files *u);

/* ---- stats.c ---- */

/* The "data" of an event of `events --stats', as runc's.  0 or -ENOMEM. */
int cgroup_stats(const struct cgroup *c, json_t **out);
/* How many processes the host has killed for want of memory; -1: not known. */
int64_t cgroup_oom_kills(const struct cgroup *c);
