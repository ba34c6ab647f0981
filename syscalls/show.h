/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One argument as text: a function for each value of argkind.def's show column.
 *
 * Text is cut where its buffer ends; every function is safe with whatever the guest passes.
 * An address that cannot be read, a call that failed: the number itself is shown.
 */
#pragma once

#include "platform/base/types.h"
#include "syscalls/flags.h"
#include "syscalls/strace.h"
#include "syscalls/table.h"

struct text {
	char *buf;
	size_t size; /* with the final NUL, which is always there */
	size_t used;
};

void text_init(struct text *t, char *buf, size_t size);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* In quotes, with escapes, at most max bytes of it; more: the rest is only hinted at. */
void text_quote(struct text *t, const char *bytes, size_t size, size_t max, bool more);
/* The names of a value in a group. */
void text_flags(struct text *t, enum flag_group g, uint64_t value, unsigned int width);
/* A signal's name, "SIGRT_2", or the number. */
void text_signal(struct text *t, int64_t sig);

struct show {
	struct text *out;
	const struct trace_mem *mem;
	const struct sysrow *row;
	const uint64_t *args;
	unsigned int aux; /* of the kind */
	bool after;	  /* the call has been made, and ... */
	long ret;	  /* ... returned this */
};

/* Reads a whole object behind argument i; else shows the pointer and says false. */
bool show_read(struct show *s, unsigned int i, void *dst, size_t size);

#define ARGKIND(kind, type, dir, len, when, fn, x) void fn(struct show *s, unsigned int i);
#include "syscalls/argkind.def"

/* Argument i of fcntl as a struct flock. */
void show_flock(struct show *s, unsigned int i);
/* Shows argument i by its kind. */
void show_arg(struct show *s, unsigned int i);
