/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc(5), sysfs(5) and cgroup v2 as a guest sees them: file systems above
 * tasks, whose files are made when they are read.
 *
 * What they say is derived from the sentry's own state and from sentry/res;
 * what Linux computes and the sentry cannot know is left out.
 */
#pragma once

#include "sentry/vfs/mount.h"

struct file;
struct group;

/* Makers for fs_register(): "proc", "sysfs", "cgroup2". */
int procfs_make(const struct fs_source *s, struct fs **out);
int sysfs_make(const struct fs_source *s, struct fs **out);
int cgroupfs_make(const struct fs_source *s, struct fs **out);
/* The process whose directory /proc/PID f is, borrowed as long as f is held; NULL: another file. */
struct group *procfs_group(const struct file *f);
/*
 * Writes a setting of /proc/sys ("kernel.shmmax"), as the calling task would.  -ENOENT: there is
 * none by that name; -EACCES: it cannot be changed; what the setting says of the value, which is
 * changed.
 */
int procfs_sysctl(const char *name, char *value);
/* What only the host knows is read here: before the sandbox closes. */
void procfs_from_host(void);
