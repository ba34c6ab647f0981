/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of our own binary that are mapped into this process.
 *
 * The host maps 16 around each that is touched, so a process that has started has most of what it will
 * never need again: three quarters of what an idle sandbox took.  They are clean, and in the
 * page cache: who forgets them pays 1 us for each 16 that are needed later.
 */
#pragma once

#include <stdbool.h>

/* Unmaps all that is not writable; it comes back when it is touched.  Host calls: madvise. */
void image_forget(void);

/* Any thread: something has run that will not soon run again (a start, the decoder of instructions). */
void image_touched(void);
/* Whether image_touched() was called since the last image_forget(). */
bool image_is_touched(void);
