/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry gives up what it does not need.  Best effort where the host
 * forbids a step (said once, at --debug); the filter that follows is not.
 */
#pragma once

/* Before anything else: dies with its parent, no core dumps, all the descriptors it may have. */
void confine_begin(void);
/*
 * An empty read-only tmpfs becomes the root of everybody in our mount namespace
 * (own_mounts: it is ours); no capabilities, no_new_privs, dumpable again, since
 * its stubs must be traceable.  0 or -errno.
 */
int confine_end(int own_mounts);
