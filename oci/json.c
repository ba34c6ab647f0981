/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/log.h"

enum { FILE_MAX = 16 << 20, ARRAY_MAX = 65536 };

struct block {
	struct block *next;
	max_align_t data[];
};

/*
 * 18446744073709551615 is how runtimes write "unlimited", and does not fit into
 * jansson's integers: such a document is read with numbers as doubles.
 */
int reader_parse(struct reader *r, const char *file, const char *text, size_t size, struct error *e)
{
	json_error_t je;
	size_t flags = JSON_REJECT_DUPLICATES;
	*r = (struct reader){.file = file, .e = e};
	r->root = json_loadb(text, size, flags, &je);
	if (!r->root && json_error_code(&je) == json_error_numeric_overflow)
		r->root = json_loadb(text, size, flags | JSON_DECODE_INT_AS_REAL, &je);
	if (r->root)
		return 0;
	error_set(e, -EINVAL, "%s: line %d, column %d: %s", file, je.line, je.column, je.text);
	error_sanitize(e);
	return -EINVAL;
}

static int cannot_read(const char *file, int err, struct error *e)
{
	return error_set(e, err, "cannot read %s: %s", file, strerror(-err));
}

/* Also what a shell's <(...) names. */
static int read_pipe(const char *file, char **out, size_t *out_size, struct error *e)
{
	FILE *in = fopen(file, "re"), *to = in ? open_memstream(out, out_size) : NULL;
	char part[4096];
	size_t n, all = 0;
	int err = to ? 0 : -errno;
	while (to && all <= FILE_MAX && (n = fread(part, 1, sizeof part, in)) > 0)
		all += fwrite(part, 1, n, to);
	if (to && (ferror(in) || all > FILE_MAX))
		err = ferror(in) ? -EIO : -EFBIG;
	if (to && fclose(to) != 0 && err == 0)
		err = -ENOMEM;
	if (in)
		fclose(in);
	if (err < 0 && to)
		free(STEAL(*out));
	return err < 0 ? cannot_read(file, err, e) : 0;
}

static int read_file(const char *file, char **out, size_t *out_size, struct error *e)
{
	struct stat st;
	size_t got = 0;
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot_read(file, -errno, e);
	if (S_ISFIFO(st.st_mode))
		return read_pipe(file, out, out_size, e);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return error_set(e, -EINVAL, "cannot read %s: not a regular file of at most 16 MiB",
				 file);
	autofree char *text = malloc((size_t)st.st_size + 1);
	if (!text)
		return cannot_read(file, -ENOMEM, e);
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, text + got, (size_t)st.st_size - got);
		if (n < 0 && errno != EINTR)
			return cannot_read(file, -errno, e);
		if (n == 0)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	*out_size = got;
	*out = STEAL(text);
	return 0;
}

int reader_open(struct reader *r, const char *file, struct error *e)
{
	autofree char *text = NULL;
	size_t size = 0;
	*r = (struct reader){0};
	int err = read_file(file, &text, &size, e);
	return err < 0 ? err : reader_parse(r, file, text, size, e);
}

void reader_close(struct reader *r)
{
	while (r->blocks) {
		struct block *b = r->blocks;
		r->blocks = b->next;
		free(b);
	}
	if (r->root)
		json_decref(r->root);
	r->root = NULL;
}

void *reader_alloc(struct reader *r, size_t count, size_t size)
{
	size_t bytes;
	struct block *b = NULL;
	if (!__builtin_mul_overflow(count, size, &bytes) &&
	    !__builtin_add_overflow(bytes, sizeof *b, &bytes))
		b = calloc(1, bytes);
	if (!b) {
		error_set(r->e, -ENOMEM, "%s: out of memory", r->file);
		return NULL;
	}
	b->next = r->blocks;
	r->blocks = b;
	return b->data;
}

static void format_where(const struct reader *r, char *out, size_t size)
{
	const char *path = r->path[0] == '.' ? r->path + 1 : r->path;
	snprintf(out, size, "%s: %s%s", r->file, path, *path ? ": " : "");
}

static void format_message(const struct reader *r, struct error *e, int err, const char *fmt,
			   va_list ap)
{
	char where[384], what[384];
	format_where(r, where, sizeof where);
	vsnprintf(what, sizeof what, fmt, ap);
	error_set(e, err, "%s%s", where, what);
	error_sanitize(e);
}

int reader_fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	format_message(r, r->e, -EINVAL, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void reader_warn(struct reader *r, const char *fmt, ...)
{
	struct error shown;
	va_list ap;
	va_start(ap, fmt);
	format_message(r, &shown, 0, fmt, ap);
	va_end(ap);
	log_warning("%s", shown.msg);
}

static size_t path_enter(struct reader *r, const char *fmt, const char *name, size_t i)
{
	size_t was = r->path_size, room = sizeof r->path - was;
	int n = name ? snprintf(r->path + was, room, fmt, name)
		     : snprintf(r->path + was, room, fmt, i);
	if (n > 0)
		r->path_size += (size_t)n < room ? (size_t)n : room - 1;
	return was;
}

static void path_leave(struct reader *r, size_t was)
{
	r->path_size = was;
	r->path[was] = '\0';
}

static const char *type_name(const json_t *v)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",	[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};
	return names[json_typeof(v)];
}

