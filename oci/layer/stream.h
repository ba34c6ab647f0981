/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that are in the memory of a sandbox, through a pipe: its sentry writes, the command
 * reads.  So the sentry gets nothing of the caller's, and is let go when that is killed.
 */
#pragma once

#include "oci/control.h"
#include "oci/life/link.h"
#include "sentry/boot/boot.h"

/* In the sentry.  fds: the connection, then the pipe; taken over. */
void stream_start(struct boot_container *c, const struct control_msg *m, const int *fds, size_t n);
/* how: CHANGES_*; the bytes go to out_fd.  0, or -errno with *e filled. */
int stream_ask(const struct link *l, uint32_t how, int out_fd, struct error *e);
