/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vedette events: what a container uses, and when the host kills for want of memory.
 *
 * v2 tells of a change of memory.events by inotify, v1 through an eventfd; both are
 * waited for together with the next round of figures and the container's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "platform/base/cleanup.h"

enum { OPT_STATS = 256, OPT_INTERVAL };

struct events_options {
	const char *id;
	bool stats;
	int interval_ms;
};

static const struct argp_option options[] = {
	{"stats", OPT_STATS, NULL, 0, "Print the figures once", 0},
	{"interval", OPT_INTERVAL, "TIME", 0, "Time between figures: 500ms, 5s (default), 1m", 0},
	{0},
};

static int parse_interval(const char *arg)
{
	char *end;
	errno = 0;
	long n = strtol(arg, &end, 10);
	long unit = strcmp(end, "ms") == 0 ? 1 : strcmp(end, "s") == 0 ? 1000 : 0;
	if (strcmp(end, "m") == 0)
		unit = 60000;
	if (end == arg || errno || !unit || n <= 0 || n > 86400000 / unit)
		return -EINVAL;
	return (int)(n * unit);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct events_options *o = state->input;
	switch (key) {
	case OPT_STATS:
		o->stats = true;
		return 0;
	case OPT_INTERVAL:
		o->interval_ms = parse_interval(arg);
		if (o->interval_ms < 0)
			argp_error(state, "--interval wants 500ms, 5s or 1m, not '%s'", arg);
		return 0;
	default:
		return id_argument(key, arg, state, &o->id);
	}
}

static int print_event(const char *type, const char *id, json_t *data, struct error *e)
{
	json_t *j = data ? json_pack("{s:s, s:s, s:o}", "type", type, "id", id, "data", data)
			 : json_pack("{s:s, s:s}", "type", type, "id", id);
	int err = j ? json_dumpf(j, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) : -1;
	json_decref(j);
	putchar('\n');
	return err < 0 || fflush(stdout) != 0
		       ? error_set(e, -EIO, "cannot write to standard output")
		       : 0;
}

static int print_stats(const struct group *g, const char *id, struct error *e)
{
	json_t *data;
	if (cgroup_stats(&g->cgroup, &data) < 0)
		return error_set(e, -ENOMEM, "out of memory");
	return print_event("stats", id, data, e);
}

/* memory.oom_control of v1: an eventfd that is written at each kill. */
static int watch_v1(const char *dir)
{
	char path[4096 + 64], text[64];
	snprintf(path, sizeof path, "%s/memory.oom_control", dir);
	autoclose int control = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "%s/cgroup.event_control", dir);
	autoclose int events = open(path, O_WRONLY | O_CLOEXEC);
	autoclose int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int n = snprintf(text, sizeof text, "%d %d", fd, control);
	if (control < 0 || events < 0 || fd < 0 || write(events, text, (size_t)n) != n)
		return -1;
	return STEAL_FD(fd);
}

static int watch_v2(const char *dir)
{
	char path[4096 + 64];
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof path, "%s/memory.events", dir);
	return fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) >= 0 ? STEAL_FD(fd) : -1;
}

/* -1: the host does not tell. */
static int watch_oom(const struct group *g)
{
	const char *dir = cgroup_path(&g->cgroup, "memory");
	if (!dir)
		return -1;
	return g->cgroup.v2 ? watch_v2(dir) : watch_v1(dir);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int tell_kills(const struct group *g, const char *id, int oom, int64_t *known,
		      struct error *e)
{
	char drain[4096];
	int64_t kills = cgroup_oom_kills(&g->cgroup);
	int err = 0;
	if (oom >= 0)
		while (read(oom, drain, sizeof drain) == (ssize_t)sizeof drain)
			;
	for (; err == 0 && *known < kills; ++*known)
		err = print_event("oom", id, NULL, e);
	return err;
}

/* Until the container has ended. */
static int follow(const struct target *t, const struct group *g, int interval, struct error *e)
{
	autoclose int oom = watch_oom(g);
	int64_t next = now_ms(), known = 0;
	int err = 0;
	while (err == 0) {
		if (now_ms() >= next) {
			err = print_stats(g, t->dir.id, e);
			next = now_ms() + interval;
		}
		if (err == 0)
			err = tell_kills(g, t->dir.id, oom, &known, e);
		struct pollfd p[] = {{.fd = t->link.fd}, {.fd = oom, .events = POLLIN}};
		int64_t wait = next - now_ms();
		if (err == 0 && poll(p, 2, wait > 0 ? (int)wait : 0) > 0 && p[0].revents)
			return tell_kills(g, t->dir.id, oom, &known, e);
	}
	return err;
}

static int show(const struct events_options *o, struct target *t, struct error *e)
{
	struct group g;
	int err = group_load(&g, &t->dir);
	if (err < 0 || g.cgroup.count == 0)
		err = error_set(
			e, -ENOENT,
			"container %s has no cgroup of its own, so nobody counts what it uses",
			o->id);
	else if (o->stats)
		err = print_stats(&g, o->id, e);
	else
		err = follow(t, &g, o->interval_ms, e);
	group_free(&g);
	return err;
}

int command_events(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.args_doc = "ID",
		.doc = "Print what the container ID uses, as JSON, and each time that one of its "
		       "processes is killed because memory ran out, until it ends."};
	struct events_options o = {.id = NULL, .interval_ms = 5000};
	struct target t;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = target_open(o.id, /*locked=*/false, &t, e);
	if (err == 0 && t.status == STATE_STOPPED)
		err = error_set(e, -ESRCH, "container not running");
	if (err == 0)
		err = show(&o, &t, e);
	target_close(&t);
	return err < 0 ? EXIT_CONFIG : 0;
}