static int wrong_type(struct reader *r, const char *want, const json_t *v)
{
	return reader_fail(r, "must be %s, not %s", want, type_name(v));
}

static const struct field *field_find(const struct field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static int read_member(struct reader *r, const char *name, json_t *v, const struct field *f,
		       void *out)
{
	size_t was = path_enter(r, ".%s", name, 0);
	int err = 0;
	if (!f)
		reader_warn(r, "unknown field, ignored");
	else if (!json_is_null(v))
		err = f->read(r, v, (char *)out + f->offset);
	path_leave(r, was);
	return err;
}

int read_object(struct reader *r, json_t *v, const struct field *fields, size_t n, void *out)
{
	const char *name;
	json_t *member;
	if (!json_is_object(v))
		return wrong_type(r, "an object", v);
	for (size_t i = 0; i < n; i++) {
		member = json_object_get(v, fields[i].name);
		if (!fields[i].required || (member && !json_is_null(member)))
			continue;
		path_enter(r, ".%s", fields[i].name, 0);
		return reader_fail(r, "is missing");
	}
	json_object_foreach(v, name, member)
	{
		int err = read_member(r, name, member, field_find(fields, n, name), out);
		if (err < 0)
			return err;
	}
	return 0;
}

int read_array(struct reader *r, json_t *v, size_t size, read_fn fn, void **out, size_t *out_count)
{
	if (!json_is_array(v))
		return wrong_type(r, "an array", v);
	size_t n = json_array_size(v);
	if (n > ARRAY_MAX)
		return reader_fail(r, "has more than %d elements", ARRAY_MAX);
	char *items = reader_alloc(r, n + 1, size);
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t was = path_enter(r, "[%zu]", NULL, i);
		int err = fn(r, json_array_get(v, i), items + i * size);
		if (err < 0)
			return err;
		path_leave(r, was);
	}
	*out = items;
	*out_count = n;
	return 0;
}

int read_text(struct reader *r, json_t *v, void *out)
{
	if (!json_is_string(v))
		return wrong_type(r, "a string", v);
	*(const char **)out = json_string_value(v);
	return 0;
}

int read_string(struct reader *r, json_t *v, void *out)
{
	int err = read_text(r, v, out);
	if (err == 0 && json_string_length(v) == 0)
		err = reader_fail(r, "is empty");
	return err;
}

int read_absolute(struct reader *r, json_t *v, void *out)
{
	int err = read_string(r, v, out);
	if (err == 0 && json_string_value(v)[0] != '/')
		err = reader_fail(r, "must be an absolute path, not '%s'", json_string_value(v));
	return err;
}

int read_strings(struct reader *r, json_t *v, void *out)
{
	size_t n;
	return read_array(r, v, sizeof(char *), read_text, out, &n);
}

int read_bool(struct reader *r, json_t *v, void *out)
{
	if (!json_is_boolean(v))
		return wrong_type(r, "true or false", v);
	*(bool *)out = json_is_true(v);
	return 0;
}

/* Doubles from 2^53 on have no fraction. */
static bool whole(double x)
{
	return x >= 0x1p53 || x <= -0x1p53 || x == (double)(int64_t)x;
}

/* A document read with numbers as doubles rounds the great ones: 2^64 means 2^64 - 1. */
int read_u64(struct reader *r, json_t *v, void *out)
{
	uint64_t *to = out;
	double x = json_number_value(v);
	if (!json_is_number(v))
		return wrong_type(r, "a number", v);
	if (x < 0 || !whole(x) || x > 0x1p64)
		return reader_fail(r, "must be a whole number from 0 to 18446744073709551615");
	if (json_is_integer(v))
		*to = (uint64_t)json_integer_value(v);
	else
		*to = x >= 0x1p64 ? UINT64_MAX : (uint64_t)x;
	return 0;
}

int read_i64(struct reader *r, json_t *v, void *out)
{
	double x = json_number_value(v);
	if (!json_is_number(v))
		return wrong_type(r, "a number", v);
	if (json_is_real(v) && (!whole(x) || x < -0x1p63 || x >= 0x1p63))
		return reader_fail(r, "must be a whole number of 64 bits");
	*(int64_t *)out = json_is_integer(v) ? json_integer_value(v) : (int64_t)x;
	return 0;
}

int read_u32(struct reader *r, json_t *v, void *out)
{
	uint64_t x;
	int err = read_u64(r, v, &x);
	if (err < 0)
		return err;
	if (x > UINT32_MAX)
		return reader_fail(r, "must be at most 4294967295");
	*(uint32_t *)out = (uint32_t)x;
	return 0;
}

int read_skip(struct reader *r, json_t *v, void *out)
{
	(void)r;
	(void)v;
	(void)out;
	return 0;
}

int read_without_effect(struct reader *r, json_t *v, void *out)
{
	(void)v;
	(void)out;
	reader_warn(r, "has no effect here");
	return 0;
}

int read_unsupported(struct reader *r, json_t *v, void *out)
{
	bool empty = (json_is_object(v) && json_object_size(v) == 0) ||
		     (json_is_array(v) && json_array_size(v) == 0) ||
		     (json_is_string(v) && json_string_length(v) == 0) || json_is_false(v);
	(void)out;
	return empty ? 0 : reader_fail(r, "is not supported yet; remove it from the configuration");
}
