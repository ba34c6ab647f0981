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

/* How a call was caught: answered in its stub, by a rewritten site, by a signal or a tracer. */
enum summary_way { WAY_STUB, WAY_PATCHED, WAY_TRAPPED, WAYS };

void summary_count(uint32_t nr, long ret, int64_t ns, enum summary_way way);
/* Calls that were answered in a stub: nobody has looked at the time they took. */
void summary_stub(uint32_t nr, uint64_t count);
void summary_reset(void);
/* The columns of `strace -c` and the ways, most time first; then the calls that got ENOSYS, with
 * counts. */
void summary_print(FILE *out);
