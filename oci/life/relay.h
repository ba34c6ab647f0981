/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal for a process in the foreground whose caller has none on standard input: a
 * pseudoterminal of the host, and the command's own process between it and the caller.
 *
 * What comes in on descriptor 0 is typed there, its end is the end-of-file key; what is written
 * there goes to descriptor 1.  Signals are handed on.
 */
#pragma once

#include "oci/error.h"

/*
 * Returns in a new process, leader of a session whose terminal is 0 to 2; messages go to the
 * caller's standard error.  The calling process stays as the relay and ends as that one does.  0,
 * or -errno with *e filled: nothing has changed.  rows, columns: 0, those of the caller's 1 or 2 if
 * it is one.
 */
int relay_begin(unsigned rows, unsigned columns, struct error *e);
