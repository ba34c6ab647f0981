/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's vDSO, moved to where every stub has it: stub/answer.h.
 *
 * clock_find() looks at it before the sandbox closes: where it is, whether its code
 * touches general registers only, and which clocks a process can read whose every
 * system call is fatal.  What cannot be proven is left out: clock_gettime is handed over.
 */
#pragma once

#include "platform/base/types.h"

/* Single-threaded, before any filter: forks, reads /proc/self/maps.  Never fails. */
void clock_find(void);
/*
 * In the zygote, a fork of the process that called clock_find(): the pages go to
 * [text - CLOCK_SIZE, text), which is unmapped.  False: not possible, none of it is
 * there.  The zygote's own C library reads no clock after it.
 */
bool clock_move(uint64_t text);
/*
 * In the sentry, once, pid being a stub with that text: looks whether the pages are there.
 * Until then, and if not, there are no clocks.
 */
void clock_ready(int pid, uint64_t text);
/* For struct facts; 0 before clock_ready(). */
uint64_t clock_gettime_at(void);
uint64_t clock_getcpu_at(void);
uint32_t clock_ids(void);
