/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of a struct boot_spec, which pack.h leaves out, as one block: what a container that
 * goes into another one's sandbox is told by.  Not in it: descriptors, and what the sandbox has
 * only one of.
 */
#pragma once

#include "sentry/boot/boot.h"

/* As pack_write(). */
int pack_container_write(const struct boot_spec *s, int dir_fd);
/* Into *out, whose process is there already.  *out_block as of pack_read(). */
int pack_container_read(int fd, struct boot_spec *out, void **out_block);
