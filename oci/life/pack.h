/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process part of a struct boot_spec as one block of bytes, in a file: what
 * `exec' sends to the sentry with CONTROL_EXEC.
 *
 * Descriptors of the message: the file; then those that pack_fds() lists, each a
 * descriptor of the process that is not the one before again.
 */
#pragma once

#include "sentry/boot/boot.h"

/* A descriptor of a file with it, or -errno (-E2BIG).  dir_fd: where one can be made. */
int pack_write(const struct boot_spec *s, int dir_fd);
/* Those to send, in order; how many.  Room for 3 + s->nmore. */
size_t pack_fds(const struct boot_spec *s, int *fds);

/*
 * In the sentry.  *out_block is what the strings of *out live in, malloc'ed; fds are taken over
 * into *out, all of them, on success.  -EINVAL: not what pack_write makes; -ENOMEM.
 */
int pack_read(int fd, const int *fds, size_t nfds, struct boot_spec *out, void **out_block);
