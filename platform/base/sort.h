/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qsort(3) that asks nothing of anybody: glibc's, for more than a kilobyte, calls sysinfo(2)
 * and malloc, and the sentry's filter ends the sandbox for the former.
 */
#pragma once

#include <stddef.h>

/* In place, not stable, n log n however the elements lie. */
void sort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b));
