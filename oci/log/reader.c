/* SPDX-License-Identifier: Apache-2.0 */
/* vedette logs: what a container has written, from the files of writer.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/log/writer.h"
#include "platform/base/cleanup.h"

struct logs_options {
	const char *id;
	bool follow;
};

struct follow {
	const char *path;
	char *line; /* getline's */
	size_t room;
};

/* "TIME STREAM F|P text": the text goes where it came from. */
static void print_record(const char *line, size_t n)
{
	const char *stream = memchr(line, ' ', n);
	const char *tag = stream ? memchr(stream + 1, ' ', n - (size_t)(stream + 1 - line)) : NULL;
	if (!tag || n - (size_t)(tag - line) < 4 || tag[2] != ' ')
		return;
	FILE *to = strncmp(stream + 1, "stderr ", 7) == 0 ? stderr : stdout;
	size_t size = n - (size_t)(tag + 3 - line) - (tag[1] == 'P');
	fwrite(tag + 3, 1, size, to);
}

/* Whole records; a part of one is read again later. */
static void print_rest(struct follow *f, FILE *file)
{
	off_t at = ftello(file);
	ssize_t n;
	clearerr(file);
	while ((n = getline(&f->line, &f->room, file)) > 0 && f->line[n - 1] == '\n') {
		print_record(f->line, (size_t)n);
		at = ftello(file);
	}
	fseeko(file, at, SEEK_SET);
	fflush(stdout);
}

static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

static bool same_file(FILE *a, FILE *b)
{
	struct stat x, y;
	return fstat(fileno(a), &x) == 0 && fstat(fileno(b), &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static FILE *old_file(const struct follow *f, int i)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, i ? "%s.%d" : "%s", f->path, i);
	return open_file(name);
}

/* After it was renamed: the ones that came after it, up to the one that is written now. */
static FILE *catch_up(struct follow *f, FILE *file)
{
	int at = 0;
	FILE *now;
	print_rest(f, file);
	for (; at <= LOG_OLD; at++) {
		FILE *x = old_file(f, at);
		bool same = x && same_file(x, file);
		if (x)
			fclose(x);
		if (same)
			break;
	}
	if (at == 0)
		return file;
	for (at--; at >= 0; at--) {
		if (!(now = old_file(f, at)))
			continue;
		fclose(file);
		file = now;
		print_rest(f, file);
	}
	return file;
}

/* Sleeps until something is written, or the container has ended: false. */
static bool wait_more(int events, int link)
{
	char buf[4096];
	struct pollfd p[2] = {{.fd = events, .events = POLLIN}, {.fd = link, .events = 0}};
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	while (read(events, buf, sizeof buf) > 0)
		;
	return !p[1].revents;
}

static int follow(struct follow *f, FILE **file, const struct target *t, struct error *e)
{
	autoclose int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	autofree char *dir = strdup(f->path);
	if (dir)
		*strrchr(dir, '/') = '\0';
	if (events < 0 || !dir ||
	    inotify_add_watch(events, *dir ? dir : "/", IN_MODIFY | IN_MOVED_TO | IN_CREATE) < 0)
		return error_set(e, -errno, "cannot watch the logs: %s", strerror(errno));
	do
		*file = catch_up(f, *file);
	while (t->link.fd >= 0 && wait_more(events, t->link.fd));
	/* The writer's lock goes with it; it may have gone on to another file meanwhile. */
	for (FILE *last = NULL; last != *file;) {
		last = *file;
		flock(fileno(last), LOCK_SH);
		*file = catch_up(f, *file);
	}
	return 0;
}

static int print_logs(const struct logs_options *o, const struct target *t, struct error *e)
{
	struct follow f = {.path = json_string_value(json_object_get(t->state.json, "log"))};
	if (!f.path)
		return error_set(e, -ENOENT,
				 "%s keeps no logs: start it with `vedette run --detach "
				 "--log-dir=DIR'",
				 o->id);
	FILE *file = NULL;
	for (int i = LOG_OLD; i >= 0; i--) {
		FILE *next = old_file(&f, i);
		if (!next)
			continue;
		if (file)
			fclose(file);
		file = next;
		print_rest(&f, file);
	}
	int err = file ? 0 : error_set(e, -errno, "cannot read %s: %s", f.path, strerror(errno));
	if (file && o->follow)
		err = follow(&f, &file, t, e);
	if (file)
		fclose(file);
	free(f.line);
	return err;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct logs_options *o = state->input;
	if (key == 'f')
		o->follow = true;
	else
		return id_argument(key, arg, state, &o->id);
	return 0;
}

int command_logs(int argc, char **argv, struct error *e)
{
	static const struct argp_option options[] = {
		{"follow", 'f', NULL, 0, "Go on with what is written, until the container ends", 0},
		{0},
	};
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.args_doc = "ID",
		.doc = "Print what a container has written that was started with `vedette run "
		       "--detach --log-dir=DIR'.",
	};
	struct logs_options o = {0};
	struct target t;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = target_open(o.id, /*locked=*/false, &t, e);
	if (err == 0)
		err = print_logs(&o, &t, e);
	target_close(&t);
	return err < 0 ? EXIT_CONFIG : 0;
}
