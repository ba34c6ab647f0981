/* SPDX-License-Identifier: Apache-2.0 */
/* vedette ps: the host processes of a container, by its cgroup. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "platform/base/cleanup.h"

struct ps_options {
	const char *id, *format;
	char **args; /* for ps(1) */
};

struct pids {
	pid_t *list;
	size_t count;
};

static const struct argp_option options[] = {
	{"format", 'f', "FORMAT", 0, "table (default), or json: an array of pids", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct ps_options *o = state->input;
	switch (key) {
	case 'f':
		o->format = arg;
		if (strcmp(arg, "table") != 0 && strcmp(arg, "json") != 0)
			argp_error(state, "--format is table or json, not '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		o->id = arg;
		o->args = state->argv + state->next;
		state->next = state->argc; /* the rest is for ps(1) */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no container ID given: vedette ps ID [OPTION OF ps...]");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Without a cgroup: the one whose pid engines know. */
static int find(const struct target *t, struct pids *out)
{
	struct group g;
	int err = group_load(&g, &t->dir);
	if (err == 0 && g.cgroup.count > 0)
		err = cgroup_pids(&g.cgroup, &out->list, &out->count);
	else
		err = (out->list = malloc(sizeof(pid_t))) ? 0 : -ENOMEM;
	if (err == 0 && !out->count) {
		out->list[0] = t->state.pid;
		out->count = 1;
	}
	group_free(&g);
	return err;
}

static void print_json(const struct pids *p)
{
	printf("[");
	for (size_t i = 0; i < p->count; i++)
		printf("%s%d", i ? "," : "", (int)p->list[i]);
	printf("]\n");
}

static bool is_listed(const struct pids *p, long pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i] == pid)
			return true;
	return false;
}

/* Which word of the head is PID; -1. */
static int pid_column(char *head)
{
	char *rest = head;
	for (int i = 0; (head = strtok_r(rest, " \n", &rest)); i++)
		if (strcmp(head, "PID") == 0)
			return i;
	return -1;
}

static long word(const char *line, int n)
{
	while (*(line += strspn(line, " ")) && n-- > 0)
		line += strcspn(line, " ");
	return strtol(line, NULL, 10);
}

static int print_table(const struct pids *p, char **args, struct error *e)
{
	char line[4096], head[4096], command[4096] = "exec ps";
	size_t n = strlen(command);
	if (!*args)
		n += (size_t)snprintf(command + n, sizeof command - n, " -ef");
	for (; *args && n < sizeof command; args++) {
		if (strcspn(*args, "'") != strlen(*args))
			return error_set(e, -EINVAL, "no option of ps: %.64s", *args);
		n += (size_t)snprintf(command + n, sizeof command - n, " '%s'", *args);
	}
	if (n >= sizeof command)
		return error_set(e, -E2BIG, "too many options for ps");
	FILE *in = popen(command, "re");
	if (!in)
		return error_set(e, -errno, "cannot run ps: %s", strerror(errno));
	int column = -1;
	if (fgets(line, sizeof line, in)) {
		fputs(line, stdout);
		memcpy(head, line, sizeof head);
		column = pid_column(head);
	}
	while (column >= 0 && fgets(line, sizeof line, in))
		if (is_listed(p, word(line, column)))
			fputs(line, stdout);
	int status = pclose(in);
	if (status != 0 || column < 0)
		return error_set(e, -EIO, "ps failed, or has no column PID (Debian: procps)");
	return 0;
}

int command_ps(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.args_doc = "ID [OPTION OF ps...]",
		.doc = "List the host processes that the container ID consists of."};
	struct ps_options o = {.format = "table"};
	struct pids pids = {NULL, 0};
	struct target t;
	if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = target_open(o.id, /*locked=*/false, &t, e);
	/* One that has stopped consists of none. */
	if (err == 0 && t.status != STATE_STOPPED && (err = find(&t, &pids)) < 0)
		error_set(e, err, "cannot list its processes: %s", strerror(-err));
	if (err == 0 && strcmp(o.format, "json") == 0)
		print_json(&pids);
	else if (err == 0)
		err = print_table(&pids, o.args, e);
	free(pids.list);
	target_close(&t);
	return err < 0 ? EXIT_CONFIG : 0;
}
