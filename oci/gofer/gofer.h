/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gofer: the process that opens host files for the sentry, below a few
 * roots and nowhere else.
 *
 * It keeps no state between requests; sentry/fs/gofer/proto.h is what it
 * understands.  Whoever forks it gives it everything open: roots, connections,
 * and a tmpfs directory for shared memory on hosts without memfd_create.
 *
 * What it promises, whatever the sentry sends:
 *  1. No request reaches a file that is not below the root it names; nothing
 *     below a read-only root changes, nor in the lower layer of a root that has two.
 *  2. No descriptor leaves it but those of regular files, of MEMFILE, and a queue that
 *     tells of changes below the roots and lets nobody watch more.  Directories stay here, so no descriptor can be walked from.  One that is
 *     given comes back with less rights, never with more (READONLY).
 *  3. Devices, fifos and sockets are never opened, only looked at; nor are the
 *     files of proc, sysfs and their like, unless a root lies on that mount.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "platform/base/idmap.h"

struct gofer_root {
	int fd; /* O_PATH is enough; a directory, or one file for a file bind mount */
	bool writable;
	/*
	 * Two layers (layers.h): fd is a directory that holds `upper' and `work', and what is seen
	 * is upper over the lower one.
	 */
	bool layered;
	int lower_fd;
	/* Where the gofer may mount: with what is mounted below fd, and MS_PRIVATE, MS_SLAVE or 0. */
	bool submounts;
	unsigned propagation;
};

struct gofer_config {
	const struct gofer_root *roots; /* their index is the root's number */
	size_t nroots;
	const int *conns; /* SOCK_SEQPACKET ends, one server thread each */
	size_t nconns;
	/*
	 * Owners that have no id inside are shown as 65534; to make or give away a file to
	 * an id that has none on the host is -EINVAL.
	 */
	struct id_map uids, gids;
	int tmpfs_fd; /* a directory on tmpfs, or -1: MEMFILE is -ENOSYS */
	/*
	 * Lock the process up before the first request: own mount tree holding
	 * only the roots (where the host lets us mount), few or no capabilities,
	 * no_new_privs, seccomp filter; every descriptor not named above is
	 * closed.  Off only in tests.
	 */
	bool confine;
	int keep_fd; /* kept open to the end, of no use to us; 0: none */
	/* SIGKILL when the thread that forked us ends: set if that is the sentry's main thread. */
	bool die_with_parent;
	/* Roots are watched for what others change in them (WATCH), where the host lets us. */
	bool watch;
	/* Pretend the host has nothing newer than Linux 3.6: openat2, statx, renameat2. */
	bool old_host;
};

/*
 * Serves until all connections have closed: 0; or -errno if it could not
 * start.  With `confine`, returns only on failure to start: the process ends
 * with status 0 when the last connection does.  The calling process must have
 * one thread and /proc mounted; its working directory becomes /proc/self/fd.
 */
int gofer_serve(const struct gofer_config *cfg);

/* One row of hostcalls.def, for `vedette limits`. */
struct gofer_hostcall {
	const char *name, *since, *why;
	bool writing;  /* only in the filter if a root is writable */
	bool optional; /* does without where the host lacks it */
	bool older;    /* in the filter only where a newer one is not */
};
extern const struct gofer_hostcall gofer_hostcalls[];
extern const size_t gofer_hostcalls_count;
