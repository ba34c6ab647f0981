/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables: small integers to open files.
 *
 * Shared by threads (CLONE_FILES).  A descriptor is reserved first, invisible
 * to other threads, and published when nothing can fail any more.
 */
#pragma once

#include "sentry/vfs/file.h"

struct fdtab;

int fdtab_new(struct fdtab **out);
/* A copy for fork: every published descriptor, close-on-exec flags included.  -ENOMEM. */
int fdtab_copy(struct fdtab *t, struct fdtab **out);
struct fdtab *fdtab_get_table(struct fdtab *t);
void fdtab_put(struct fdtab *t);
bool fdtab_shared(const struct fdtab *t);

/* The file, referenced, or NULL (-EBADF).  O_PATH files are returned too; see fdtab_get_rw. */
struct file *fdtab_get(struct fdtab *t, int fd);
/*
 * The same for a table that the calling task uses itself: as long as no other task does, only
 * the caller could change it, and no lock is taken.
 */
struct file *fdtab_get_own(struct fdtab *t, int fd);
/* As fdtab_get_own, but NULL for O_PATH files: what read, write, ioctl, ... need. */
struct file *fdtab_get_io(struct fdtab *t, int fd);
/*
 * Reserves count lowest free descriptors >= min below limit (RLIMIT_NOFILE):
 * 0 or -EMFILE, -EINVAL (min >= limit), -ENOMEM.
 */
int fd_reserve(struct fdtab *t, unsigned count, unsigned min, uint64_t limit, int *out_fds);
void fd_unreserve(struct fdtab *t, int fd);
/* Takes over f.  The descriptor must be reserved. */
void fd_publish(struct fdtab *t, int fd, struct file *f, bool cloexec);
/* reserve + publish; takes over f in any case; the descriptor or -errno. */
int fd_install(struct fdtab *t, struct file *f, bool cloexec, unsigned min, uint64_t limit);
/* dup2/dup3: replaces what `to` holds; takes over f; to or -EBADF, -EBUSY (being opened). */
int fd_replace(struct fdtab *t, int to, struct file *f, bool cloexec, uint64_t limit);
/* close(2): flushes; 0 or -EBADF. */
int fd_close(struct fdtab *t, int fd);
/* Closes first..last, or marks them close-on-exec. */
int fd_close_range(struct fdtab *t, unsigned first, unsigned last, bool cloexec_only);
/* exec: closes what is close-on-exec. */
void fdtab_exec(struct fdtab *t);
int fd_get_cloexec(struct fdtab *t, int fd);
int fd_set_cloexec(struct fdtab *t, int fd, bool on);
/* The first open descriptor >= from, or -1: for /proc/PID/fd. */
int fd_next(struct fdtab *t, int from);
/* Key that owns POSIX locks taken through this table. */
void *fdtab_owner(struct fdtab *t);
