/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared file system: a host directory that others change too.
 *
 * For bind mounts whose changes go to the host.  Nothing is believed longer
 * than one use: each step of a path walk asks the gofer, and what it says
 * about owner, mode, size and times is what the guest sees.  Data goes through
 * host descriptors that the gofer opened, and so through the host's page cache.
 *
 * The same for an overlay in a host directory (GOFERFS_LAYERED), which nobody else
 * changes while it is in use: there names and attributes are remembered.  A file
 * of the lower layer is copied up by the first open for writing or change of its
 * attributes; who has it open for reading then reads the copy (Linux' overlayfs goes
 * on showing the lower file), but mappings stay as they are.  Names of one lower
 * file part with the first copy, a directory with a lower part cannot be renamed
 * (-EXDEV): both as overlayfs has it.
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
 * GOFERFS_WATCHED: others change it, but seldom, and the host tells of it (watch.h): what is
 * known is believed until then.  Where the host does not, it is like GOFERFS_SHARED; one file
 * system of a gofer can be of this kind.  What a mapping writes outside is not told: times may be
 * seen late.
 */
enum goferfs_kind {
	GOFERFS_SHARED,		/* others change it too */
	GOFERFS_WATCHED,	/* others may change it */
	GOFERFS_LAYERED,	/* a root of two layers, ours alone */
};

/*
 * A file system over root `root` of g, which must outlive it.  The root may be
 * a single file.  -ENOMEM, or what the gofer says of the root.
 */
int goferfs_new(struct gofer *g, unsigned root, enum goferfs_kind kind, struct fs **out);
