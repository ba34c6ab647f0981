/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of oci/cgroup. */
#pragma once

#include "oci/cgroup/cgroup.h"

/* Writes text into dir/file.  0 or -errno. */
int group_write(const char *dir, const char *file, const char *text);
/* Reads dir/file: malloc'ed text.  0 or -errno. */
int group_read(const char *dir, const char *file, char **out);
/* A number in such a file; -1 if there is none ("max" too). */
int64_t group_number(const char *dir, const char *file);
/* Pids in dir, those of other pid namespaces left out. */
int group_pids(const char *dir, pid_t **out, size_t *out_count);
/* rmdir with all that is below, waiting for processes that end.  -EBUSY; gone is no error. */
int group_remove(const char *path, int *left_ms);
/* A group that cgroup_freeze() has left, in v1. */
void freezer_remove(const struct cgroup *c, int *left_ms);
/* It is at `path' of every hierarchy: systemd has said so.  0 or -errno with *e filled. */
int group_move(struct cgroup *c, const char *path, struct error *e);
/* Sleeps until the process has ended, at most ms.  True: it has. */
bool process_wait(pid_t pid, int ms);
