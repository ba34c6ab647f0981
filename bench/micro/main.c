/* SPDX-License-Identifier: Apache-2.0 */
/*
 * micro [--list] [--only=NAME,...] [--ms=N]: one JSON line an operation.
 * micro --serve: operations as standard input asks for them, one line an answer, so that somebody
 * outside can take turns between sandboxes and look at their CPU time just around the measuring:
 *
 *	prepare NAME  -> {"ready":NAME}
 *	go MS	      -> the line
 *	end	      -> {"end":NAME}
 *
 * micro --exit: what the exec benchmark executes.
 * micro --sleep: a container's program that does nothing.
 */
#include "micro.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct op *const families[] = {ops_calls,	ops_files,   ops_pingpong,
					    ops_memory, ops_process, ops_threads};
enum { FAMILIES = sizeof families / sizeof *families, MS_DEFAULT = 200 };

const char *self_path;

/* The operation after i, counted over all families; NULL after the last. */
static const struct op *op_at(int i)
{
	for (int family = 0; family < FAMILIES; family++)
		for (const struct op *op = families[family]; op->name; op++)
			if (i-- == 0)
				return op;
	return NULL;
}

static const struct op *op_find(const char *name)
{
	const struct op *op;

	for (int i = 0; (op = op_at(i)); i++)
		if (strcmp(op->name, name) == 0)
			return op;
	return NULL;
}

static int list(void)
{
	const struct op *op;

	for (int i = 0; (op = op_at(i)); i++)
		printf("%-20s %s\n", op->name, op->what);
	return 0;
}

static void say_error(const char *name)
{
	printf("{\"op\":\"%s\",\"error\":\"%s\"}\n", name, wrong_reason());
	fflush(stdout);
}

static void say_result(const struct op *op, const struct batches *b)
{
	printf("{\"op\":\"%s\",\"batch\":%ld,\"batches\":%d,\"ops\":%.0f,\"min_ns\":%.1f,"
	       "\"median_ns\":%.1f,\"p99_ns\":%.1f,\"cpu_ns\":%.1f}\n",
	       op->name, b->size, b->count, b->ops, b->min_ns, b->median_ns, b->p99_ns, b->cpu_ns);
	fflush(stdout);
}

static bool wanted(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = only; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && strncmp(at, name, len) == 0)
			return true;
	return !only;
}

static int run_all(const char *only, int ms)
{
	const struct op *op;
	int failed = 0;

	for (int i = 0; (op = op_at(i)); i++) {
		struct batches b;
		if (!wanted(only, op->name))
			continue;
		if (op->start() < 0 || op_calibrate(op, &b) < 0 || op_measure(op, ms, &b) < 0) {
			say_error(op->name);
			failed = 1;
		} else {
			say_result(op, &b);
		}
		op->stop();
	}
	return failed;
}

/* The word after the first of a line, the line end cut off; "" if there is none. */
static const char *argument(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	char *space = strchr(line, ' ');
	return space ? space + 1 : "";
}

static const struct op *serve_prepare(const char *name, struct batches *b)
{
	const struct op *op = op_find(name);

	if (!op) {
		wrong("no such operation");
	} else if (op->start() == 0 && op_calibrate(op, b) == 0) {
		printf("{\"ready\":\"%s\"}\n", name);
		return op;
	} else {
		op->stop();
	}
	say_error(name);
	return NULL;
}

static int serve(void)
{
	const struct op *op = NULL;
	struct batches b;
	char line[128];

	while (fgets(line, sizeof line, stdin)) {
		const char *arg = argument(line);
		if (strncmp(line, "prepare ", 8) == 0 && !op) {
			op = serve_prepare(arg, &b);
		} else if (strncmp(line, "go ", 3) == 0 && op) {
			if (op_measure(op, atoi(arg), &b) < 0)
				say_error(op->name);
			else
				say_result(op, &b);
		} else if (strcmp(line, "end") == 0 && op) {
			op->stop();
			printf("{\"end\":\"%s\"}\n", op->name);
			op = NULL;
		} else {
			wrong("unexpected command");
			say_error("?");
		}
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char path[PATH_MAX];
	const char *only = NULL;
	int ms = MS_DEFAULT;

	self_path = realpath(argv[0], path) ? path : argv[0];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--exit") == 0)
			return 7;
		if (strcmp(argv[i], "--sleep") == 0)
			return pause();
		if (strcmp(argv[i], "--serve") == 0)
			return serve();
		if (strcmp(argv[i], "--list") == 0)
			return list();
		if (strncmp(argv[i], "--only=", 7) == 0) {
			only = argv[i] + 7;
		} else if (strncmp(argv[i], "--ms=", 5) == 0) {
			ms = atoi(argv[i] + 5);
		} else {
			fprintf(stderr,
				"usage: micro [--list | --serve] [--only=NAME,...] [--ms=N]\n");
			return 2;
		}
	}
	return run_all(only, ms);
}
