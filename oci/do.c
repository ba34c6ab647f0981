/* SPDX-License-Identifier: Apache-2.0 */
/* vedette do: a command over the host's file system, read-only below, memory above. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/cgroup/enter.h"
#include "oci/cli.h"
#include "oci/overlay.h"
#include "oci/sandbox.h"

extern char **environ;

enum { OPT_HOSTNAME = 256, OPT_ROOT, OPT_OVERLAY };

struct do_options {
	const char *cwd, *root, *hostname;
	long uid, gid; /* -1: the caller's */
	struct overlay overlay;
	struct start_options start;
	char **argv;
};

static const struct argp_option options[] = {
	{"cwd", 'C', "DIR", 0, "Working directory inside (default: the caller's)", 0},
	{"env", 'e', "NAME=VALUE", 0, "Set a variable in the environment; NAME alone removes it",
	 0},
	{"user", 'u', "UID[:GID]", 0, "Run as this user (default: the caller)", 0},
	{"root", OPT_ROOT, "DIR", 0, "Root file system to run over (default: /)", 0},
	{"overlay", OPT_OVERLAY, "WHERE", 0,
	 "Where changes go: `memory' (default), `none' (the files themselves change), "
	 "`dir:PATH' (kept in PATH, where the next run finds them)",
	 0},
	{"hostname", OPT_HOSTNAME, "NAME", 0, "What uname -n says", 0},
	{0},
};

static int parse_user(const char *arg, struct do_options *o, struct argp_state *state)
{
	char *end;
	errno = 0;
	o->uid = strtol(arg, &end, 10);
	o->gid = o->uid;
	if (*end == ':')
		o->gid = strtol(end + 1, &end, 10);
	if (errno || *end || end == arg || o->uid < 0 || o->uid > UINT32_MAX || o->gid < 0 ||
	    o->gid > UINT32_MAX)
		argp_error(state, "--user wants UID or UID:GID, two numbers, not '%s'", arg);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct do_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->start;
		return 0;
	case 'C':
		o->cwd = arg;
		return 0;
	case 'e':
		return strchr(arg, '=') ? putenv(arg) : unsetenv(arg);
	case 'u':
		return parse_user(arg, o, state);
	case OPT_ROOT:
		o->root = arg;
		return 0;
	case OPT_OVERLAY:
		if (!overlay_parse(arg, &o->overlay))
			argp_error(state, "--overlay is " OVERLAY_HELP ", not '%s'", arg);
		return 0;
	case OPT_HOSTNAME:
		o->hostname = arg;
		return 0;
	case ARGP_KEY_ARGS:
		o->argv = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command given: vedette do [OPTION...] -- CMD [ARG...]");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &start_argp}, {0}};

static const struct argp parser = {
	.children = children,
	.options = options,
	.parser = parse_option,
	.args_doc = "-- CMD [ARG...]",
	.doc = "Run CMD in a sandbox whose file system is the host's, read-only below and memory "
	       "above: what it changes is gone with it.\v"
	       "Exit status: CMD's; 128 + N if it died of signal N; 127 if it was not found, 126 "
	       "if "
	       "it could not be run, 125 if the sandbox failed, 2 for a wrong command line.",
};

static const struct boot_mount do_mounts[] = {
	{.target = "/proc", .type = "proc", .source = "proc", .flags = BOOT_RELATIME},
	{.target = "/sys", .type = "sysfs", .source = "sysfs", .flags = BOOT_RELATIME},
	{.target = "/sys/fs/cgroup",
	 .type = "cgroup2",
	 .source = "cgroup",
	 .flags = BOOT_READONLY | BOOT_NOSUID | BOOT_NODEV | BOOT_NOEXEC | BOOT_RELATIME},
	{.target = "/dev", .type = "devtmpfs", .source = "devtmpfs", .flags = BOOT_RELATIME},
	{.target = "/dev/pts", .type = "devpts", .source = "devpts", .flags = BOOT_RELATIME},
	{.target = "/dev/shm", .type = "tmpfs", .source = "tmpfs", .flags = BOOT_RELATIME},
};

/* Root keeps all capabilities inside: they only mean something to our own kernel. */
static void set_identity(struct boot_spec *spec, const struct do_options *o)
{
	static uint32_t groups[1024];
	const uint64_t all = (1ull << 41) - 1;
	spec->uid = o->uid < 0 ? getuid() : (uint32_t)o->uid;
	spec->gid = o->gid < 0 ? getgid() : (uint32_t)o->gid;
	spec->groups = groups;
	int n = o->uid < 0 ? getgroups(1024, groups) : 0;
	spec->ngroups = n > 0 ? (size_t)n : 0;
	spec->caps_bounding = all;
	if (spec->uid == 0)
		spec->caps_permitted = spec->caps_effective = all;
}

/* --memory and its like, in a cgroup of its own. */
static int run_limited(const struct sandbox *s, json_t *limits, struct error *e)
{
	struct reader r = {.file = "command line", .e = e};
	struct spec_resources res = {.cpus = NULL};
	if (!limits)
		return cgroup_run(s, NULL, e);
	int status = spec_read_resources(&r, limits, &res) < 0 ? EXIT_USAGE : cgroup_run(s, &res, e);
	reader_close(&r);
	json_decref(limits);
	return status;
}

int command_do(int argc, char **argv, struct error *e)
{
	struct do_options o = {.root = "/", .uid = -1, .gid = -1, .start = {.trace = {.fd = -1}}};
	char cwd[4096], host[65] = "";
	mode_t mask = umask(0);
	umask(mask);
	/* Options end at the command's name, as env(1) and nice(1) do. */
	if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &o) != 0)
		return EXIT_USAGE;
	struct gofer_root root = {.fd = open(o.root, O_PATH | O_DIRECTORY | O_CLOEXEC),
				  .submounts = true};
	if (root.fd < 0) {
		error_set(e, -errno, "cannot open the root %s: %s", o.root, strerror(errno));
		return EXIT_INTERNAL;
	}
	char *masked[2] = {NULL, NULL};
	bool dir = o.overlay.kind == OVERLAY_DIR;
	if (dir && overlay_open(&o.overlay, &root, e) < 0)
		return EXIT_INTERNAL;
	/* Its own changes are no files of the root. */
	if (dir)
		masked[0] = overlay_inside(&o.overlay, o.root);
	root.writable = dir || o.overlay.kind == OVERLAY_NONE;
	if (!o.cwd)
		o.cwd = strcmp(o.root, "/") == 0 && getcwd(cwd, sizeof cwd) ? cwd : "/";
	if (!o.hostname && gethostname(host, sizeof host - 1) == 0)
		o.hostname = host;
	struct sandbox s = {
		.spec = {.argv = o.argv,
			 .envp = environ,
			 .cwd = o.cwd,
			 .umask = mask,
			 .terminal = isatty(0) || isatty(1) || isatty(2),
			 .hostname = o.hostname,
			 .release = o.start.kernel,
			 .task_limit = o.start.tasks,
			 .root_write_through = root.writable,
			 .root_layered = dir,
			 .masked_paths = masked,
			 .mounts = do_mounts,
			 .nmounts = sizeof do_mounts / sizeof do_mounts[0]},
		.roots = &root,
		.nroots = 1,
		.trace = &o.start.trace,
	};
	set_identity(&s.spec, &o);
	int status = run_limited(&s, o.start.limits, e);
	free(masked[0]);
	return status;
}
