/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `--trace=summary`: how often each call was made, how long it took, how often it failed.
 *
 * Times are wall time between entry and return, so a sleeping call counts its sleep.
 * Counting is safe from any thread; printing is meant for the end.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

void summary_count(uint32_t nr, long ret, int64_t ns);
void summary_reset(void);
/* The columns of `strace -c`, most time first; then the calls that got ENOSYS, with counts. */
void summary_print(FILE *out);
