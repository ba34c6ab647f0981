/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many objects of each kind exist, in test builds (VEDETTE_CHECK): when a
 * sandbox has ended and given everything back, all counts are 0 again.  A
 * release build counts nothing.
 */
#pragma once

#include <stddef.h>

#define COUNTED(X)                                                                                 \
	X(task) X(group) X(mm) X(file) X(inode) X(dentry) X(fs) X(mount) X(cred) X(fdtab) X(fsctx) \
	X(seccomp) X(ns)

enum counted {
#define X(name) COUNT_##name,
	COUNTED(X)
#undef X
	COUNT_KINDS,
};

#ifdef VEDETTE_CHECK
void count_add(enum counted kind, int n);
/* "leak: 3 file, 1 mm" for what is not 0; how many kinds there were. */
int count_check(char *out, size_t size);
#else
static inline void count_add(enum counted kind, int n)
{
	(void)kind;
	(void)n;
}

static inline int count_check(char *out, size_t size)
{
	(void)out;
	(void)size;
	return 0;
}
#endif

/* An object was made / freed: count_new(file). */
#define count_new(name)  count_add(COUNT_##name, 1)
#define count_gone(name) count_add(COUNT_##name, -1)
