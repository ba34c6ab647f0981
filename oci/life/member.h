/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the sentry: containers that were put into its sandbox, each with the connection of its
 * host process, over which all goes that goes over the sandbox' own for the first container.
 *
 * Two threads a container, as of session.h.  When its host process is gone it is killed.
 */
#pragma once

#include "oci/control.h"

/*
 * What comes with JOIN, in this order: the connection, then these, then the gofer's connections, the
 * files of struct usage_files that there are, and what pack_fds() lists.
 */
enum { MEMBER_PROCESS = 1, MEMBER_CONTAINER, MEMBER_ALIVE, MEMBER_ZYGOTE, MEMBER_CONNS };

/* fds are taken over. */
void member_start(const struct control_msg *m, const int *fds, size_t n);
