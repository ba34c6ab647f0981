/* SPDX-License-Identifier: Apache-2.0 */
/* Argument strings: copied once, counted against the limits of execve(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/task/exec.h"

/* As fs/exec.c: one string at most 32 pages, all of them a quarter of the stack, at most 6 MiB. */
enum { STRING_MAX = 32 * 4096, STRINGS_FLOOR = 32 * 4096 };
#define STRINGS_CEILING (6ull << 20)

static size_t strings_limit(struct task *t)
{
	uint64_t limit = task_rlimit(t, RLIMIT_STACK) / 4;
	return max_u64(min_u64(limit, STRINGS_CEILING), STRINGS_FLOOR);
}

static int vector_add(char ***v, size_t *n, char *s)
{
	/* Capacity is the next power of two. */
	if ((*n & (*n + 1)) == 0) {
		char **bigger = realloc(*v, (2 * *n + 2) * sizeof *bigger);
		if (!bigger)
			return -ENOMEM;
		*v = bigger;
	}
	(*v)[(*n)++] = s;
	(*v)[*n] = NULL;
	return 0;
}

/* What has been read of a page, from somewhere to its end: strings lie one behind the other. */
struct window {
	uaddr_t from;
	size_t size;
	char bytes[PAGE_SIZE];
};

struct windows {
	struct window pointers, strings;
};

/* The bytes at `at`, and how many there are before the page ends. */
static ssize_t window_at(struct task *t, struct window *w, uaddr_t at, const char **out)
{
	if (at - w->from >= w->size) {
		size_t size = PAGE_SIZE - at % PAGE_SIZE;
		int err = copy_in(t->mm, w->bytes, at, size);
		w->from = at;
		w->size = err < 0 ? 0 : size;
		if (err < 0)
			return err;
	}
	*out = w->bytes + (at - w->from);
	return (ssize_t)(w->size - (at - w->from));
}

static int pointer_at(struct task *t, struct window *w, uaddr_t at, uaddr_t *out)
{
	const char *p;
	ssize_t n = window_at(t, w, at, &p);
	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof *out)
		return copy_in(t->mm, out, at, sizeof *out);
	memcpy(out, p, sizeof *out);
	return 0;
}

static int copy_one(struct task *t, struct window *w, uaddr_t from, size_t room, char **out,
		    size_t *out_size)
{
	autofree char *str = NULL;
	const char *p, *end = NULL;
	size_t size = 0;

	while (!end) {
		ssize_t n = window_at(t, w, from + size, &p);
		if (n < 0)
			return (int)n;
		end = memchr(p, '\0', (size_t)n);
		size_t more = end ? (size_t)(end - p) + 1 : (size_t)n;
		if (size + more > STRING_MAX || size + more + sizeof(uaddr_t) > room)
			return -E2BIG;
		char *bigger = realloc(str, size + more);
		if (!bigger)
			return -ENOMEM;
		str = bigger;
		memcpy(str + size, p, more);
		size += more;
	}
	*out = STEAL(str);
	*out_size = size;
	return 0;
}

static int copy_vector(struct task *t, struct windows *w, uaddr_t from, size_t limit, char ***v,
		       size_t *n, struct exec_strings *s)
{
	int err = vector_add(v, n, NULL);
	*n = 0;
	while (err == 0 && from) {
		uaddr_t p;
		char *str = NULL;
		size_t size = 0;
		size_t used = s->bytes + (s->argc + s->envc) * sizeof p;
		if ((err = pointer_at(t, &w->pointers, from, &p)) < 0 || p == 0)
			break;
		if (used >= limit)
			return -E2BIG;
		if ((err = copy_one(t, &w->strings, p, limit - used, &str, &size)) < 0)
			break;
		if ((err = vector_add(v, n, str)) < 0)
			free(str);
		s->bytes += size;
		from += sizeof p;
	}
	return err;
}

int exec_strings_copy(struct task *t, uaddr_t argv, uaddr_t envp, struct exec_strings *out)
{
	size_t limit = strings_limit(t);
	*out = (struct exec_strings){0};
	autofree struct windows *w = calloc(1, sizeof *w);
	int err = w ? copy_vector(t, w, argv, limit, &out->arg, &out->argc, out) : -ENOMEM;
	if (err == 0)
		err = copy_vector(t, w, envp, limit, &out->env, &out->envc, out);
	/* Linux 5.18: a program always gets an argv[0], if only an empty one. */
	if (err == 0 && out->argc == 0) {
		char *empty = strdup("");
		err = empty ? vector_add(&out->arg, &out->argc, empty) : -ENOMEM;
		out->bytes++;
	}
	if (err < 0)
		exec_strings_free(out);
	return err;
}

static int dup_vector(char *const from[], char ***v, size_t *n, size_t *bytes)
{
	int err = vector_add(v, n, NULL);
	*n = 0;
	for (; err == 0 && from && *from; from++) {
		char *s = strdup(*from);
		if (!s || vector_add(v, n, s) < 0) {
			free(s);
			return -ENOMEM;
		}
		*bytes += strlen(s) + 1;
	}
	return err;
}

int exec_strings_from(char *const argv[], char *const envp[], struct exec_strings *out)
{
	*out = (struct exec_strings){0};
	int err = dup_vector(argv, &out->arg, &out->argc, &out->bytes);
	if (err == 0)
		err = dup_vector(envp, &out->env, &out->envc, &out->bytes);
	if (err < 0)
		exec_strings_free(out);
	return err;
}

int exec_strings_shift(struct exec_strings *s, const char *const *front, size_t n)
{
	struct exec_strings new = {0};
	size_t skip = s->argc > 0 ? 1 : 0;
	int err = vector_add(&new.arg, &new.argc, NULL);
	new.argc = 0;
	for (size_t i = 0; err == 0 && i < n; i++) {
		char *copy = strdup(front[i]);
		if (!copy || (err = vector_add(&new.arg, &new.argc, copy)) < 0) {
			free(copy);
			err = -ENOMEM;
		} else {
			s->bytes += strlen(copy) + 1;
		}
	}
	for (size_t i = skip; err == 0 && i < s->argc; i++)
		if ((err = vector_add(&new.arg, &new.argc, s->arg[i])) == 0)
			s->arg[i] = NULL;
	if (err < 0) {
		exec_strings_free(&new);
		return err;
	}
	for (size_t i = 0; i < s->argc; i++)
		free(s->arg[i]);
	free(s->arg);
	s->arg = new.arg;
	s->argc = new.argc;
	return s->bytes > STRINGS_CEILING ? -E2BIG : 0;
}

static void vector_free(char **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		free(v[i]);
	free(v);
}

void exec_strings_free(struct exec_strings *s)
{
	vector_free(s->arg, s->argc);
	vector_free(s->env, s->envc);
	*s = (struct exec_strings){0};
}
