/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks into new namespaces, as many as the host lets us have, and the
 * descriptors such a child keeps.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* What the child got. */
struct isolation {
	unsigned long flags;	/* CLONE_NEW*; 0: nothing at all */
	bool ids;		/* it is to become uid and gid 0 of its user namespace */
};

/*
 * The sentry: user, pid, mount, net, ipc and uts namespaces.  The child returns
 * at once and must wait until the parent has returned too: only then are its
 * ids mapped and *out (the parent's) right.  Root's child becomes nobody.
 */
pid_t isolate_sentry(struct isolation *out);
/*
 * The gofer: it keeps the caller's rights on files, hence its user namespace;
 * own pid and ipc namespaces where that is allowed without a new one.
 */
pid_t isolate_gofer(void);
/* In the child, when ids are mapped: becomes 0 in its user namespace.  0 or -errno. */
int isolate_become(void);
/* Closes every descriptor above 2 that is not among the n kept.  0 or -errno. */
int isolate_close(const int *keep, size_t n);
/* "user, pid, mount": for messages. */
const char *isolate_names(unsigned long flags, char *buf, size_t size);
