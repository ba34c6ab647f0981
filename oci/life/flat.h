/* SPDX-License-Identifier: Apache-2.0 */
/* Structs and strings one behind the other in a block of bytes, which travels as a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum { FLAT_MAX = 8 << 20 };

struct boot_spec;

/* Of a list that ends with NULL, or is NULL. */
size_t flat_count(char *const *list);
/* With its NUL; NULL: nothing. */
void flat_put_string(FILE *f, const char *s);
void flat_put_strings(FILE *f, char *const *list);
/* A descriptor of a file with what put() writes of s, or -errno (-E2BIG).  dir_fd: where one can be made. */
int flat_write(void (*put)(FILE *f, const struct boot_spec *s), const struct boot_spec *s, int dir_fd);

/* ---- in the sentry ---- */
/* Its bytes, or -EINVAL: too many. */
ssize_t flat_size(int fd);
/* -EINVAL: there are not so many. */
int flat_read(int fd, char *to, size_t size);

/* What is left of the block. */
struct flat {
	char *at;
	size_t size;
};
/* The next n things of that size, or NULL. */
void *flat_take(struct flat *r, size_t n, size_t size);
char *flat_string(struct flat *r);
/* n of them, and a NULL behind. */
bool flat_strings(struct flat *r, size_t n, char **list);
