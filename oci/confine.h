/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The sentry gives up what it does not need: an empty root, no capabilities,
 * no_new_privs, dumpable (its stubs must be traceable).  Best effort where the
 * host forbids a step; the filter that follows is not.  0 or -errno.
 */
int confine_sentry(void);
