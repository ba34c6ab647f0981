/* SPDX-License-Identifier: Apache-2.0 */
/* vedette diff, vedette export: what was changed in a root file system. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/layer/export.h"
#include "oci/layer/stream.h"
#include "oci/life/command.h"
#include "oci/overlay.h"
#include "platform/base/cleanup.h"

enum { OPT_OVERLAY = 256, OPT_ROOT, OPT_FULL };

struct layer_options {
	const char *id, *root, *output;
	struct overlay overlay;
	bool full;
};

static const struct argp_option which_options[] = {
	{"overlay", OPT_OVERLAY, "dir:PATH", 0,
	 "The changes kept in PATH, instead of a container's", 0},
	{"root", OPT_ROOT, "DIR", 0, "What they are changes of (default: /)", 0},
	{0},
};

static error_t parse_which(int key, char *arg, struct argp_state *state)
{
	struct layer_options *o = state->input;
	switch (key) {
	case OPT_OVERLAY:
		if (!overlay_parse(arg, &o->overlay) || o->overlay.kind != OVERLAY_DIR)
			argp_error(state, "--overlay is dir:PATH here, not '%s'", arg);
		return 0;
	case OPT_ROOT:
		o->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		return id_argument(key, arg, state, &o->id);
	case ARGP_KEY_END:
		if (!o->id == !o->overlay.given)
			argp_error(state, "a container ID, or --overlay=dir:PATH");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp which_argp = {.options = which_options, .parser = parse_which};

static const struct argp_option export_options[] = {
	{"output", 'o', "FILE", 0, "Write there (default: standard output)", 0},
	{"full", OPT_FULL, NULL, 0, "All files, not only what was changed", 0},
	{0},
};

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
	struct layer_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case OPT_FULL:
		o->full = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Where the changes are. */
struct changes {
	struct target target; /* of a container */
	bool memory;	      /* its sentry knows them */
	int upper, lower;     /* else: directories; upper -1: there is none */
};

static int open_dir(const char *path, const char *below, int *out, struct error *e)
{
	char whole[PATH_MAX];
	if (snprintf(whole, sizeof whole, "%s%s", path, below) >= (int)sizeof whole)
		return error_set(e, -ENAMETOOLONG, "%s%s: too long", path, below);
	*out = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? error_set(e, -errno, "cannot open %s: %s", whole, strerror(errno)) : 0;
}

/* What is known of where a container's changes go. */
static int open_container(const struct layer_options *o, struct changes *c, struct error *e)
{
	const char *overlay, *rootfs;
	struct target *t = &c->target;
	int err = target_open(o->id, /*locked=*/false, t, e);
	if (err == 0 &&
	    json_unpack(t->state.json, "{s:s, s:s}", "overlay", &overlay, "rootfs", &rootfs) < 0)
		err = error_set(e, -EINVAL, "it is not known where changes of %s go", o->id);
	if (err < 0)
		return err;
	if (strncmp(overlay, "dir:", 4) == 0)
		err = open_dir(overlay + 4, "/upper", &c->upper, e);
	else if (strcmp(overlay, "none") != 0)
		c->memory = true;
	else if (!o->full)
		err = error_set(e, -EOPNOTSUPP,
				"%s changes its root file system itself (--overlay=none): there is "
				"nothing to compare it with",
				o->id);
	if (c->memory && t->status == STATE_STOPPED)
		err = error_set(e, -ESRCH,
				"%s has ended, and what it had changed was in the memory of its "
				"sandbox: --overlay=dir:PATH keeps it",
				o->id);
	return err < 0 || c->memory ? err : open_dir(rootfs, "", &c->lower, e);
}

static int open_changes(const struct layer_options *o, struct changes *c, struct error *e)
{
	*c = (struct changes){.target = {.link = {.fd = -1}}, .upper = -1, .lower = -1};
	if (o->id)
		return open_container(o, c, e);
	int err = open_dir(o->overlay.path, "/upper", &c->upper, e);
	return err < 0 ? err : open_dir(o->root, "", &c->lower, e);
}

static void close_changes(const struct layer_options *o, struct changes *c)
{
	if (o->id)
		target_close(&c->target);
	if (c->upper >= 0)
		close(c->upper);
	if (c->lower >= 0)
		close(c->lower);
}

/* how: CHANGES_*. */
static int write_changes(struct changes *c, uint32_t how, int fd, struct error *e)
{
	struct layer_dirs dirs;
	if (c->memory)
		return stream_ask(&c->target.link, how, fd, e);
	layer_dirs_init(&dirs, c->upper, c->lower);
	int err = how & CHANGES_ARCHIVE ? layer_export(&dirs.source, how & CHANGES_ALL, fd)
					: layer_list(&dirs.source, fd);
	return err < 0 ? error_set(e, err,
				   how & CHANGES_ARCHIVE ? "the archive is not complete: %s"
							 : "cannot list the changes: %s",
				   strerror(-err))
		       : 0;
}

typedef int (*layer_fn)(const struct layer_options *o, struct changes *c, struct error *e);

static int run(const struct argp *parser, int argc, char **argv, layer_fn write, struct error *e)
{
	struct layer_options o = {.root = "/"};
	struct changes c;
	if (argp_parse(parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = open_changes(&o, &c, e);
	if (err == 0)
		err = write(&o, &c, e);
	close_changes(&o, &c);
	return err < 0 ? EXIT_CONFIG : 0;
}

static int list_to(const struct layer_options *o, struct changes *c, struct error *e)
{
	(void)o;
	return write_changes(c, 0, 1, e);
}

int command_diff(int argc, char **argv, struct error *e)
{
	static const struct argp_child children[] = {{.argp = &which_argp}, {0}};
	static const struct argp parser = {
		.parser = parse_export,
		.children = children,
		.args_doc = "[ID]",
		.doc = "List what a container has changed in its root file system: A added, C "
		       "changed, D removed."};
	return run(&parser, argc, argv, list_to, e);
}

static int export_to(const struct layer_options *o, struct changes *c, struct error *e)
{
	autoclose int fd = o->output
				   ? open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
				   : dup(1);
	if (fd < 0)
		return error_set(e, -errno, "cannot write %s: %s", o->output, strerror(errno));
	if (isatty(fd))
		return error_set(e, -EINVAL,
				 "an archive is nothing for a terminal: use -o FILE, or a pipe");
	return write_changes(c, CHANGES_ARCHIVE | (o->full ? CHANGES_ALL : 0), fd, e);
}

int command_export(int argc, char **argv, struct error *e)
{
	static const struct argp_child children[] = {{.argp = &which_argp}, {0}};
	static const struct argp parser = {
		.options = export_options,
		.parser = parse_export,
		.children = children,
		.args_doc = "[ID]",
		.doc = "Write what a container has changed in its root file system as a tar "
		       "archive, as a layer of an OCI image has it."};
	return run(&parser, argc, argv, export_to, e);
}
