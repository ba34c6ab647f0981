/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the sentry that speak with the world outside. */
#pragma once

/* One that nobody waits for, with a small stack.  0 or -errno. */
int thread_start(void *(*run)(void *), void *arg);
