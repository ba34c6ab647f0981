/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared file system: a host directory that others change too.
 *
 * For bind mounts whose changes go to the host.  Nothing is believed longer
 * than one use: each step of a path walk asks the gofer, and what it says
 * about owner, mode, size and times is what the guest sees.  Data goes through
 * host descriptors that the gofer opened, and so through the host's page cache.
 *
 * What differs from the host's own file system:
 *  - FIFOs are the sandbox' own: a name on the host, a pipe inside.
 *  - Names of sockets are the sandbox' own, and gone with it; devices cannot be
 *    made (-EPERM); fallocate is -EOPNOTSUPP.
 *  - Modes, owners and times of an open file that has lost its name change
 *    here only; extended attributes of it are -ESTALE.
 *  - O_DIRECT is accepted and goes through the page cache; files have no holes.
 *  - A write clears set-id bits for root too: the sentry has no rights on the host.
 *  - open(O_CREAT) is -EEXIST if somebody outside makes the file at that moment.
 */
#pragma once

#include "sentry/vfs/inode.h"

struct gofer;

/*
 * A file system over root `root` of g, which must outlive it.  The root may be
 * a single file.  -ENOMEM, or what the gofer says of the root.
 */
int goferfs_new(struct gofer *g, unsigned root, struct fs **out);
