/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks that are programs of the container: startContainer. */
#pragma once

/*
 * Runs program, with the container's own process for all that is not told, as `exec' would; env
 * NULL: its environment.  Standard descriptors are the caller's.  The exit status; what went wrong
 * before it ran is said on descriptor 2, and 126.
 */
int hook_inside(const char *id, const char *program, char **args, char **env);
