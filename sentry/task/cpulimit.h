/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLIMIT_CPU: SIGXCPU at the soft limit and every second after it, SIGKILL at
 * the hard one.
 */
#pragma once

#include "sentry/task/task.h"

/* The limit was set, or inherited by a new process.  No lock held. */
void cpulimit_changed(struct group *g);
