/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON into structs, by tables of fields, with errors that say where.
 *
 * A struct reader knows the path to the value at hand ("process.rlimits[2].type")
 * and puts it in front of every message.  Strings are not copied: they live as
 * long as the reader's document, as does all memory from reader_alloc().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/error.h"

struct block;

struct reader {
	const char *file;	/* for messages; the caller's */
	json_t *root;
	struct block *blocks;
	struct error *e;
	char path[256];
	size_t path_size;
};

/* Parses a file, or text that came from `file`.  Both fill *e: line and column of a mistake. */
int reader_open(struct reader *r, const char *file, struct error *e);
int reader_parse(struct reader *r, const char *file, const char *text, size_t size,
		 struct error *e);
void reader_close(struct reader *r);
/* Zeroed memory of the document's life; NULL with *r->e filled. */
void *reader_alloc(struct reader *r, size_t count, size_t size);

/* "FILE: PATH: ..." as an error (-EINVAL) or as a warning. */
int reader_fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reader_warn(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One value into *out; 0 or -EINVAL with the error filled. */
typedef int (*read_fn)(struct reader *r, json_t *v, void *out);

struct field {
	const char *name;
	read_fn read;
	size_t offset;		/* of the member that read() gets, in the object's struct */
	bool required;
};

/* Members by table; null counts as absent; an unknown one is a warning. */
int read_object(struct reader *r, json_t *v, const struct field *fields, size_t n, void *out);
/* Elements of `size` bytes, in memory of the document, one zeroed element more than *out_count. */
int read_array(struct reader *r, json_t *v, size_t size, read_fn fn, void **out, size_t *out_count);

int read_string(struct reader *r, json_t *v, void *out);	/* const char **, not empty */
int read_text(struct reader *r, json_t *v, void *out);		/* const char **, may be empty */
int read_absolute(struct reader *r, json_t *v, void *out);	/* const char **, "/..." */
int read_strings(struct reader *r, json_t *v, void *out);	/* char ***, NULL at the end */
int read_bool(struct reader *r, json_t *v, void *out);		/* bool * */
int read_u32(struct reader *r, json_t *v, void *out);		/* uint32_t * */
int read_u64(struct reader *r, json_t *v, void *out);		/* uint64_t *, up to 2^64 - 1 */
/* int64_t *; the caller checks the range. */
int read_i64(struct reader *r, json_t *v, void *out);
/* Members that need no word, that have no effect here, and that would need what is not there. */
int read_skip(struct reader *r, json_t *v, void *out);
int read_without_effect(struct reader *r, json_t *v, void *out);
int read_unsupported(struct reader *r, json_t *v, void *out);
