/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host processes that stand apart from the command that made them.
 *
 * They belong to no session of the caller's, keep none of its descriptors but
 * those they are told to, and end as the process did for which they stand.  The
 * command waits for DONE or ERROR, and says GO when it has made them known; if it
 * dies before that, they give up.
 */
#pragma once

#include "oci/error.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * main gets its end of the socket to the command, and must not return.  The pid, or -errno
 * with *e filled; *out_fd: the command's end.
 */
pid_t apart_fork(void (*main)(void *arg, int creator), void *arg, int *out_fd, struct error *e);
/* In the command: sleeps until DONE (0) or ERROR: what to exit with, *e filled. */
int apart_await(int fd, struct error *e);
/* In the process: a session of its own, no signals' state of the caller, no messages on stderr. */
void apart_begin(const char *what, const char *id, char *const *args);
/* Closes all descriptors above 2 but those, and leaves the caller's directory.  -errno. */
int apart_let_go(const int *keep, size_t n);
/*
 * 0 to 2 and the n after them are the program's alone: who reads its output sees the end of it
 * when the program closes it.
 */
void apart_forget_stdio(unsigned n);
/* Tells the command, or the log, what went wrong if something did, and ends. */
_Noreturn void apart_end(int creator, int status, int sig, const struct error *e);
