/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry's own system call filter: the rows of hostcalls.def and the
 * argument rules of seccomp.c, everything else ends the process.
 */
#pragma once

#include "base/types.h"

/*
 * Loads it, for good.  Only while the process has one thread: hosts below 3.17
 * cannot filter the others.  with_ptrace: the ptrace platform is in use.
 * 0 or -errno.  In a build with ASan or TSan nothing is loaded (they need open
 * and more) and a warning says so.
 */
int seccomp_load_sentry(bool with_ptrace);
