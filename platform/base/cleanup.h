/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by attribute.
 *
 *	autofree char *p = malloc(n);       freed on every way out
 *	autoclose int fd = -1;              closed if >= 0
 *	autoput(file) struct file *f;       file_put(f) if not NULL
 *	return STEAL(p);                    handed over: p is NULL afterwards
 *
 * Locks are never released by attribute.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define autofree  __attribute__((cleanup(cleanup_free)))
/* A descriptor may be there to be closed only. */
#define autoclose __attribute__((cleanup(cleanup_close), unused))

/* Put once beside x_put(): DEFINE_AUTOPUT(file) makes autoput(file) usable. */
#define DEFINE_AUTOPUT(x)                                                                          \
	static inline void cleanup_put_##x(struct x **p)                                           \
	{                                                                                          \
		if (*p)                                                                            \
			x##_put(*p);                                                               \
	}
#define autoput(x) __attribute__((cleanup(cleanup_put_##x)))

#define STEAL(p)                                                                                   \
	({                                                                                         \
		__typeof__(p) steal_ = (p);                                                        \
		(p) = NULL;                                                                        \
		steal_;                                                                            \
	})

/* Hands a descriptor over. */
#define STEAL_FD(fd)                                                                               \
	({                                                                                         \
		int steal_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		steal_;                                                                            \
	})
